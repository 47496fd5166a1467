//! Files that are part of the program: the page, if the program was built with the feature
//! `embedded-page`. [`EmbeddedFiles`] takes the place of the file system below tower-http's `ServeDir`, so
//! that they are served as files of a folder are, with the same headers and compressed variants.

use std::future::{Ready, ready};
use std::io::{self, Cursor, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File, Metadata};

/// The files of the page, which the build script lists.
static PAGE: &[EmbeddedFile] = include!(concat!(env!("OUT_DIR"), "/embedded_page.rs"));

/// A file of the program.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedFile {
    /// Its path, with `/` between its parts.
    pub path: &'static str,
    /// Differs if the contents differ.
    pub digest: u64,
    /// Its contents.
    pub bytes: &'static [u8],
}

/// Files of the program, by path.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedFiles {
    files: &'static [EmbeddedFile],
    /// The whole seconds of the time at which all files were changed, since the Unix epoch.
    seconds: u64,
}

impl EmbeddedFiles {
    /// The page inside this program; `None` if it was built without one.
    #[must_use]
    pub fn page() -> Option<Self> {
        let installed = || std::env::current_exe()?.metadata()?.modified();
        (!PAGE.is_empty()).then(|| Self::new(PAGE, installed().unwrap_or(SystemTime::UNIX_EPOCH)))
    }

    /// These files, all of which were `changed` at the same time.
    #[must_use]
    pub fn new(files: &'static [EmbeddedFile], changed: SystemTime) -> Self {
        let since_epoch = changed.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            files,
            seconds: since_epoch.unwrap_or_default().as_secs(),
        }
    }

    fn find(&self, path: &Path) -> io::Result<OpenedFile> {
        let mut name = String::new();
        for part in path.components() {
            if let Component::Normal(part) = part {
                if !name.is_empty() {
                    name.push('/');
                }
                name.push_str(&part.to_string_lossy());
            }
        }
        let file = self.files.iter().find(|file| file.path == name);
        file.map(|file| OpenedFile {
            contents: Cursor::new(file.bytes),
            changed: self.changed(file),
        })
        .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// `ServeDir` makes a file's `ETag` from its length and this time. Two programs may be of the same
    /// second, such as in a container image, so the rest of the time tells contents apart.
    fn changed(&self, file: &EmbeddedFile) -> SystemTime {
        let nanoseconds = u32::try_from(file.digest % 1_000_000_000).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::new(self.seconds, nanoseconds)
    }
}

impl Backend for EmbeddedFiles {
    type File = OpenedFile;
    type Metadata = EmbeddedMetadata;
    type OpenFuture = Ready<io::Result<OpenedFile>>;
    type MetadataFuture = Ready<io::Result<EmbeddedMetadata>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(self.find(&path))
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        // The only folder that is asked for: that of `index.html`.
        if path.components().all(|part| part == Component::CurDir) {
            return ready(Ok(EmbeddedMetadata::Folder));
        }
        ready(self.find(&path).map(|file| file.describe()))
    }
}

/// What `ServeDir` reads a file from.
#[derive(Debug)]
pub struct OpenedFile {
    contents: Cursor<&'static [u8]>,
    changed: SystemTime,
}

impl OpenedFile {
    fn describe(&self) -> EmbeddedMetadata {
        EmbeddedMetadata::File {
            length: self.contents.get_ref().len() as u64,
            changed: self.changed,
        }
    }
}

impl AsyncRead for OpenedFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.contents).poll_read(context, buffer)
    }
}

impl AsyncSeek for OpenedFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.contents).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.contents).poll_complete(context)
    }
}

impl File for OpenedFile {
    type Metadata = EmbeddedMetadata;
    type MetadataFuture<'a> = Ready<io::Result<EmbeddedMetadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.describe()))
    }
}

/// What `ServeDir` knows about a path.
#[derive(Debug, Clone, Copy)]
pub enum EmbeddedMetadata {
    /// It is the folder of all files.
    Folder,
    /// It is a file.
    File {
        /// The length in bytes.
        length: u64,
        /// When it was changed.
        changed: SystemTime,
    },
}

impl Metadata for EmbeddedMetadata {
    fn is_dir(&self) -> bool {
        matches!(self, Self::Folder)
    }

    fn modified(&self) -> io::Result<SystemTime> {
        match self {
            Self::Folder => Err(io::ErrorKind::IsADirectory.into()),
            Self::File { changed, .. } => Ok(*changed),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Folder => 0,
            Self::File { length, .. } => *length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_same_length_and_second_have_different_times() {
        let file = |digest| EmbeddedFile {
            path: "index.html",
            digest,
            bytes: b"12",
        };
        let files = EmbeddedFiles::new(&[], SystemTime::UNIX_EPOCH + Duration::from_millis(7_900));
        let (one, other) = (files.changed(&file(1)), files.changed(&file(2)));
        assert_ne!(one, other);
        for time in [one, other] {
            let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(since_epoch.as_secs(), 7);
        }
    }
}

//! The files of a build's output folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::Error;

/// The committed file in `pkg/`, which is kept.
const KEPT: &str = ".gitignore";

/// All files in a folder and its subfolders, relative to it and sorted, except the committed
/// `.gitignore`.
///
/// # Errors
/// [`Error::File`] when a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let path = folder.join(&relative);
        for entry in fs::read_dir(&path).map_err(Error::file("read", &path))? {
            let entry = entry.map_err(Error::file("read", &path))?;
            let name = relative.join(entry.file_name());
            let kind = entry.file_type().map_err(Error::file("read", &path))?;
            if kind.is_dir() {
                folders.push(name);
            } else if name.as_os_str() != KEPT {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Replaces the files in `folder`, except its `.gitignore`, by those in `fresh`.
///
/// Each file is written under a temporary name and then renamed, so that a page being served gets
/// the old file or the new one, never a partial one.
///
/// # Errors
/// [`Error::File`].
pub fn replace_contents(folder: &Path, fresh: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let wanted = files_below(fresh)?;
    let old: Vec<PathBuf> = files_below(folder)?
        .into_iter()
        .filter(|file| !wanted.contains(file))
        .collect();
    let mut written = Vec::new();
    for file in &wanted {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let temporary = path.with_file_name(name);
        fs::copy(fresh.join(file), &temporary).map_err(Error::file("write", &temporary))?;
        written.push((temporary, path));
    }
    for (temporary, path) in written {
        fs::rename(&temporary, &path).map_err(Error::file("replace", &path))?;
    }
    for file in old {
        let path = folder.join(file);
        fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        // Folders that are empty now; the first one that is not ends it.
        let emptied = path
            .ancestors()
            .skip(1)
            .take_while(|parent| *parent != folder);
        for parent in emptied {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// The size in bytes after gzip at the highest level.
pub fn compressed_size(bytes: &[u8]) -> u64 {
    let mut counter = Counter(0);
    let mut encoder = GzEncoder::new(&mut counter, Compression::best());
    // Counting bytes cannot fail.
    let _ = encoder.write_all(bytes);
    let _ = encoder.finish();
    counter.0
}

/// Counts the bytes written to it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_build_replaces_the_old_one_and_keeps_the_committed_file() {
        let base = std::env::temp_dir().join(format!("taskwright-pkg-{}", std::process::id()));
        let (folder, fresh) = (base.join("pkg"), base.join("fresh"));
        fs::create_dir_all(folder.join("snippets")).unwrap();
        fs::create_dir_all(fresh.join("new")).unwrap();
        for (path, text) in [
            (folder.join(".gitignore"), "*"),
            (folder.join("a.js"), "old"),
            (folder.join("snippets/b.js"), "old"),
            (fresh.join("a.js"), "new"),
            (fresh.join("new/c.js"), "new"),
        ] {
            fs::write(path, text).unwrap();
        }
        replace_contents(&folder, &fresh).unwrap();
        assert_eq!(
            files_below(&folder).unwrap(),
            ["a.js", "new/c.js"].map(PathBuf::from)
        );
        assert!(!folder.join("snippets").exists(), "an empty folder is left");
        assert_eq!(fs::read_to_string(folder.join("a.js")).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*");
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn repeated_bytes_compress_well() {
        let size = compressed_size(&[b'a'; 100_000]);
        assert!((20..1_000).contains(&size), "{size}");
    }
}

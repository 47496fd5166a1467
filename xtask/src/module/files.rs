//! The files of a folder that is made by a build.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::Error;

/// The file that is committed in `pkg/`, and stays.
const KEPT: &str = ".gitignore";

/// The files below a folder, relative to it, sorted; without the committed `.gitignore`.
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

/// Makes `folder` hold the files of `fresh`, and no others but its `.gitignore`.
///
/// Each file is first written beside the one that it replaces and then takes its name, so that a
/// page that is being served gets the old file or the new one and never half of one.
///
/// # Errors
/// [`Error::File`].
pub fn replace_contents(folder: &Path, fresh: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let wanted = files_below(fresh)?;
    let old: Vec<PathBuf> = files_below(folder)?
        .into_iter()
        .filter(|file| !wanted.contains(file))
        .collect();
    let mut written = Vec::new();
    for file in &wanted {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let beside = path.with_file_name(name);
        fs::copy(fresh.join(file), &beside).map_err(Error::file("write", &beside))?;
        written.push((beside, path));
    }
    for (beside, path) in written {
        fs::rename(&beside, &path).map_err(Error::file("replace", &path))?;
    }
    for file in old {
        let path = folder.join(file);
        fs::remove_file(&path).map_err(Error::file("remove", &path))?;
    }
    Ok(())
}

/// The size in bytes after gzip at its best.
pub fn compressed_size(bytes: &[u8]) -> u64 {
    let mut counter = Counter(0);
    let mut encoder = GzEncoder::new(&mut counter, Compression::best());
    // Counting bytes cannot fail.
    let _ = encoder.write_all(bytes);
    let _ = encoder.finish();
    counter.0
}

/// Counts what is written to it.
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
    fn a_new_build_takes_the_place_of_the_old_one_and_leaves_what_is_committed() {
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
        assert_eq!(fs::read_to_string(folder.join("a.js")).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*");
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn what_repeats_is_small_once_compressed() {
        let size = compressed_size(&[b'a'; 100_000]);
        assert!((20..1_000).contains(&size), "{size}");
    }
}

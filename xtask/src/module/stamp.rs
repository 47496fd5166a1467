//! What a build was made from and what it made, so that it is not made again.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::files::files_below;
use crate::error::Error;

/// The mark of one build: how it was made, the compiled file it was made from, and the files it
/// made, the files by size and time of last change.
///
/// Contents are not read: cargo leaves the compiled file alone when nothing has changed, and a
/// wrong guess in the other direction only costs a build.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    /// The mark of what is there now, or nothing when something is missing.
    pub fn of(recipe: &str, compiled: &Path, made: &Path) -> Option<Self> {
        let mut text = format!("{recipe}\n");
        writeln!(text, "from {}", file_mark(compiled)?).ok()?;
        for file in files_below(made).ok()? {
            let mark = file_mark(&made.join(&file))?;
            writeln!(text, "{} {mark}", file.display()).ok()?;
        }
        Some(Self(text))
    }

    /// The mark that the last build left, if there is one.
    pub fn read(path: &Path) -> Option<Self> {
        fs::read_to_string(path).ok().map(Self)
    }

    /// Leaves the mark for the next build.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        fs::write(path, &self.0).map_err(Error::file("write", path))
    }
}

fn file_mark(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!(
        "{} bytes, {} ns",
        metadata.len(),
        changed.as_nanos()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_recipe_source_or_result_shows() {
        let base = std::env::temp_dir().join(format!("taskwright-stamp-{}", std::process::id()));
        let (source, made, stamp) = (base.join("in"), base.join("out"), base.join("stamp"));
        fs::create_dir_all(&made).unwrap();
        fs::write(&source, "1").unwrap();
        fs::write(made.join("a.js"), "1").unwrap();
        Stamp::of("quick", &source, &made)
            .unwrap()
            .write(&stamp)
            .unwrap();
        let unchanged = |recipe: &str| Stamp::of(recipe, &source, &made) == Stamp::read(&stamp);

        assert!(unchanged("quick"));
        assert!(!unchanged("release"));
        fs::write(made.join("a.js"), "12").unwrap();
        assert!(!unchanged("quick"));
        fs::write(made.join("a.js"), "1").unwrap();
        fs::write(&source, "12").unwrap();
        assert!(!unchanged("quick"));
        fs::remove_file(&source).unwrap();
        assert_eq!(Stamp::of("quick", &source, &made), None);
        fs::remove_dir_all(&base).unwrap();
    }
}

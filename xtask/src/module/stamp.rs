//! A fingerprint of a build's inputs and outputs, to skip a build that would change nothing.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::files::files_below;
use crate::error::Error;

/// The fingerprint of a build: its recipe, the files it started from, and its output files.
/// Files are identified by size and modification time.
///
/// Contents are not read: cargo does not touch the compiled file if nothing has changed, and a
/// false difference only costs one build.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    /// The fingerprint of the present files, or `None` if one is missing.
    pub fn of(recipe: &str, sources: &[PathBuf], output: &Path) -> Option<Self> {
        let mut text = format!("{recipe}\n");
        for file in sources {
            writeln!(text, "from {} {}", file.display(), file_stamp(file)?).ok()?;
        }
        for file in files_below(output).ok()? {
            let stamp = file_stamp(&output.join(&file))?;
            writeln!(text, "{} {stamp}", file.display()).ok()?;
        }
        Some(Self(text))
    }

    /// The fingerprint that the last build stored, if any.
    pub fn read(path: &Path) -> Option<Self> {
        fs::read_to_string(path).ok().map(Self)
    }

    /// Stores the fingerprint for the next build.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        fs::write(path, &self.0).map_err(Error::file("write", path))
    }
}

fn file_stamp(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!(
        "{} bytes, {} ns",
        metadata.len(),
        modified.as_nanos()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_to_recipe_source_or_output_changes_the_stamp() {
        let base = std::env::temp_dir().join(format!("taskwright-stamp-{}", std::process::id()));
        let (source, output, stamp) = (base.join("in"), base.join("out"), base.join("stamp"));
        fs::create_dir_all(&output).unwrap();
        fs::write(&source, "1").unwrap();
        fs::write(output.join("a.js"), "1").unwrap();
        let sources = [source.clone()];
        Stamp::of("quick", &sources, &output)
            .unwrap()
            .write(&stamp)
            .unwrap();
        let unchanged = |recipe: &str| Stamp::of(recipe, &sources, &output) == Stamp::read(&stamp);

        assert!(unchanged("quick"));
        assert!(!unchanged("release"));
        fs::write(output.join("a.js"), "12").unwrap();
        assert!(!unchanged("quick"));
        fs::write(output.join("a.js"), "1").unwrap();
        fs::write(&source, "12").unwrap();
        assert!(!unchanged("quick"));
        fs::remove_file(&source).unwrap();
        assert_eq!(Stamp::of("quick", &sources, &output), None);
        fs::remove_dir_all(&base).unwrap();
    }
}

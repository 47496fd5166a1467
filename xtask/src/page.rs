//! What `index.html` refers to.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// The page, as text.
///
/// # Errors
/// [`Error::File`].
pub fn index(root: &Path) -> Result<String, Error> {
    read_text(&root.join("index.html"))
}

/// The style sheets of the page as one, in the order of `index`.
///
/// # Errors
/// [`Error::File`].
pub fn style_sheet(root: &Path, index: &str) -> Result<Vec<u8>, Error> {
    let paths = attribute_values(index, "<link rel=\"stylesheet\" href=\"");
    joined(root, &paths)
}

/// The scripts that run before the module as one, in the order of `index`.
///
/// # Errors
/// [`Error::File`].
pub fn shell_script(root: &Path, index: &str) -> Result<Vec<u8>, Error> {
    let mut paths = attribute_values(index, "<script src=\"");
    paths.retain(|path| !path.ends_with("boot.js"));
    joined(root, &paths)
}

fn joined(root: &Path, paths: &[&str]) -> Result<Vec<u8>, Error> {
    let mut text = String::new();
    for path in paths {
        text.push_str(&read_text(&root.join(path))?);
    }
    Ok(text.into_bytes())
}

/// What follows each `prefix`, up to the next quotation mark.
fn attribute_values<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    text.split(prefix)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file("read", path))
}

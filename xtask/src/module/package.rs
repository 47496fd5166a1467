//! What the npm package holds beside the module: its entrances, types, command and documents.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::files_below;
use super::package_json;
use crate::error::Error;
use crate::page;
use crate::project::Project;

/// The JavaScript that wasm-bindgen generates, as it names it.
const GENERATED: &str = "taskwright.js";
/// Its name in the package, whose entrance has the other one.
const BINDINGS: &str = "taskwright_bg.js";
/// The folder of the checkout whose files are copied as they are.
const FOLDER: &str = "npm";
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The files that are copied: where they are, and what they are called in the package.
///
/// # Errors
/// [`Error::File`] when a folder cannot be read.
fn copied(root: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let folder = root.join(FOLDER);
    let own = files_below(&folder)?
        .into_iter()
        .map(|file| (folder.join(&file), file));
    let licences = LICENCES.map(|name| (root.join(name), PathBuf::from(name)));
    Ok(own.chain(licences).collect())
}

/// All files from which [`add`] makes something.
///
/// # Errors
/// [`Error::File`] when a folder cannot be read.
pub fn sources(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let styles = root.join("static/styles");
    let sheets = files_below(&styles)?
        .into_iter()
        .map(|file| styles.join(file));
    let copied = copied(root)?.into_iter().map(|(from, _)| from);
    Ok(copied
        .chain(sheets)
        .chain([root.join("index.html")])
        .collect())
}

/// Adds these files to a folder with the output of wasm-bindgen.
///
/// # Errors
/// [`Error::File`].
pub fn add(project: &Project, folder: &Path) -> Result<(), Error> {
    let generated = folder.join(GENERATED);
    fs::rename(&generated, folder.join(BINDINGS)).map_err(Error::file("rename", &generated))?;
    for (from, name) in copied(&project.root)? {
        let to = folder.join(name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        }
        fs::copy(&from, &to).map_err(Error::file("write", &to))?;
    }
    let index = page::index(&project.root)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(Error::file("write", &path))
    };
    write("style.css", &page::style_sheet(&project.root, &index)?)?;
    write(
        "package.json",
        package_json::text(&project.version).as_bytes(),
    )
}

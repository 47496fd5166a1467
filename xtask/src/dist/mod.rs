//! `cargo xtask dist`: the page as files for any static web host, in `dist/`.
//!
//! `split` builds the module and cuts it into pieces, `assemble` gives every file its place and its
//! name, `compressed` adds `.br` and `.gz` files, `budget` holds the sizes against their limits, and
//! `archive` writes the zip.

mod archive;
mod assemble;
mod budget;
mod compressed;
mod split;

use std::fs;
use std::path::PathBuf;

use crate::error::Error;
use crate::project::Project;
use crate::say;

/// Builds the page into `dist/`, prints the sizes, and checks them.
///
/// # Errors
/// When something cannot be installed, compiled or written, or a size exceeds its limit.
pub fn run(project: &Project) -> Result<(), Error> {
    let _lock = project.lock("dist")?;
    let module = split::build(project)?;
    let fresh = work_folder(project).join("files");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::file("remove", &fresh))?;
    }
    assemble::assemble(project, &module, &fresh)?;
    compressed::compress_all(project, &fresh)?;
    let dist = project.root.join("dist");
    crate::module::files::replace_contents(&dist, &fresh)?;
    let zip = project.root.join("dist.zip");
    archive::write(&dist, &zip)?;
    say::step("dist", &format!("{} and {}", dist.display(), zip.display()));
    budget::check(&dist)
}

/// Installs what [`run`] needs.
///
/// # Errors
/// When something cannot be installed.
pub fn ensure_tools(project: &Project) -> Result<(), Error> {
    split::ensure_tools(project).map(drop)
}

/// The folder of what is made on the way.
fn work_folder(project: &Project) -> PathBuf {
    project.target.join("xtask").join("dist")
}

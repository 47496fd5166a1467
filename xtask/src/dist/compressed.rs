//! Compressed files beside the original ones, so that a web server only has to choose.

use std::path::Path;

use crate::error::Error;
use crate::module::files::files_below;
use crate::process;
use crate::project::Project;
use crate::say;

/// The script that compresses: Node's zlib has brotli, and Node is needed anyway.
const SCRIPT: &str = "xtask/src/dist/compressed.js";
/// The types of files that become smaller.
const COMPRESSED: [&str; 7] = ["css", "html", "js", "json", "svg", "wasm", "webmanifest"];

/// Writes `.br` and `.gz` files beside all files that become smaller.
///
/// # Errors
/// When Node is missing or fails.
pub fn compress_all(project: &Project, folder: &Path) -> Result<(), Error> {
    say::step("dist", "compressing (brotli, gzip)");
    let mut command = process::node_script_in(&project.root, Path::new(SCRIPT));
    for file in files_below(folder)? {
        if is_compressed(&file) {
            command.arg(folder.join(file));
        }
    }
    process::run(
        &mut command,
        "compressing",
        "Install Node.js 20 or later from https://nodejs.org.",
    )
}

/// Whether there is a `.br` and a `.gz` file beside the file. An operator edits `config.json`, which
/// would leave them with the old text.
pub fn is_compressed(file: &Path) -> bool {
    let has_type = file
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| COMPRESSED.contains(&extension));
    let name = file.file_name().and_then(|name| name.to_str());
    has_type && !name.is_some_and(|name| name.starts_with("config."))
}

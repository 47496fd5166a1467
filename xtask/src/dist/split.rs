//! The module, cut into pieces (`src/pieces/`).

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::module::{self, Goal};
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::packages;
use crate::setup::tools::{self, Installed, Tool};
use crate::setup::wasm_target::{self, WASM_TARGET};

/// The JavaScript file of the module.
pub const MODULE: &str = "taskwright.js";
/// The JavaScript file that loads the pieces, which the splitter writes.
pub const LOADER: &str = "__wasm_split.js";

/// The first piece, as the splitter names it.
const MAIN: &str = "taskwright.wasm";

/// The pieces that a run needs.
const NEEDED: [&str; 2] = ["application", "validator"];

/// The profile in `Cargo.toml`.
const PROFILE: &str = "dist";

/// Makes Leptos give all views of a kind one type instead of one for each place: a seventh less in the
/// pieces with the user interface.
const ERASED_COMPONENTS: &str =
    r#"target.wasm32-unknown-unknown.rustflags=["--cfg=erase_components"]"#;

/// Installs what building the module needs.
///
/// # Errors
/// When something cannot be installed.
pub fn ensure_tools(project: &Project) -> Result<Installed, Error> {
    wasm_target::ensure()?;
    packages::ensure(project)?;
    tools::ensure(&[Tool::wasm_bindgen(project), Tool::wasm_split()])
}

/// Builds the module with the feature `split`, and returns the folder of its files.
///
/// # Errors
/// When a tool cannot be installed, or a step fails.
pub fn build(project: &Project) -> Result<PathBuf, Error> {
    let tools = ensure_tools(project)?;
    let compiled = compile(project)?;

    let work = super::work_folder(project);
    let cut = fresh_folder(&work.join("cut"))?;
    let files = fresh_folder(&work.join("module"))?;
    say::step("module", "cutting (wasm-split)");
    let main = cut.join(MAIN);
    process::run(
        tools
            .command("wasm-split-cli")?
            .arg(&compiled)
            .arg(&cut)
            .args(["--out-name", "taskwright"]),
        "wasm-split",
        process::SEE_COMPILER_OUTPUT,
    )?;
    process::run(
        tools
            .command("wasm-bindgen")?
            .arg(&main)
            // The pieces import what the linker exports.
            .args(["--keep-lld-exports", "--no-typescript"])
            .args(["--target", "web", "--out-name", "taskwright", "--out-dir"])
            .arg(&files),
        "wasm-bindgen",
        process::SEE_COMPILER_OUTPUT,
    )?;
    for file in module::files::files_below(&cut)? {
        if file.as_os_str() != MAIN {
            let (from, to) = (cut.join(&file), files.join(&file));
            fs::copy(&from, &to).map_err(Error::file("copy", &from))?;
        }
    }
    for file in module::files::files_below(&files)? {
        if file
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            module::optimise(project, &files.join(file), Goal::Size)?;
        }
    }
    Ok(files)
}

/// Compiles the module with what the splitter needs: its entrances, and relocations.
fn compile(project: &Project) -> Result<PathBuf, Error> {
    say::step(
        "module",
        "compiling with the dist profile; the first time takes minutes",
    );
    process::run(
        process::cargo(&project.root)
            .args(["rustc", "--package", "taskwright", "--lib"])
            .args(["--crate-type", "cdylib", "--features", "split"])
            .args(["--target", WASM_TARGET, "--profile", PROFILE])
            .args(["--config", ERASED_COMPONENTS])
            .args(["--", "-C", "link-args=--emit-relocs"]),
        "compiling the module",
        process::SEE_COMPILER_OUTPUT,
    )?;
    Ok(project
        .target
        .join(WASM_TARGET)
        .join(PROFILE)
        .join("taskwright.wasm"))
}

fn fresh_folder(folder: &Path) -> Result<PathBuf, Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
    }
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    Ok(folder.to_path_buf())
}

/// The files without which no run starts: the application, the validator, and what either shares with
/// another piece. `loader` is the text of [`LOADER`], where a comment above each shared file names the
/// pieces that share it.
pub fn pieces_of_run(loader: &str) -> Vec<String> {
    let mut pieces = NEEDED.map(|piece| format!("split_{piece}.wasm")).to_vec();
    let mut lines = loader.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(sharing) = line
            .strip_prefix("/* ")
            .and_then(|line| line.strip_suffix(" */"))
        else {
            continue;
        };
        let name = lines
            .peek()
            .and_then(|next| next.strip_prefix("const __"))
            .and_then(|next| next.split(' ').next());
        if let Some(name) = name
            && sharing.split(", ").any(|piece| NEEDED.contains(&piece))
        {
            pieces.push(format!("{name}.wasm"));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_needs_what_its_pieces_share_with_others() {
        let loader = "/* application, work */\nconst __chunk_4 = makeLoad(() => {\n\
                      /* work, settings */\nconst __chunk_5 = makeLoad(() => {\n\
                      export const __wasm_split_load_work = 1;\n";
        assert_eq!(
            pieces_of_run(loader),
            [
                "split_application.wasm",
                "split_validator.wasm",
                "chunk_4.wasm"
            ]
        );
    }
}

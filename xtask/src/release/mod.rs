//! `cargo xtask release`: everything that somebody needs who never sees a checkout.
//!
//! The page is built first (`dist`), then the server with the page inside. `crate_tree` reads which crates
//! are in them, and `bill_of_materials` lists these.

mod bill_of_materials;
mod crate_tree;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use self::crate_tree::CrateTree;
use crate::error::Error;
use crate::lock_file::LockFile;
use crate::project::Project;
use crate::setup::wasm_target::WASM_TARGET;
use crate::{dist, process, say};

/// The folder in the target folder that the files are written to.
const FOLDER: &str = "release-files";
/// The program.
const PROGRAM: &str = "taskwright-server";
/// The file with the digest of each of the others, as `sha256sum --check` reads it.
const CHECKSUMS: &str = "SHA256SUMS";

/// Builds the page, and the server with the page inside, and writes the program, `dist.zip`, the list of
/// their crates and the checksums into one folder.
///
/// # Errors
/// When something cannot be installed, compiled or written, or the page exceeds its size budget.
pub fn run(project: &Project) -> Result<(), Error> {
    dist::run(project)?;
    let target = host_target()?;
    say::step("server", "compiling the release, with the page inside");
    process::run(
        process::cargo(&project.root)
            .args(["build", "--release", "--locked", "--package", PROGRAM])
            .args(["--features", "embedded-page"])
            // Nothing reads the names of functions: a panic is logged with its place alone.
            .args(["--config", "profile.release.strip=\"symbols\""]),
        "compiling the server",
        process::SEE_COMPILER_OUTPUT,
    )?;

    let folder = project.target.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
    }
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let name = format!("{PROGRAM}-{}-{target}", project.version);
    let bill = folder.join(format!("{name}.cdx.json"));
    fs::write(&bill, bill_of_materials(project, &target)?).map_err(Error::file("write", &bill))?;
    for (from, to) in [
        (
            project.program(PROGRAM, true),
            format!("{name}{}", env::consts::EXE_SUFFIX),
        ),
        (project.root.join("dist.zip"), "dist.zip".to_owned()),
    ] {
        fs::copy(&from, folder.join(to)).map_err(Error::file("copy", &from))?;
    }
    let list = checksums(&folder)?;
    let path = folder.join(CHECKSUMS);
    fs::write(&path, list).map_err(Error::file("write", &path))?;
    say::step("release", &folder.display().to_string());
    Ok(())
}

/// The target that cargo compiles programs for.
fn host_target() -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = process::capture(
        process::command(rustc).args(["--version", "--verbose"]),
        "querying rustc for its target",
        "Install Rust from https://rustup.rs and run the command again.",
    )?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::Unexpected {
        what: "the output of `rustc --version --verbose`".to_owned(),
        reason: "it names no host".to_owned(),
    })
}

/// The bill of materials of the server and of the page inside it.
fn bill_of_materials(project: &Project, target: &str) -> Result<String, Error> {
    let path = project.root.join("Cargo.lock");
    let lock_file = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let lock_file: LockFile = toml::from_str(&lock_file).map_err(|error| Error::Unexpected {
        what: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let server = CrateTree::read(project, PROGRAM, target, "embedded-page")?;
    let page = CrateTree::read(project, "taskwright", WASM_TARGET, "split")?;
    bill_of_materials::text(server.joined(page), &lock_file, target)
}

/// A line for each file of a folder with its SHA-256, by name, and the sizes on standard output.
fn checksums(folder: &Path) -> Result<String, Error> {
    let mut text = String::new();
    for file in crate::module::files::files_below(folder)? {
        let path = folder.join(&file);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let size = say::size(bytes.len() as u64);
        say::step("size", &format!("{}: {size}", file.display()));
        for byte in Sha256::digest(&bytes) {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        let _ = writeln!(text, "  {}", file.display());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_have_the_form_that_sha256sum_checks() {
        let folder = env::temp_dir().join(format!("taskwright-sums-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("b.zip", "abc"), ("a", "")] {
            fs::write(folder.join(name), text).unwrap();
        }
        assert_eq!(
            checksums(&folder).unwrap(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\
             ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b.zip\n"
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_bill_of_materials_of_this_checkout_has_the_crates_of_server_and_page() {
        let project = Project::find().unwrap();
        let target = host_target().unwrap();
        let bill = bill_of_materials(&project, &target).unwrap();
        let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
        let names: Vec<&str> = bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|component| component["name"].as_str())
            .collect();
        for name in [
            "axum",
            "libsqlite3-sys",
            "leptos",
            "wasm-bindgen",
            "jsonschema",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        // Those of the project's commands and tests are not in what is released.
        for name in ["zip", "ctrlc", "tempfile", "proptest", "wasm-bindgen-test"] {
            assert!(!names.contains(&name), "{name}");
        }
    }
}

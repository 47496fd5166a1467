//! Tier `supply-chain`: what the project depends on, by the rules of `deny.toml`.
//!
//! Licences, sources and duplicates are checked here, from cargo's metadata and the lock files:
//! compiling cargo-deny takes minutes. Known vulnerabilities need databases on the network: those of
//! npm packages are asked for with `npm audit`, those of crates with cargo-deny if it is installed.
//! What cannot be asked is skipped, and said so.

mod crates;
mod licence;
mod npm;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use self::crates::{Metadata, Policy};
use crate::error::Error;
use crate::lock_file::LockFile;
use crate::process;
use crate::project::Project;
use crate::say;

/// The file with the rules.
const RULES: &str = "deny.toml";
/// The lock files of all Rust code in the checkout.
const RUST_LOCK_FILES: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];
/// The folders with a `package-lock.json`.
const NPM_FOLDERS: [&str; 3] = [".", "benches", "tests/peers"];

/// Checks all dependencies.
///
/// # Errors
/// [`Error::Failed`] with everything that breaks a rule, and the errors of reading the files.
pub fn check(project: &Project) -> Result<(), Error> {
    let policy: Policy = read(&project.root.join(RULES), |text| toml::from_str(text).ok())?;
    let mut problems = Vec::new();

    say::step("crates", "licences, sources and duplicates");
    problems.extend(crates::licence_problems(&metadata(project)?, &policy));
    for file in RUST_LOCK_FILES {
        let lock_file: LockFile = read(&project.root.join(file), |text| toml::from_str(text).ok())?;
        problems.extend(crates::source_problems(&lock_file));
        // What is fuzzed is a part of the workspace, so its duplicates are among these.
        if file == "Cargo.lock" {
            problems.extend(crates::duplicate_problems(&lock_file, &policy));
        }
    }
    problems.extend(crate_vulnerabilities(project));

    for folder in NPM_FOLDERS {
        let folder = project.root.join(folder);
        say::step("npm", "licences and known vulnerabilities");
        let lock_file = read(&folder.join("package-lock.json"), |text| {
            serde_json::from_str(text).ok()
        })?;
        problems.extend(npm::licence_problems(&lock_file, policy.allowed_licences()));
        problems.extend(npm_vulnerabilities(&folder));
    }

    for problem in &problems {
        say::step("problem", problem);
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::Failed {
        what: "the check of the dependencies".into(),
        reason: problems.join("; "),
        hint: format!("Choose another version or package, or change the rules in {RULES}."),
    })
}

/// Reads and parses a file.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    parse(&text).ok_or_else(|| Error::Unexpected {
        what: path.display().to_string(),
        reason: "it cannot be parsed".into(),
    })
}

fn metadata(project: &Project) -> Result<Metadata, Error> {
    let text = process::capture(
        process::cargo(&project.root).args(["metadata", "--locked", "--format-version", "1"]),
        "listing the crates",
        "Read cargo's message above. It downloads the crates of all platforms: check the network.",
    )?;
    serde_json::from_str(&text).map_err(|error| Error::Unexpected {
        what: "the output of cargo metadata".into(),
        reason: error.to_string(),
    })
}

/// A problem if cargo-deny is installed and knows of a vulnerability.
fn crate_vulnerabilities(project: &Project) -> Option<String> {
    if which::which("cargo-deny").is_err() {
        say::step(
            "skipped",
            "known vulnerabilities of crates: cargo-deny is not installed",
        );
        return None;
    }
    let result = process::run(
        process::cargo(&project.root).args(["deny", "check", "advisories"]),
        "cargo deny",
        "Read its message above.",
    );
    result.err().map(|error| error.to_string())
}

fn npm_vulnerabilities(folder: &Path) -> Vec<String> {
    // It exits with an error if it finds anything, so its output decides.
    let output = process::command(process::NPM)
        .current_dir(folder)
        .args([
            "audit",
            "--json",
            "--fetch-retries=0",
            "--fetch-timeout=20000",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let found = output
        .ok()
        .and_then(|output| npm::serious_vulnerabilities(&String::from_utf8_lossy(&output.stdout)));
    match found {
        Some(packages) => packages
            .into_iter()
            .map(|package| format!("{package} has a serious known vulnerability (npm audit)"))
            .collect(),
        None => {
            say::step(
                "skipped",
                "known vulnerabilities of npm packages: their database is out of reach",
            );
            Vec::new()
        }
    }
}

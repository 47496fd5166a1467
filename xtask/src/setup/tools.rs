//! Command-line tools, compiled from crates.io once for all checkouts of a user.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache;
use crate::error::Error;
use crate::project::{self, Project};
use crate::{process, say};

/// The version of wasm-pack that runs the browser tests.
const WASM_PACK_VERSION: &str = "0.15.1";
/// The version of cargo-fuzz that builds and runs the fuzz targets.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// The version of wasm-split-cli that cuts the module; it belongs to the version of
/// `wasm_split_helpers` in `Cargo.lock`.
const WASM_SPLIT_VERSION: &str = "0.2.4";

/// The version of cargo-mutants that tries small faults.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// A tool, pinned to one exact version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    package: &'static str,
    program: &'static str,
    version: String,
    /// The feature without which the package has no program.
    feature: Option<&'static str>,
}

impl Tool {
    /// `wasm-bindgen`, which generates the module's JavaScript bindings; always the version that
    /// the module is compiled with, because the two share a private format.
    pub fn wasm_bindgen(project: &Project) -> Self {
        Self {
            package: "wasm-bindgen-cli",
            program: "wasm-bindgen",
            version: project.wasm_bindgen.clone(),
            feature: None,
        }
    }

    /// `wasm-split-cli`, which cuts the module into pieces.
    pub fn wasm_split() -> Self {
        Self {
            package: "wasm_split_cli_support",
            program: "wasm-split-cli",
            version: WASM_SPLIT_VERSION.into(),
            feature: Some("build-binary"),
        }
    }

    /// `wasm-pack`, which runs the browser tests.
    pub fn wasm_pack() -> Self {
        Self {
            package: "wasm-pack",
            program: "wasm-pack",
            version: WASM_PACK_VERSION.into(),
            feature: None,
        }
    }

    /// `cargo-fuzz`, which builds and runs the fuzz targets.
    pub fn cargo_fuzz() -> Self {
        Self {
            package: "cargo-fuzz",
            program: "cargo-fuzz",
            version: CARGO_FUZZ_VERSION.into(),
            feature: None,
        }
    }

    /// `cargo-mutants`, which tries small faults and runs the tests on each.
    pub fn cargo_mutants() -> Self {
        Self {
            package: "cargo-mutants",
            program: "cargo-mutants",
            version: CARGO_MUTANTS_VERSION.into(),
            feature: None,
        }
    }

    fn name(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }

    fn folder(&self, tools: &Path) -> PathBuf {
        tools.join(self.name())
    }
}

/// Installed tools.
#[derive(Debug)]
pub struct Installed {
    /// The folders of the programs.
    folders: Vec<PathBuf>,
}

impl Installed {
    /// A command for one of the programs, with all of them on its `PATH`.
    ///
    /// # Errors
    /// [`Error::Failed`] when the path of the cache folder cannot be part of `PATH`.
    pub fn command(&self, program: &str) -> Result<Command, Error> {
        let file = program_file(program);
        let path = self
            .folders
            .iter()
            .map(|folder| folder.join(&file))
            .find(|path| path.is_file())
            .unwrap_or_else(|| file.into());
        let mut command = process::command(path);
        command.env("PATH", process::path_with(&self.folders)?);
        Ok(command)
    }
}

/// Makes sure that the tools are compiled in the user's cache folder.
///
/// Commands of several checkouts do not collide: one compiles while the others wait, and a tool's
/// folder gets its final name only when it is complete.
///
/// # Errors
/// When the cache folder is not writable, or `cargo install` fails.
pub fn ensure(wanted: &[Tool]) -> Result<Installed, Error> {
    let cache = cache::folder()?;
    let tools = cache.join("tools");
    if missing(wanted, &tools).next().is_some() {
        compile_missing(wanted, &cache, &tools)?;
    }
    Ok(Installed {
        folders: wanted
            .iter()
            .map(|tool| tool.folder(&tools).join("bin"))
            .collect(),
    })
}

fn missing<'a>(wanted: &'a [Tool], tools: &'a Path) -> impl Iterator<Item = &'a Tool> {
    wanted
        .iter()
        .filter(|tool| !program_path(&tool.folder(tools), tool.program).is_file())
}

fn program_path(folder: &Path, program: &str) -> PathBuf {
    folder.join("bin").join(program_file(program))
}

fn program_file(program: &str) -> String {
    format!("{program}{}", env::consts::EXE_SUFFIX)
}

fn compile_missing(wanted: &[Tool], cache: &Path, tools: &Path) -> Result<(), Error> {
    fs::create_dir_all(tools).map_err(Error::file("create", tools))?;
    let _lock = project::lock(
        &cache.join("lock"),
        "another checkout is compiling the tools",
    )?;
    // Another command may have compiled some while this one waited for the lock.
    let build = cache.join("build");
    let compiled = missing(wanted, tools).try_for_each(|tool| compile(tool, tools, &build));
    // One build folder for all tools, so that shared dependencies are compiled once. It is large
    // and not needed again; if it cannot be removed, it only wastes space.
    if build.exists() && fs::remove_dir_all(&build).is_err() {
        say::step(
            "setup",
            &format!("could not remove {}; it is safe to delete", build.display()),
        );
    }
    compiled
}

fn compile(tool: &Tool, tools: &Path, build: &Path) -> Result<(), Error> {
    say::step(
        "setup",
        &format!(
            "compiling {} {} for all checkouts; this takes a few minutes",
            tool.package, tool.version
        ),
    );
    let partial = tools.join(format!(".{}.partial", tool.name()));
    remove_if_present(&partial)?;
    process::run(
        // Not in the checkout: its cargo configuration is not meant for the tools.
        process::cargo(tools)
            .args(["install", "--locked", "--no-track", "--root"])
            .arg(&partial)
            .args(["--version", &format!("={}", tool.version), tool.package])
            .args(tool.feature.map(|feature| format!("--features={feature}")))
            .env("CARGO_TARGET_DIR", build)
            // They run for about a second, so compile time matters more than their speed.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        &format!("compiling {}", tool.package),
        "Read cargo's message above. Compiling needs a C compiler and linker, about 1 GB of disk \
         space, and access to crates.io: check these, then run the command again.",
    )?;
    let folder = tool.folder(tools);
    // A folder of that name without the program is left over from an earlier attempt.
    remove_if_present(&folder)?;
    fs::rename(&partial, &folder).map_err(Error::file("move", &partial))
}

fn remove_if_present(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_missing_until_its_program_exists() {
        let tools = env::temp_dir().join(format!("taskwright-tools-{}", std::process::id()));
        let wanted = [Tool::wasm_pack()];
        assert_eq!(missing(&wanted, &tools).count(), 1);
        let bin = wanted[0].folder(&tools).join("bin");
        fs::create_dir_all(&bin).unwrap();
        assert_eq!(missing(&wanted, &tools).count(), 1);
        fs::write(bin.join(program_file("wasm-pack")), "").unwrap();
        assert_eq!(missing(&wanted, &tools).count(), 0);
        fs::remove_dir_all(&tools).unwrap();
    }

    #[test]
    fn the_wasm_bindgen_tool_has_the_pinned_version() {
        let project = Project::find().unwrap();
        let tool = Tool::wasm_bindgen(&project);
        assert_eq!(
            tool.name(),
            format!("wasm-bindgen-cli-{}", project.wasm_bindgen)
        );
    }
}

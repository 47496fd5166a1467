//! Building the module: from `src/` to `pkg/`.

pub mod files;
mod package;
mod package_json;
mod stamp;

use std::fs;
use std::path::{Path, PathBuf};

use self::files::{files_below, replace_contents};
use self::stamp::Stamp;
use crate::error::Error;
use crate::project::Project;
use crate::setup::tools::{self, Tool};
use crate::setup::wasm_target::WASM_TARGET;
use crate::setup::{packages, wasm_target};
use crate::{process, say};

/// Options for wasm-opt: exactly the WebAssembly features that all current browsers support
/// (`--all-features` would let it emit types that they reject), and no names of functions, which only
/// debuggers read.
const WASM_OPT_OPTIONS: [&str; 8] = [
    "--strip-debug",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-simd",
];

/// How the module is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For development: compiles in seconds.
    Quick,
    /// For users: optimised by the compiler and by wasm-opt.
    Release,
}

impl Profile {
    /// The release profile if `release` is true, else the quick one.
    pub fn release_if(release: bool) -> Self {
        if release { Self::Release } else { Self::Quick }
    }

    /// The name of the profile in `Cargo.toml`.
    pub fn cargo_name(self) -> &'static str {
        match self {
            Self::Quick => "wasm-dev",
            Self::Release => "wasm",
        }
    }
}

/// Makes sure that `pkg/` holds the module built from the current sources with `profile`.
///
/// Cargo decides whether the sources of the module have changed. The later steps are skipped if cargo's
/// result, the other files of the package, the tools and `pkg/` are unchanged since the last build.
///
/// # Errors
/// When something for the build cannot be installed, or one of its programs fails.
pub fn build(project: &Project, profile: Profile) -> Result<(), Error> {
    let _lock = project.lock("module")?;
    wasm_target::ensure()?;
    let tools = tools::ensure(&[Tool::wasm_bindgen(project)])?;
    let mut tool_versions = vec![format!("wasm-bindgen {}", project.wasm_bindgen)];
    if profile == Profile::Release {
        packages::ensure(project)?;
        tool_versions.push(format!(
            "wasm-opt {} {} {}",
            packages::locked_version(&project.root, "binaryen")?,
            Goal::Speed.options().join(" "),
            WASM_OPT_OPTIONS.join(" ")
        ));
    }

    let compiled = compile(project, profile)?;
    let pkg = project.root.join("pkg");
    let stamp_path = project.work_folder("xtask")?.join("pkg.stamp");
    let recipe = format!("{}\n{}", profile.cargo_name(), tool_versions.join("\n"));
    let mut sources = package::sources(&project.root)?;
    sources.push(compiled.clone());
    if Stamp::read(&stamp_path).is_some_and(|last| Stamp::of(&recipe, &sources, &pkg) == Some(last))
    {
        say::step("module", "pkg/ is up to date");
        return Ok(());
    }

    let fresh = project.target.join("xtask").join("pkg");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::file("remove", &fresh))?;
    }
    say::step("module", "generating JavaScript bindings (wasm-bindgen)");
    process::run(
        tools
            .command("wasm-bindgen")?
            .arg(&compiled)
            // The types are written by hand: it does not know the members of a `JsValue`.
            .arg("--no-typescript")
            .args(["--target", "web", "--out-name", "taskwright", "--out-dir"])
            .arg(&fresh),
        "wasm-bindgen",
        process::SEE_COMPILER_OUTPUT,
    )?;
    if profile == Profile::Release {
        optimise(project, &fresh.join("taskwright_bg.wasm"), Goal::Speed)?;
    }
    package::add(project, &fresh)?;
    replace_contents(&pkg, &fresh)?;
    if let Some(stamp) = Stamp::of(&recipe, &sources, &pkg) {
        stamp.write(&stamp_path)?;
    }
    say::step("module", "pkg/ is built");
    if profile == Profile::Release {
        print_sizes(&pkg)?;
    }
    Ok(())
}

/// Compiles the root package and returns the path of the WebAssembly file.
fn compile(project: &Project, profile: Profile) -> Result<PathBuf, Error> {
    say::step(
        "module",
        match profile {
            Profile::Quick => "compiling with the quick profile",
            Profile::Release => "compiling with the release profile; the first time takes minutes",
        },
    );
    process::run(
        process::cargo(&project.root)
            .args(["build", "--package", "taskwright", "--lib"])
            .args(["--target", WASM_TARGET, "--profile", profile.cargo_name()]),
        "compiling the module",
        process::SEE_COMPILER_OUTPUT,
    )?;
    Ok(project
        .target
        .join(WASM_TARGET)
        .join(profile.cargo_name())
        .join("taskwright.wasm"))
}

/// What wasm-opt optimises for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The time a call takes.
    Speed,
    /// The number of bytes.
    Size,
}

impl Goal {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Speed => &["-O3"],
            // Control flow that is laid out again compresses better, by 1.4 percent.
            Self::Size => &["--flatten", "--rereloop", "-Os"],
        }
    }
}

/// Optimises a WebAssembly file in place.
///
/// # Errors
/// When wasm-opt fails.
pub fn optimise(project: &Project, module: &Path, goal: Goal) -> Result<(), Error> {
    say::step("module", "optimising (wasm-opt)");
    let optimised = module.with_extension("optimised");
    process::run(
        process::node_script(&project.root, "binaryen/bin/wasm-opt")
            .arg(module)
            .args(goal.options())
            .args(WASM_OPT_OPTIONS)
            .arg("--output")
            .arg(&optimised),
        "wasm-opt",
        "Remove node_modules/ to reinstall the packages, then run the command again.",
    )?;
    fs::rename(&optimised, module).map_err(Error::file("move", &optimised))
}

fn print_sizes(pkg: &Path) -> Result<(), Error> {
    for file in files_below(pkg)? {
        if file.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let path = pkg.join(&file);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        say::step(
            "size",
            &format!(
                "{}: {}, {} compressed (gzip)",
                file.display(),
                say::size(bytes.len() as u64),
                say::size(files::compressed_size(&bytes)),
            ),
        );
    }
    Ok(())
}

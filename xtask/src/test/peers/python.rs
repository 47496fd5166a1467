//! The Python packages of the peers, in a virtual environment in the user's cache folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::{process, project, say};

/// The file that names the packages.
const REQUIREMENTS: &str = "requirements.txt";
/// The package that PyPI has as source code only. Its wheel is kept, because compiling it takes a
/// quarter of an hour.
const COMPILED: &str = "llama_cpp_python";
/// What to do if Python or its packages are missing.
const HINT: &str = "Install Python 3.11 or later with the module venv, and a C++ compiler. Otherwise \
    read the message above and check the network.";

/// An environment with the packages.
pub struct Python {
    program: PathBuf,
}

impl Python {
    /// Installs the packages in `sources` below `cache`, unless that was done since the list last
    /// changed.
    ///
    /// # Errors
    /// When Python is missing, or a package cannot be installed.
    pub fn ensure(sources: &Path, cache: &Path) -> Result<Python, Error> {
        fs::create_dir_all(cache).map_err(Error::file("create", cache))?;
        let _lock = project::lock(
            &cache.join("python.lock"),
            "another command installs Python packages of the peers",
        )?;
        let list = sources.join(REQUIREMENTS);
        let wanted = fs::read_to_string(&list).map_err(Error::file("read", &list))?;
        let folder = cache.join("python");
        let stamp = folder.join(".taskwright-installed");
        let python = Python {
            program: program_in(&folder),
        };
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::file("delete", &folder))?;
        }
        say::step("setup", "creating a Python environment for the peers");
        process::run(
            process::command(system_python())
                .args(["-m", "venv"])
                .arg(&folder),
            "creating a Python environment",
            HINT,
        )?;
        let wheels = cache.join("wheels");
        python.compile(&wanted, &wheels)?;
        say::step("setup", "installing the Python packages of the peers");
        process::run(
            process::command(&python.program)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .args(["--no-deps", "--find-links"])
                .arg(&wheels)
                .arg("--requirement")
                .arg(&list),
            "installing the Python packages",
            HINT,
        )?;
        fs::write(&stamp, &wanted).map_err(Error::file("write", &stamp))?;
        Ok(python)
    }

    /// The program of the environment.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A program that one of the packages has installed in the environment.
    pub fn installed(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        self.program.with_file_name(file)
    }

    /// Compiles the wheel that is kept, unless it is there.
    fn compile(&self, requirements: &str, wheels: &Path) -> Result<(), Error> {
        let requirement = pinned(requirements, COMPILED)?;
        let prefix = format!("{}-", requirement.replace("==", "-"));
        fs::create_dir_all(wheels).map_err(Error::file("create", wheels))?;
        let is_kept = fs::read_dir(wheels)
            .map_err(Error::file("read", wheels))?
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        if is_kept {
            return Ok(());
        }
        say::step(
            "setup",
            &format!("compiling {requirement}, once; this takes a quarter of an hour"),
        );
        process::run(
            process::command(&self.program)
                .args([
                    "-m",
                    "pip",
                    "wheel",
                    "--disable-pip-version-check",
                    "--no-deps",
                ])
                .arg("--wheel-dir")
                .arg(wheels)
                .arg(requirement)
                // Images are no part of the tests, and the wheel must run without OpenMP.
                .env("CMAKE_ARGS", "-DLLAVA_BUILD=OFF -DGGML_OPENMP=OFF"),
            "compiling llama.cpp",
            HINT,
        )
    }

    /// Writes the tiny model below `cache`, unless the script that makes it has done so. Returns its
    /// path.
    ///
    /// # Errors
    /// When the script fails.
    pub fn tiny_model(&self, sources: &Path, cache: &Path) -> Result<PathBuf, Error> {
        let script = sources.join("tiny_gguf.py");
        let wanted = fs::read_to_string(&script).map_err(Error::file("read", &script))?;
        let (model, stamp) = (cache.join("tiny.gguf"), cache.join("tiny.gguf.made-by"));
        let is_made = fs::read_to_string(&stamp).is_ok_and(|made_by| made_by == wanted);
        if !is_made || !model.is_file() {
            process::run(
                process::command(&self.program).arg(&script).arg(&model),
                "writing the tiny model",
                HINT,
            )?;
            fs::write(&stamp, &wanted).map_err(Error::file("write", &stamp))?;
        }
        Ok(model)
    }
}

/// The requirement of a package, such as `name==1.2.3`.
fn pinned<'r>(requirements: &'r str, package: &str) -> Result<&'r str, Error> {
    requirements
        .lines()
        .map(str::trim)
        .find(|line| line.split("==").next() == Some(package))
        .ok_or_else(|| Error::Unexpected {
            what: REQUIREMENTS.into(),
            reason: format!("it does not pin {package}"),
        })
}

fn program_in(environment: &Path) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join("python.exe")
    } else {
        environment.join("bin").join("python")
    }
}

fn system_python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_packages_are_beside_python() {
        let python = Python {
            program: program_in(Path::new("environment")),
        };
        let bao = python.installed("bao");
        assert_eq!(bao.parent(), python.program().parent());
        assert_eq!(bao.file_stem().unwrap(), "bao");
    }

    #[test]
    fn every_python_package_is_pinned() {
        let text = include_str!("../../../../tests/peers/requirements.txt");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 20, "{}", lines.len());
        for line in lines {
            let (name, version) = line.split_once("==").expect(line);
            assert!(!name.contains(char::is_whitespace), "{line}");
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{line}"
            );
        }
        assert!(pinned(text, COMPILED).is_ok());
        assert!(pinned(text, "llama").is_err());
    }
}

//! Running other programs: to the end, for their answer, or line by line.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::error::Error;

/// What to do when a compiler run fails.
pub const READ_THE_COMPILER: &str =
    "Read the compiler's message above, correct what it names, and run the command again.";

/// A `cargo` command in the given folder: the cargo that runs this program.
///
/// It does not see what cargo told this program about its own package: build scripts that watch
/// these variables would run again, and what depends on them be compiled again, after each cargo
/// command that was not given by us.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(tells_of_a_package) {
            command.env_remove(name);
        }
    }
    command
}

fn tells_of_a_package(variable: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

/// A `node` command that runs a script of the project's npm packages.
///
/// Scripts are given to `node` directly rather than by `npx`, which on Windows is a batch file
/// and everywhere may ask the network.
pub fn node_script(root: &Path, script: &str) -> Command {
    node_script_in(root, &Path::new("node_modules").join(script))
}

/// A `node` command that runs a script of the project's own; `script` is its path in the checkout.
pub fn node_script_in(root: &Path, script: &Path) -> Command {
    let mut command = Command::new("node");
    command.current_dir(root).arg(root.join(script));
    command
}

/// Runs a command to its end, its output going where ours goes, without any input.
///
/// # Errors
/// [`Error::ProgramMissing`] and [`Error::ProgramFailed`], with `hint` as what to do.
pub fn run(command: &mut Command, what: &str, hint: &str) -> Result<(), Error> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(missing(command, hint))?;
    succeeded(status, what, hint)
}

/// Runs a command to its end and gives what it wrote to its standard output.
///
/// # Errors
/// As [`run`].
pub fn capture(command: &mut Command, what: &str, hint: &str) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(missing(command, hint))?;
    succeeded(output.status, what, hint)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn succeeded(status: ExitStatus, what: &str, hint: &str) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    Err(Error::ProgramFailed {
        what: what.to_owned(),
        exit: exit_in_words(status),
        hint: hint.to_owned(),
    })
}

/// An error that says which program could not be started.
pub fn missing(command: &Command, hint: &str) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = hint.to_owned();
    move |source| Error::ProgramMissing {
        program,
        reason: source.to_string(),
        hint,
    }
}

/// How a program ended: "exit code 3", or the signal that ended it.
pub fn exit_in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// The value of `PATH` with `folders` in front of what it holds now.
///
/// # Errors
/// [`Error::Unexpected`] when a folder's name holds the separator of `PATH`.
pub fn path_with(folders: &[PathBuf]) -> Result<OsString, Error> {
    let present = env::var_os("PATH").unwrap_or_default();
    join_path(folders, &present)
}

fn join_path(folders: &[PathBuf], present: &OsStr) -> Result<OsString, Error> {
    let all = folders
        .iter()
        .cloned()
        .chain(env::split_paths(present).filter(|folder| !folder.as_os_str().is_empty()));
    env::join_paths(all).map_err(|error| Error::Unexpected {
        what: "the folder of the tools".into(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_stand_in_front_of_what_path_holds() {
        let present = env::join_paths(["/usr/bin", "/bin"]).unwrap();
        let joined = join_path(&[PathBuf::from("/cache/tool/bin")], &present).unwrap();
        let folders: Vec<PathBuf> = env::split_paths(&joined).collect();
        assert_eq!(
            folders,
            ["/cache/tool/bin", "/usr/bin", "/bin"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_cargo_we_start_does_not_take_itself_for_a_part_of_this_package() {
        assert!(
            env::var_os("CARGO_PKG_NAME").is_some(),
            "cargo runs this test"
        );
        let command = cargo(Path::new("."));
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(
                command
                    .get_envs()
                    .any(|(known, value)| known == name && value.is_none()),
                "{name}"
            );
        }
        assert!(!tells_of_a_package("CARGO_TARGET_DIR"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program"), "x", "install it").unwrap_err();
        assert_eq!(error.code(), "program_missing");
        assert!(error.to_string().contains("no-such-program"));
        assert_eq!(error.hint(), "install it");
    }

    #[test]
    fn a_program_that_fails_is_told_from_one_that_is_missing() {
        let mut failing = cargo(Path::new("."));
        failing.arg("no-such-command").stderr(Stdio::null());
        let error = run(&mut failing, "this", "that").unwrap_err();
        assert_eq!(error.code(), "program_failed");
        assert!(error.to_string().contains("exit code"));
    }
}

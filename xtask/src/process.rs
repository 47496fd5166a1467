//! Running other programs, to completion or for their output.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::error::Error;
use crate::setup::cache::OVERRIDE;

/// What to do when compiling fails.
pub const SEE_COMPILER_OUTPUT: &str =
    "Fix the problems that the compiler reports above, then run the command again.";

/// The program that installs npm packages: on Windows it is a batch file.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Environment variables with secrets of the operator. Compilers, build scripts, packages and test
/// servers have no use for them.
const SECRET_VARIABLES: [&str; 7] = [
    "AGENT_API_TOKEN",
    "AGENT_POST_TOKEN",
    "AGENT_READ_TOKEN",
    "AGENT_MODEL_TOKEN",
    "OPENAI_API_KEY",
    "VAULT_TOKEN",
    "VAULT_SECRET_ID",
];

/// A command that does not inherit the operator's secrets. All programs are started by it, except
/// [`task_server`].
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in SECRET_VARIABLES {
        command.env_remove(name);
    }
    command
}

/// A command for the operator's own task server, which reads its tokens from the environment.
pub fn task_server(program: &Path) -> Command {
    Command::new(program)
}

/// A `cargo` command in the given folder, using the cargo that runs this program.
///
/// It does not get the variables that cargo set for this package: build scripts that watch them
/// would run again, and everything that depends on those would be compiled again, whenever cargo
/// is next run from a shell.
pub fn cargo(folder: &Path) -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_a_package(variable: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

/// A `node` command that runs a script from the project's npm packages.
///
/// `node` runs the script directly: `npx` is a batch file on Windows and may use the network on
/// any platform.
pub fn node_script(root: &Path, script: &str) -> Command {
    node_script_in(root, &Path::new("node_modules").join(script))
}

/// A `node` command that runs one of the project's own scripts; `script` is relative to `root`.
pub fn node_script_in(root: &Path, script: &Path) -> Command {
    let mut command = command("node");
    command.current_dir(root).arg(root.join(script));
    command
}

/// Runs a command to completion, without input. It shares our standard output and error.
///
/// # Errors
/// [`Error::ProgramMissing`] and [`Error::Failed`], with `hint` as what to do.
pub fn run(command: &mut Command, what: &str, hint: &str) -> Result<(), Error> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(missing(command, hint))?;
    check(status, what, hint)
}

/// Runs a command to completion and returns its standard output; what is not UTF-8 is replaced.
///
/// # Errors
/// As [`run`].
pub fn capture(command: &mut Command, what: &str, hint: &str) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(missing(command, hint))?;
    check(output.status, what, hint)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Turns the status of a program that ended into a result.
///
/// # Errors
/// [`Error::Failed`] when it did not end with success.
pub fn check(status: ExitStatus, what: &str, hint: &str) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        what: what.to_owned(),
        reason: describe_exit(status),
        hint: hint.to_owned(),
    })
}

/// Maps the error of starting `command` to an [`Error`] that names the program.
pub fn missing(command: &Command, hint: &str) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = hint.to_owned();
    move |source| Error::ProgramMissing {
        program,
        reason: source.to_string(),
        hint,
    }
}

/// How a program ended: `exit code 3`, or the signal that ended it.
pub fn describe_exit(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// The value of `PATH` with `folders` prepended.
///
/// # Errors
/// [`Error::Failed`] when the name of a folder contains the separator of `PATH`.
pub fn path_with(folders: &[PathBuf]) -> Result<OsString, Error> {
    let present = env::var_os("PATH").unwrap_or_default();
    join_path(folders, &present)
}

fn join_path(folders: &[PathBuf], present: &OsStr) -> Result<OsString, Error> {
    let all = folders
        .iter()
        .cloned()
        .chain(env::split_paths(present).filter(|folder| !folder.as_os_str().is_empty()));
    env::join_paths(all).map_err(|error| Error::Failed {
        what: "adding the tools to PATH".into(),
        reason: error.to_string(),
        hint: format!("Set {OVERRIDE} to a folder whose path has no such character."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_come_first_on_path() {
        let present = env::join_paths(["/usr/bin", "/bin"]).unwrap();
        let joined = join_path(&[PathBuf::from("/cache/tool/bin")], &present).unwrap();
        let folders: Vec<PathBuf> = env::split_paths(&joined).collect();
        assert_eq!(
            folders,
            ["/cache/tool/bin", "/usr/bin", "/bin"].map(PathBuf::from)
        );
    }

    #[test]
    fn cargo_does_not_inherit_the_variables_of_this_package() {
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
        assert!(!describes_a_package("CARGO_TARGET_DIR"));
    }

    fn removed(command: &Command) -> Vec<&OsStr> {
        command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn no_command_inherits_the_secrets_of_the_operator_except_the_task_server() {
        let root = Path::new(".");
        for command in [command("x"), cargo(root), node_script(root, "x.js")] {
            for name in SECRET_VARIABLES {
                assert!(removed(&command).contains(&OsStr::new(name)), "{command:?}");
            }
        }
        assert!(removed(&task_server(root)).is_empty());
    }

    #[test]
    fn every_command_is_made_here() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("process.rs") {
                    files += 1;
                    let text = std::fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("Command::new("), "{}", path.display());
                }
            }
        }
        assert!(files > 20, "{files} files");
    }

    #[test]
    fn the_error_names_a_missing_program() {
        let error = run(&mut Command::new("no-such-program"), "x", "install it").unwrap_err();
        assert_eq!(error.code(), "program_missing");
        assert!(error.to_string().contains("no-such-program"));
        assert_eq!(error.hint(), "install it");
    }

    #[test]
    fn the_error_of_a_failed_program_has_its_exit_code() {
        let mut failing = cargo(Path::new("."));
        failing.arg("no-such-command").stderr(Stdio::null());
        let error = run(&mut failing, "this", "that").unwrap_err();
        assert_eq!(error.code(), "failed");
        assert!(error.to_string().contains("exit code"));
    }
}

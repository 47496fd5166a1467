//! The nightly compiler: libFuzzer's instrumentation and the sanitizers need it.

use std::process::Stdio;

use crate::error::Error;
use crate::process;

/// The name of the toolchain for rustup.
pub const TOOLCHAIN: &str = "nightly";

/// Makes sure that it is installed. It is not installed automatically: it is large, and only
/// fuzzing needs it.
///
/// # Errors
/// [`Error::ProgramMissing`] with the command to install it.
pub fn ensure() -> Result<(), Error> {
    let output = process::command("rustup")
        .args(["run", TOOLCHAIN, "rustc", "--version"])
        .stdin(Stdio::null())
        .output();
    let reason = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("rustup: {error}"),
    };
    Err(Error::ProgramMissing {
        program: "the nightly Rust compiler".into(),
        reason,
        hint: "Only fuzzing needs it, for the sanitizers. Install it with \
               `rustup toolchain install nightly --profile minimal` and run the command again. \
               If rustup is missing, get it from https://rustup.rs."
            .into(),
    })
}

//! The nightly compiler: libFuzzer's instruments and the sanitizers are not in the stable one.

use std::process::{Command, Stdio};

use crate::error::Error;

/// The toolchain's name for rustup.
pub const TOOLCHAIN: &str = "nightly";

/// Makes sure that there is one. It is not installed unasked: it is large, and everything else
/// does without it.
///
/// # Errors
/// [`Error::ProgramMissing`] with how to get it.
pub fn ensure() -> Result<(), Error> {
    let output = Command::new("rustup")
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
        hint: "Fuzzing needs it for the sanitizers, and nothing else does. Install it by \
               `rustup toolchain install nightly --profile minimal` and run the command again; \
               where there is no rustup, get that from https://rustup.rs."
            .into(),
    })
}

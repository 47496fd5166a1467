//! The standard library for `wasm32-unknown-unknown`.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::{process, say};

/// The target that the module is compiled for.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target by `rustup` where it is missing. A toolchain that brings the target along, as
/// those of distributions do, needs no `rustup`.
///
/// # Errors
/// When there is neither the target nor a `rustup`, or `rustup` fails.
pub fn ensure() -> Result<(), Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = process::capture(
        Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]),
        "asking rustc for its targets",
        "Install Rust from https://rustup.rs and run the command again.",
    )?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    say::step("set-up", &format!("adding the Rust target {WASM_TARGET}"));
    process::run(
        Command::new("rustup").args(["target", "add", WASM_TARGET]),
        "adding the WebAssembly target",
        &format!(
            "The Rust toolchain has no {WASM_TARGET} target. Add it by `rustup target add \
             {WASM_TARGET}` (check the network), or install the package of your distribution \
             that holds it."
        ),
    )
}

//! The standard library for `wasm32-unknown-unknown`.

use std::env;
use std::path::Path;

use crate::error::Error;
use crate::{process, say};

/// The target that the module is compiled for.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target with `rustup` if it is missing. A toolchain that includes the target, such as
/// one from a distribution, needs no `rustup`.
///
/// # Errors
/// When both the target and `rustup` are missing, or `rustup` fails.
pub fn ensure() -> Result<(), Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = process::capture(
        process::command(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]),
        "querying rustc for its target folder",
        "Install Rust from https://rustup.rs and run the command again.",
    )?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    say::step("setup", &format!("adding the Rust target {WASM_TARGET}"));
    process::run(
        process::command("rustup").args(["target", "add", WASM_TARGET]),
        "adding the WebAssembly target",
        &format!(
            "The Rust toolchain lacks the target {WASM_TARGET}. Add it with `rustup target add \
             {WASM_TARGET}` (check the network), or install your distribution's package for it."
        ),
    )
}

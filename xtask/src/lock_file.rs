//! `Cargo.lock`: the exact version of each crate, and the checksum of what is downloaded.

use serde::Deserialize;

/// A `Cargo.lock`, as far as it is used.
#[derive(Debug, Deserialize)]
pub struct LockFile {
    /// All crates of the workspace, and everything that they depend on.
    pub package: Vec<LockedPackage>,
}

/// A crate in a `Cargo.lock`.
#[derive(Debug, Deserialize)]
pub struct LockedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from; `None` for the crates of the checkout.
    pub source: Option<String>,
    /// The SHA-256 of its package, in hexadecimal.
    pub checksum: Option<String>,
}

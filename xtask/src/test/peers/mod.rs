//! `cargo xtask test --peers`: the page and the module against task server frameworks and model
//! endpoints as operators have them. It installs pinned packages of PyPI and npm in the user's cache
//! folder, so it is not among the tiers that run by default.

mod packages;
mod python;

use self::python::Python;
use super::tiers;
use crate::error::Error;
use crate::module::Profile;
use crate::process;
use crate::project::Project;
use crate::setup::cache;

/// The folder of the tests, and of the files that name their packages.
const FOLDER: &str = "tests/peers";

/// Installs the peers and runs the tests, passing `arguments` to Playwright. A skipped test is a
/// failure.
///
/// # Errors
/// When something cannot be installed or compiled, or a test fails or is skipped.
pub fn run(project: &Project, profile: Profile, arguments: &[String]) -> Result<(), Error> {
    let cache = cache::folder()?.join("peers");
    let sources = project.root.join(FOLDER);
    let node = packages::ensure(&sources, &cache)?;
    let python = Python::ensure(&sources, &cache)?;
    let model = python.tiny_model(&sources, &cache)?;
    let mut command = tiers::playwright(project, profile, "tests/peers/playwright.config.ts")?;
    command
        .args(arguments)
        .env("PEERS_NODE", node)
        .env("PEERS_BAO", python.installed("bao"))
        .env("PEERS_PYTHON", python.program())
        .env("PEERS_MODEL", model);
    process::run(
        &mut command,
        "the tests against peers",
        "Fix the problems above. If a peer itself does not start, delete the folder `peers` in the \
         cache folder to install it again.",
    )
}

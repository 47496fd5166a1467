//! `cargo xtask test --peers`: the page and the module against task server frameworks and model
//! endpoints as operators have them, and the page and the task server against a real OpenBao. It installs
//! pinned packages of PyPI and npm in the user's cache folder, so it is not among the tiers that run by
//! default.

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

/// Installs the peers and runs the tests, passing `arguments` to Playwright. With arguments, only its
/// tests run. A skipped test is a failure.
///
/// # Errors
/// When something cannot be installed or compiled, or a test fails or is skipped.
pub fn run(project: &Project, profile: Profile, arguments: &[String]) -> Result<(), Error> {
    let cache = cache::folder()?.join("peers");
    let sources = project.root.join(FOLDER);
    let node = packages::ensure(&sources, &cache)?;
    let python = Python::ensure(&sources, &cache)?;
    let model = python.tiny_model(&sources, &cache)?;
    if arguments.is_empty() {
        server_tests(project, &python)?;
    }
    let mut command = tiers::playwright(project, profile, "tests/peers/playwright.config.ts", &[])?;
    command
        .args(arguments)
        .env("PEERS_NODE", node)
        .env("PEERS_BAO", python.installed("bao"))
        .env("PEERS_PYTHON", python.program())
        .env("PEERS_MODEL", model);
    tiers::playwright_tests(
        project,
        &mut command,
        "the tests against peers",
        "Fix the problems above. If a peer itself does not start, delete the folder `peers` in the \
         cache folder to install it again.",
    )
}

/// Runs the tests of the task server that the native tier leaves out: with OpenBao, with OpenAI's own
/// client, and with a thousand streams through the gateway.
fn server_tests(project: &Project, python: &Python) -> Result<(), Error> {
    let mut command = process::cargo(&project.root);
    command
        .args(["test", "--package", "taskwright-server", "--test", "http"])
        .args(["--", "--ignored"])
        .env("PEERS_BAO", python.installed("bao"))
        .env("PEERS_PYTHON", python.program());
    process::run(
        &mut command,
        "the tests of the task server against peers",
        "Fix the problems above. The streams need 4,100 open files: `ulimit -n` shows the limit.",
    )
}

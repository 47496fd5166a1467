//! `cargo xtask test`: runs the tiers of tests and summarises them.

mod browser_settings;
mod dist_ahead;
mod peers;
mod summary;
mod supply_chain;
mod tiers;

use std::time::Instant;

use clap::ValueEnum;

use self::dist_ahead::DistAhead;
use self::summary::Line;
use crate::choice;
use crate::error::Error;
use crate::module::Profile;
use crate::project::Project;
use crate::say;

/// A group of tests that can be run alone, in the order in which they run: quick ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Formatting of the sources (rustfmt)
    Format,
    /// Licences, sources and duplicates of all dependencies, and their known vulnerabilities
    SupplyChain,
    /// Lints for this machine and for WebAssembly (clippy)
    Clippy,
    /// Tests without a browser (cargo test)
    Native,
    /// Tests of the module in headless Chromium (wasm-pack)
    Browser,
    /// The module's TypeScript types, used by a sample program (tsc)
    Types,
    /// The npm package, packed and installed: its types, its command, and its use in Node.js and in
    /// Chromium (Playwright)
    Package,
    /// The built page with the real server and the testbed, in Chromium (Playwright)
    E2e,
    /// The page that is deployed: its sizes, how its pieces are loaded, its use without a network, and the
    /// server with it inside, in Chromium (Playwright)
    Dist,
}

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The tiers to run [default: all]
    #[arg(value_enum)]
    tiers: Vec<Tier>,
    /// Run the tests against peers instead: FastAPI, Express, LiteLLM, llama.cpp and OpenBao,
    /// which are installed in the user's cache folder
    #[arg(long, conflicts_with_all = ["tiers", "fail_fast"])]
    peers: bool,
    /// Stop at the first tier that fails
    #[arg(long)]
    fail_fast: bool,
    /// Test the release module instead of the quick build
    #[arg(long)]
    release: bool,
    /// Arguments for the test runner of a single tier, such as a filter by name
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// Runs the chosen tiers, by default also after one has failed, and prints a summary.
///
/// # Errors
/// [`Error::SomeFailed`] when a tier failed; [`Error::Failed`] when there are arguments for the
/// test runner but several tiers.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    let profile = Profile::release_if(options.release);
    if options.peers {
        let begun = Instant::now();
        let result = peers::run(project, profile, &options.arguments);
        return conclude(&[line("peers".to_owned(), result, begun)], 0, begun);
    }
    let chosen = choice::selected(&options.tiers);
    if !options.arguments.is_empty() && chosen.len() != 1 {
        return Err(Error::Failed {
            what: "reading the command line".into(),
            reason: "arguments after `--` are for one tier".into(),
            hint: "Name one tier, as in `cargo xtask test native -- journal`.".into(),
        });
    }
    let begun = Instant::now();
    let mut lines: Vec<Line> = Vec::new();
    let is_later = chosen.iter().skip(1).any(|tier| *tier == Tier::Dist);
    let mut dist = is_later.then(|| DistAhead::start(project));
    for tier in &chosen {
        let name = choice::name(*tier);
        say::line(&format!("\n── {name} ──"));
        let tier_begun = Instant::now();
        let build = dist.take_if(|_| *tier == Tier::Dist);
        let result = tiers::run(*tier, project, profile, &options.arguments, build);
        let is_last = options.fail_fast && result.is_err();
        lines.push(line(name, result, tier_begun));
        if is_last {
            break;
        }
    }
    conclude(&lines, chosen.len() - lines.len(), begun)
}

/// The line of a tier that ended now. Shows its error, next to the tier's own output.
fn line(tier: String, result: Result<(), Error>, begun: Instant) -> Line {
    if let Err(error) = &result {
        say::step("failed", &error.to_string());
        say::step("", &error.hint());
    }
    Line {
        tier,
        result,
        time: begun.elapsed(),
    }
}

/// Prints the summary. Fails if a tier failed.
fn conclude(lines: &[Line], not_run: usize, begun: Instant) -> Result<(), Error> {
    say::line(&format!(
        "\n{}",
        summary::text(lines, not_run, begun.elapsed())
    ));
    match summary::failed(lines) {
        0 => Ok(()),
        count => Err(Error::SomeFailed {
            count,
            of: "tiers",
            command: "test",
        }),
    }
}

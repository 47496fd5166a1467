//! The table at the end of a test run.

use std::fmt::Write;
use std::time::Duration;

use crate::error::Error;
use crate::say;

/// How one tier ended.
#[derive(Debug)]
pub struct Line {
    /// The tier's name.
    pub tier: String,
    /// The error says why it failed.
    pub result: Result<(), Error>,
    /// How long the tier took, including setup and compilation.
    pub time: Duration,
}

/// One line per tier, and a closing line with the number of tiers that passed and failed.
/// `not_run` is the number of tiers that were never started.
pub fn text(lines: &[Line], not_run: usize, time: Duration) -> String {
    let mut text = String::new();
    for line in lines {
        let (mark, reason) = match &line.result {
            Ok(()) => ("passed", String::new()),
            Err(error) => ("FAILED", format!("  {error}")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<13}{mark:<9}{:>13}{reason}",
            line.tier,
            say::duration(line.time)
        );
    }
    if not_run > 0 {
        let _ = writeln!(text, "{not_run} more not run because of --fail-fast");
    }
    let failed = failed(lines);
    let _ = write!(
        text,
        "\n{} passed, {failed} failed in {}",
        lines.len() - failed,
        say::duration(time)
    );
    text
}

/// The number of tiers that failed.
pub fn failed(lines: &[Line]) -> usize {
    lines.iter().filter(|line| line.result.is_err()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tier: &str, result: Result<(), Error>) -> Line {
        Line {
            tier: tier.to_owned(),
            result,
            time: Duration::from_millis(1_500),
        }
    }

    #[test]
    fn the_closing_line_counts_tiers() {
        let lines = [line("format", Ok(())), line("native", Ok(()))];
        assert_eq!(
            text(&lines, 0, Duration::from_secs(3)),
            "format       passed           1.5 s\n\
             native       passed           1.5 s\n\
             \n2 passed, 0 failed in 3.0 s"
        );
    }

    #[test]
    fn a_failed_tier_shows_the_reason_and_what_was_not_run() {
        let error = Error::Signals(ctrlc::Error::MultipleHandlers);
        let reason = error.to_string();
        let text = text(&[line("browser", Err(error))], 1, Duration::from_secs(1));
        assert!(text.contains(&reason), "{text}");
        assert!(text.contains("1 more not run"), "{text}");
        assert!(text.ends_with("\n0 passed, 1 failed in 1.0 s"), "{text}");
    }
}

//! The table at the end of the tests.

use std::fmt::Write;
use std::time::Duration;

use super::counts::Counts;
use crate::say;

/// How a tier ended.
#[derive(Debug)]
pub enum Verdict {
    /// It passed. Without counts it is one check as a whole.
    Passed(Option<Counts>),
    /// There was nothing to run, for the reason given.
    Skipped(&'static str),
    /// It did not pass.
    Failed {
        /// What ran of it.
        counts: Counts,
        /// Why.
        reason: String,
    },
}

/// One tier in the table.
#[derive(Debug)]
pub struct Line {
    /// The tier's name.
    pub tier: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, setting up and building included.
    pub time: Duration,
}

impl Line {
    /// Whether the tier did not pass.
    pub fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
    }

    /// What it adds to the closing line: its tests; a check without tests of its own is one, and
    /// a tier that failed has at least one failure.
    fn counts(&self) -> Counts {
        match &self.verdict {
            Verdict::Passed(Some(counts)) => *counts,
            Verdict::Passed(None) => Counts {
                passed: 1,
                ..Counts::default()
            },
            Verdict::Skipped(_) => Counts {
                skipped: 1,
                ..Counts::default()
            },
            Verdict::Failed { counts, .. } => Counts {
                failed: counts.failed.max(1),
                ..*counts
            },
        }
    }
}

/// The table, and a closing line with the number of tests that passed and failed; `not_run` is the
/// number of tiers that were not begun.
pub fn text(lines: &[Line], not_run: usize, time: Duration) -> String {
    let mut text = String::new();
    let mut total = Counts::default();
    for line in lines {
        total += line.counts();
        let (mark, detail) = match &line.verdict {
            Verdict::Passed(None) => ("passed", String::new()),
            Verdict::Passed(Some(counts)) => ("passed", detail(counts)),
            Verdict::Skipped(reason) => ("skipped", (*reason).to_owned()),
            Verdict::Failed { counts, reason } if *counts == Counts::default() => {
                ("FAILED", reason.clone())
            }
            Verdict::Failed { counts, reason } => {
                ("FAILED", format!("{} ({reason})", detail(counts)))
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<10}{mark:<9}{:>13}  {detail}",
            line.tier,
            say::duration(line.time)
        );
    }
    if not_run > 0 {
        let _ = writeln!(text, "{not_run} more not run, because of --fail-fast");
    }
    let _ = write!(text, "\n{} passed, {} failed", total.passed, total.failed);
    if total.skipped > 0 {
        let _ = write!(text, ", {} skipped", total.skipped);
    }
    let _ = write!(text, " in {}", say::duration(time));
    text
}

fn detail(counts: &Counts) -> String {
    let number = counts.passed + counts.failed;
    let mut text = format!("{number} test{}", if number == 1 { "" } else { "s" });
    if counts.failed > 0 {
        text = format!("{} of {text} failed", counts.failed);
    }
    if counts.skipped > 0 {
        text = format!("{text}, {} skipped", counts.skipped);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tier: &'static str, verdict: Verdict) -> Line {
        Line {
            tier,
            verdict,
            time: Duration::from_millis(1_500),
        }
    }

    #[test]
    fn the_closing_line_counts_tests_and_a_check_without_tests_as_one() {
        let lines = [
            line("format", Verdict::Passed(None)),
            line(
                "native",
                Verdict::Passed(Some(Counts {
                    passed: 41,
                    failed: 0,
                    skipped: 2,
                })),
            ),
        ];
        let text = text(&lines, 0, Duration::from_secs(3));
        assert!(
            text.ends_with("\n42 passed, 0 failed, 2 skipped in 3.0 s"),
            "{text}"
        );
    }

    #[test]
    fn a_tier_that_fails_before_any_test_still_counts_as_a_failure() {
        let lines = [line(
            "browser",
            Verdict::Failed {
                counts: Counts::default(),
                reason: "compiling the module failed (exit code 101)".into(),
            },
        )];
        let text = text(&lines, 1, Duration::from_secs(1));
        assert!(text.contains("compiling the module failed"), "{text}");
        assert!(text.contains("1 more not run"), "{text}");
        assert!(text.ends_with("\n0 passed, 1 failed in 1.0 s"), "{text}");
    }

    #[test]
    fn failed_tests_are_counted_one_by_one() {
        let counts = Counts {
            passed: 5,
            failed: 3,
            skipped: 0,
        };
        let reason = "exit code 1".to_owned();
        let lines = [line("e2e", Verdict::Failed { counts, reason })];
        let text = text(&lines, 0, Duration::from_secs(1));
        assert!(text.contains("3 of 8 tests failed (exit code 1)"), "{text}");
        assert!(text.ends_with("\n5 passed, 3 failed in 1.0 s"), "{text}");
    }
}

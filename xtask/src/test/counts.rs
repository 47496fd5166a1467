//! How many tests ran, read from what the test runners print.

use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that did not, those that were begun and never ended included.
    pub failed: u64,
    /// Tests that were left out on purpose.
    pub skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The numbers in one line of output: the closing line of a test program of Rust
/// (`test result: ok. 3 passed; 0 failed; 1 ignored; …`, in the browser too), or one of the
/// closing lines of Playwright's list reporter (`  5 passed (3.1s)`, `  1 failed`, `  2 skipped`,
/// `  1 flaky`, `  1 did not run`). All other lines count nothing.
pub fn in_line(line: &str) -> Counts {
    let line = without_colours(line);
    let line = line.trim();
    let mut counts = Counts::default();
    if let Some(numbers) = line.strip_prefix("test result: ") {
        for part in numbers.split(['.', ';']) {
            add(&mut counts, part.trim());
        }
    } else {
        // Playwright puts the time behind the number of passed tests, and nothing behind others.
        let summary = line.split(" (").next().unwrap_or(line);
        add(&mut counts, summary);
    }
    counts
}

fn add(counts: &mut Counts, part: &str) {
    let Some((number, word)) = part.split_once(' ') else {
        return;
    };
    let Ok(number) = number.parse::<u64>() else {
        return;
    };
    match word {
        "passed" => counts.passed += number,
        // A test that passes only when it is tried again is not one to rely on.
        "failed" | "flaky" | "interrupted" | "did not run" => counts.failed += number,
        "ignored" | "skipped" => counts.skipped += number,
        _ => {}
    }
}

/// The text without the escape sequences that colour it (ECMA-48, section 5.4: `ESC [`, then up
/// to and with a byte from `@` to `~`).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.next();
            characters.by_ref().find(|end| ('@'..='~').contains(end));
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_the_runners_are_counted_and_no_others() {
        for (line, passed, failed, skipped) in [
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
                3,
                0,
                1,
            ),
            (
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                3,
                2,
                0,
            ),
            (
                "test result: \u{1b}[32mok\u{1b}[0m. 12 passed; 0 failed; 0 ignored; 0 filtered out",
                12,
                0,
                0,
            ),
            ("  5 passed (3.1s)", 5, 0, 0),
            (
                "\u{1b}[32m  5 passed\u{1b}[39m\u{1b}[2m (3.1s)\u{1b}[22m",
                5,
                0,
                0,
            ),
            ("  1 failed", 0, 1, 0),
            ("  1 flaky", 0, 1, 0),
            ("  4 did not run", 0, 4, 0),
            ("  2 skipped", 0, 0, 2),
            ("test a_test_that_names_3_passed ... ok", 0, 0, 0),
            ("running 5 tests", 0, 0, 0),
            ("", 0, 0, 0),
            ("\u{1b}", 0, 0, 0),
        ] {
            assert_eq!(
                in_line(line),
                Counts {
                    passed,
                    failed,
                    skipped
                },
                "{line:?}"
            );
        }
    }
}

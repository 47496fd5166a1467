//! Progress messages of the project commands.

use std::io::{Write, stdout};
use std::time::Duration;

/// Prints one or more lines. A closed standard output is ignored (`println!` would panic).
pub fn line(text: &str) {
    let mut output = stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Prints one line about the current step.
pub fn step(subject: &str, what: &str) {
    line(&format!("{subject:>14}  {what}"));
}

/// A duration for people: `0.4 s`, `12.0 s`, `3 min 05 s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

/// A number of bytes for people, in units of 1,000: `999 B`, `1.5 kB`, `2.00 MB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1_000 {
        format!("{bytes} B")
    } else if bytes < 1_000_000 {
        format!("{:.1} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.2} MB", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_a_minute_or_more_show_minutes() {
        for (milliseconds, text) in [
            (0, "0.0 s"),
            (449, "0.4 s"),
            (59_900, "59.9 s"),
            (59_960, "1 min 00 s"),
            (185_400, "3 min 05 s"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn sizes_use_the_largest_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (2_004_000, "2.00 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}

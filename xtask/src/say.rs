//! What a project command prints while it works.

use std::io::{Write, stdout};
use std::time::Duration;

/// A line, or several. That nobody reads any more is no reason to stop (`println!` would panic).
pub fn line(text: &str) {
    let mut output = stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// One line that says what is being done now.
pub fn step(subject: &str, what: &str) {
    line(&format!("{subject:>14}  {what}"));
}

/// A duration as people say it: `0.4 s`, `12.0 s`, `3 min 05 s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// A number of bytes as people say it, in units of 1,000: `999 B`, `1.5 kB`, `2.0 MB`.
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
    fn durations_read_well() {
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
    fn sizes_read_well() {
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

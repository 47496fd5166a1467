//! Facts about the machine that affect the figures.

use std::thread;

use crate::process;

/// Cores, load average and platform in one line.
pub fn facts() -> String {
    format!(
        "{}, load average {}, {} {}",
        thread::available_parallelism().map_or_else(
            |_| "an unknown number of cores".to_owned(),
            |cores| match cores.get() {
                1 => "1 core".to_owned(),
                cores => format!("{cores} cores"),
            }
        ),
        load_average().unwrap_or_else(|| "unknown".to_owned()),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// The load average of the last minute, which Windows does not have.
fn load_average() -> Option<String> {
    let text = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/loadavg").ok()?
    } else if cfg!(unix) {
        let output = process::command("sysctl")
            .args(["-n", "vm.loadavg"])
            .output();
        String::from_utf8(output.ok()?.stdout).ok()?
    } else {
        return None;
    };
    first_number(&text).map(str::to_owned)
}

/// The first number of `0.52 0.58 0.59 1/389 12345` (Linux) or `{ 1.52 1.58 1.59 }` (BSD).
fn first_number(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_average_is_read_on_linux_and_macos() {
        for (text, load) in [
            ("0.52 0.58 0.59 1/389 12345\n", Some("0.52")),
            ("{ 1.52 1.58 1.59 }\n", Some("1.52")),
            ("", None),
        ] {
            assert_eq!(first_number(text), load, "{text}");
        }
    }
}

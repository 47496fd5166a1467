//! Opening the page in the operator's browser.

use std::process::{Command, Stdio};

use crate::say;

/// Asks the desktop to open an address. Where that fails, says so: the address is on the screen.
pub fn in_browser(address: &str) {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        // `start` is a word of the command interpreter; its first quoted argument is a title.
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else {
        Command::new("xdg-open")
    };
    let opened = command
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if opened.is_err() {
        say::step("open", "no browser could be opened; the address is above");
    }
}

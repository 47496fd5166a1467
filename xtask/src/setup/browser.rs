//! The browser for the tests, and its WebDriver.

use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Stdio;

use crate::error::Error;
use crate::{process, say};

/// Names of the browser on `PATH`, in order of preference.
const BROWSER_NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// A browser and a matching driver.
#[derive(Debug)]
pub struct Browser {
    /// Chromium or Chrome.
    pub program: PathBuf,
    /// chromedriver, of the same major version.
    pub driver: PathBuf,
}

/// Finds the browser and its driver: those named by `CHROME` and `CHROMEDRIVER`, else those on
/// `PATH`, else those in the usual folders. On Debian, as root, installs them if they are missing:
/// in a terminal after asking, and in a script, such as that of a build server, after saying so.
///
/// # Errors
/// [`Error::ProgramMissing`] when one of them is not installed or their versions do not match.
pub fn ensure() -> Result<Browser, Error> {
    if (find_browser().is_none() || find_driver().is_none()) && can_install() && may_install() {
        install()?;
    }
    let browser = Browser {
        program: find_browser().ok_or_else(|| absent("Chromium"))?,
        driver: find_driver().ok_or_else(|| absent("chromedriver"))?,
    };
    let versions = (
        major_version(&browser.program),
        major_version(&browser.driver),
    );
    // Chrome on Windows opens a window instead of printing its version; then the driver reports a
    // mismatch itself.
    if let (Some(program), Some(driver)) = versions
        && program != driver
    {
        return Err(Error::ProgramMissing {
            program: format!("a chromedriver for Chromium {program}"),
            reason: format!("the installed one is version {driver}"),
            hint: "Update the older of the two, or set CHROME and CHROMEDRIVER to a matching pair."
                .into(),
        });
    }
    Ok(browser)
}

fn find_browser() -> Option<PathBuf> {
    path_from("CHROME")
        .or_else(|| find_on_path(&BROWSER_NAMES))
        .or_else(|| {
            usual_paths()
                .into_iter()
                .find(|candidate| candidate.is_file())
        })
}

fn find_driver() -> Option<PathBuf> {
    path_from("CHROMEDRIVER")
        .or_else(|| find_on_path(&["chromedriver"]))
        .or_else(|| {
            [
                "/usr/lib/chromium/chromedriver",
                "/usr/lib/chromium-browser/chromedriver",
                "/opt/homebrew/bin/chromedriver",
            ]
            .into_iter()
            .map(PathBuf::from)
            .find(|candidate| candidate.is_file())
        })
}

/// The first of `names` that is a program on `PATH`.
fn find_on_path(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| which::which(name).ok())
}

fn path_from(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Where browsers are installed outside `PATH`.
fn usual_paths() -> Vec<PathBuf> {
    if cfg!(target_os = "macos") {
        return [
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
        ]
        .map(PathBuf::from)
        .to_vec();
    }
    if cfg!(windows) {
        return ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"]
            .into_iter()
            .filter_map(env::var_os)
            .map(|folder| {
                PathBuf::from(folder)
                    .join("Google")
                    .join("Chrome")
                    .join("Application")
                    .join("chrome.exe")
            })
            .collect();
    }
    Vec::new()
}

fn major_version(program: &PathBuf) -> Option<u32> {
    if cfg!(windows) && !program.ends_with("chromedriver.exe") {
        return None;
    }
    let output = process::command(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    major_version_in(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in the output of `--version`: `Chromium 156.0.8078.73 built on …`.
fn major_version_in(text: &str) -> Option<u32> {
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Whether this is Debian and we are root, so that we can install packages.
fn can_install() -> bool {
    is_root()
        && find_on_path(&["apt-get"]).is_some()
        && fs::read_to_string("/etc/os-release").is_ok_and(|text| is_debian(&text))
}

/// Whether an `os-release` file (freedesktop.org, os-release(5)) is that of Debian itself: on
/// Ubuntu, the package of the same name installs a snap.
fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID="))
        .any(|id| id.trim_matches('"') == "debian")
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// The arguments of the two `apt-get` commands.
const INSTALLATION: [&[&str]; 2] = [
    &["update", "-qq"],
    &["install", "-y", "-qq", "chromium", "chromium-driver"],
];

/// Says what will be installed as root and why, and asks in a terminal.
fn may_install() -> bool {
    say::step(
        "setup",
        "the tests need Chromium and its driver, which this system lacks",
    );
    for arguments in INSTALLATION {
        say::step("as root", &format!("apt-get {}", arguments.join(" ")));
    }
    if !io::stdin().is_terminal() {
        return true;
    }
    say::step("setup", "run these commands? [y/N]");
    let mut reply = String::new();
    // Without a reply nothing is installed.
    let _ = io::stdin().read_line(&mut reply);
    is_consent(&reply)
}

fn is_consent(reply: &str) -> bool {
    ["y", "yes"].contains(&reply.trim().to_lowercase().as_str())
}

fn install() -> Result<(), Error> {
    let hint = "Read apt-get's message above and check the network. Or install Chromium and \
                chromedriver another way and set CHROME and CHROMEDRIVER to their paths.";
    for arguments in INSTALLATION {
        process::run(
            process::command("apt-get")
                // Waits up to this many seconds for another installation to finish.
                .args(["-o", "DPkg::Lock::Timeout=300"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
            "installing Chromium",
            hint,
        )?;
    }
    Ok(())
}

fn absent(program: &str) -> Error {
    let hint = if cfg!(target_os = "macos") {
        "Install both: `brew install --cask google-chrome chromedriver`. Or set CHROME and \
         CHROMEDRIVER to their paths."
    } else if cfg!(windows) {
        "Install Google Chrome, and put the chromedriver.exe of the same version (Chrome for \
         Testing offers it) on PATH. Or set CHROME and CHROMEDRIVER to their paths."
    } else {
        "Install both: on Debian `sudo apt-get install chromium chromium-driver`, on Fedora \
         `sudo dnf install chromium chromedriver`. Or set CHROME and CHROMEDRIVER to their paths."
    };
    Error::ProgramMissing {
        program: program.to_owned(),
        reason: "not installed".into(),
        hint: hint.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number_of_the_version() {
        for (text, version) in [
            (
                "Chromium 156.0.8078.73 built on Debian GNU/Linux 12",
                Some(156),
            ),
            (
                "ChromeDriver 156.0.8078.73 (0123abcd-refs/heads/x)",
                Some(156),
            ),
            ("Google Chrome 99.1.2.3 ", Some(99)),
            ("", None),
            ("no version", None),
            ("x 99999999999.1", None),
        ] {
            assert_eq!(major_version_in(text), version, "{text}");
        }
    }

    #[test]
    fn only_a_yes_is_consent() {
        for (reply, expected) in [
            ("y\n", true),
            ("Yes\r\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
            ("yellow\n", false),
        ] {
            assert_eq!(is_consent(reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn only_debian_itself_counts_as_debian() {
        for (text, expected) in [
            ("ID=debian\nVERSION_ID=\"12\"", true),
            ("PRETTY_NAME=\"x\"\nID=\"debian\"", true),
            ("ID=ubuntu\nID_LIKE=debian", false),
            ("", false),
        ] {
            assert_eq!(is_debian(text), expected, "{text}");
        }
    }
}

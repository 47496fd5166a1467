//! The build of the deployed page, which begins with the first tier: for minutes it keeps only one
//! core busy, and the others need what it makes only at the end.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::dist;
use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;

/// A build that runs in the background. Dropping it ends it.
#[derive(Debug)]
pub struct DistAhead {
    build: Child,
    /// What the build prints.
    log: PathBuf,
}

impl DistAhead {
    /// Installs what the build needs, and starts it.
    ///
    /// # Errors
    /// When something cannot be installed or started.
    pub fn start(project: &Project) -> Result<Self, Error> {
        // Here and not in the background, where the tiers could install the same at the same time.
        dist::ensure_tools(project)?;
        let log = project.work_folder("xtask")?.join("dist.log");
        let output = File::create(&log).map_err(Error::file("write", &log))?;
        let errors = output.try_clone().map_err(Error::file("write", &log))?;
        let mut command = build_command()?;
        let build = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(process::missing(&command, process::SEE_COMPILER_OUTPUT))?;
        say::step("dist", "building the deployed page in the background");
        Ok(Self { build, log })
    }

    /// Waits for the end of the build, and prints what it printed.
    ///
    /// # Errors
    /// [`Error::Failed`] when the build failed.
    pub fn finish(mut self) -> Result<(), Error> {
        let status = self.build.wait().map_err(Error::file("read", &self.log))?;
        let printed = fs::read(&self.log).map_err(Error::file("read", &self.log))?;
        say::line(String::from_utf8_lossy(&printed).trim_end());
        process::check(
            status,
            "building the deployed page",
            "Fix the problems above. `cargo xtask dist` builds it alone.",
        )
    }
}

impl Drop for DistAhead {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.build.kill();
        let _ = self.build.wait();
    }
}

/// This program with the command `dist`, at a low priority where that is possible: the tests of the
/// tiers come first.
fn build_command() -> Result<Command, Error> {
    let program = env::current_exe().map_err(|error| Error::Failed {
        what: "finding this program".into(),
        reason: error.to_string(),
        hint: "Run `cargo xtask test dist` alone.".into(),
    })?;
    let mut command = if cfg!(unix) {
        let mut nice = process::command("nice");
        nice.args(["-n", "10"]).arg(program);
        nice
    } else {
        process::command(program)
    };
    command.arg("dist");
    Ok(command)
}

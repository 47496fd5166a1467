//! The sizes of what a browser loads, and their limits, in bytes after brotli.

use std::fs;
use std::path::Path;

use super::split::{LOADER, MODULE, pieces_of_run};
use crate::error::Error;
use crate::module::files::files_below;
use crate::say;

/// What accepts typing: the page, its style sheet and the scripts of the shell.
const TYPING: u64 = 30_000;
/// What is loaded until the page answers and *Generate* can be pressed: also the first file of the
/// module.
const ANSWERS: u64 = 300_000;
/// What is loaded until a run starts: also the application and the validator.
const RUN: u64 = 1_200_000;
/// Everything that is ever loaded.
const EVERYTHING: u64 = 1_660_000;

/// When a file is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Typing,
    Answers,
    Run,
    Everything,
}

/// Prints the sizes and compares them with their limits.
///
/// # Errors
/// [`Error::Failed`] when one is exceeded.
pub fn check(dist: &Path) -> Result<(), Error> {
    let files = files_below(dist)?;
    let loader = files
        .iter()
        .find(|file| file.file_name().is_some_and(|name| name == LOADER))
        .map(|file| dist.join(file))
        .ok_or_else(|| Error::Unexpected {
            what: "dist/".to_owned(),
            reason: format!("it has no {LOADER}"),
        })?;
    let loader = fs::read_to_string(&loader).map_err(Error::file("read", &loader))?;
    let first = pieces_of_run(&loader);
    let mut totals = [0_u64; 4];
    for file in files {
        if file.extension().is_none_or(|extension| extension != "br") {
            continue;
        }
        let path = dist.join(&file);
        let size = fs::metadata(&path)
            .map_err(Error::file("read", &path))?
            .len();
        let stage = stage_of(&file.to_string_lossy(), &first);
        for (total, of) in
            totals
                .iter_mut()
                .zip([Stage::Typing, Stage::Answers, Stage::Run, Stage::Everything])
        {
            if stage <= of {
                *total += size;
            }
        }
        say::step("size", &format!("{}: {}", file.display(), say::size(size)));
    }
    let limits = [
        ("until the brief can be typed", TYPING),
        ("until the page answers", ANSWERS),
        ("until a run can start", RUN),
        ("everything", EVERYTHING),
    ];
    let mut exceeded = Vec::new();
    for ((what, limit), total) in limits.into_iter().zip(totals) {
        say::step(
            "size",
            &format!("{what}: {} of {}", say::size(total), say::size(limit)),
        );
        if total > limit {
            exceeded.push(what);
        }
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    Err(Error::Failed {
        what: "the size budget".to_owned(),
        reason: format!("too large: {}", exceeded.join(", ")),
        hint: "Find what has grown in the sizes above. A limit is raised only on purpose, in \
               xtask/src/dist/budget.rs."
            .to_owned(),
    })
}

/// When a file is loaded, by its path. `first` are the pieces that a run needs.
fn stage_of(path: &str, first: &[String]) -> Stage {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.strip_suffix(".br").unwrap_or(name);
    match name {
        "index.html" | "shell.js" | "style.css" => Stage::Typing,
        "boot.js" | "offline.js" | "taskwright_bg.wasm" | MODULE | LOADER => Stage::Answers,
        _ if first.iter().any(|piece| piece == name) => Stage::Run,
        _ => Stage::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_counts_from_when_it_is_loaded() {
        let first = ["chunk_4.wasm".to_owned()];
        for (path, stage) in [
            ("index.html.br", Stage::Typing),
            ("assets/0f/style.css.br", Stage::Typing),
            ("assets/0f/shell.js.br", Stage::Typing),
            ("assets\\0f\\boot.js.br", Stage::Answers),
            ("assets/0f/offline.js.br", Stage::Answers),
            ("assets/0f/taskwright_bg.wasm.br", Stage::Answers),
            ("sw.js.br", Stage::Everything),
            ("assets/0f/chunk_4.wasm.br", Stage::Run),
            ("assets/0f/chunk_5.wasm.br", Stage::Everything),
            ("assets/0f/icons/icons.svg.br", Stage::Everything),
        ] {
            assert_eq!(stage_of(path, &first), stage, "{path}");
        }
    }
}

//! Lists the files of the page for the feature `embedded-page`, which puts them into the program. Without
//! the feature the list is empty, and nothing has to be built before.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files and folders of `dist/` that the server serves.
const SERVED: [&str; 7] = [
    "index.html",
    "index.html.br",
    "index.html.gz",
    "sw.js",
    "sw.js.br",
    "sw.js.gz",
    "assets",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut list = String::from("&[\n");
    if env::var_os("CARGO_FEATURE_EMBEDDED_PAGE").is_some() {
        let dist = folder("CARGO_MANIFEST_DIR").with_file_name("dist");
        println!("cargo::rerun-if-changed={}", dist.display());
        if !dist.join("index.html").is_file() {
            println!(
                "cargo::error=the feature `embedded-page` needs the files of the page, but {} does not \
                 exist. Run `cargo xtask dist` first; `cargo xtask release` does both.",
                dist.join("index.html").display()
            );
            return Ok(());
        }
        for name in SERVED {
            add(&mut list, &dist, name)?;
        }
    }
    list.push_str("]\n");
    fs::write(folder("OUT_DIR").join("embedded_page.rs"), list)
}

/// A folder that cargo names in the environment.
fn folder(variable: &str) -> PathBuf {
    env::var_os(variable).map_or_else(PathBuf::new, PathBuf::from)
}

/// Adds a file, or all files of a folder, if it is there. `path` is relative to `dist` and has `/`
/// between its parts.
fn add(list: &mut String, dist: &Path, path: &str) -> io::Result<()> {
    let place = dist.join(path);
    if place.is_dir() {
        let mut names = fs::read_dir(&place)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<String>>>()?;
        names.sort();
        for name in names {
            add(list, dist, &format!("{path}/{name}"))?;
        }
    } else if place.is_file() {
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(&place)?);
        let digest = hasher.finish();
        writeln!(
            list,
            "    EmbeddedFile {{ path: {path:?}, digest: {digest}, bytes: include_bytes!({place:?}) }},"
        )
        .map_err(io::Error::other)?;
    }
    Ok(())
}

//! The order of the modules and the border to the browser, read from the sources and from the
//! dependency tree.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From the ground up. A module uses only what stands in an earlier rank, or itself; `secrets` is
/// for everyone, and `settings` stands below it because a secret belongs to an address.
const RANKS: [&[&str]; 16] = [
    &["digest", "document", "random", "retry_after", "text"],
    &["schema"],
    &["settings", "brief"],
    &["secrets"],
    &["http"],
    &["prompt"],
    &["model"],
    &["review"],
    &["delivery", "dry_run"],
    &["run"],
    &["ports"],
    &["driver"],
    &["browser"],
    &["ui"],
    &["app"],
    &["api"],
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rank(module: &str) -> usize {
    RANKS
        .iter()
        .position(|rank| rank.contains(&module))
        .unwrap_or_else(|| panic!("src/{module} has no place in the order of modules: give it one"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The module a source belongs to: the first part of its path in `src`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules that a source names as `crate::module`.
fn named(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut names = Vec::new();
    for line in code {
        for after in line.split("crate::").skip(1) {
            let name: String = after
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn a_module_uses_only_what_stands_before_it() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let own = module(&path);
        if own == "lib" {
            continue;
        }
        for name in named(&fs::read_to_string(&path).unwrap()) {
            let is_sibling = name != own && rank(&name) == rank(&own);
            if rank(&name) > rank(&own) || is_sibling {
                wrong.push(format!("{} uses crate::{name}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the order of modules:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn only_the_border_names_the_browser() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        if ["browser", "ui", "app", "api", "lib"].contains(&module(&path).as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for name in ["web_sys", "js_sys", "gloo_net", "leptos", "wasm_bindgen"] {
            if text.contains(name) {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "browser crates in the middle:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn only_one_file_uses_the_validators_crate() {
    let users: Vec<_> = sources(&root().join("src"))
        .into_iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains("jsonschema::"))
        .collect();
    assert_eq!(users, [root().join("src/schema/validator.rs")]);
}

#[test]
fn the_dry_runs_driver_names_no_transport() {
    let text = fs::read_to_string(root().join("src/driver/dry.rs")).unwrap();
    for name in [
        "ModelTransport",
        "TaskSink",
        "Fetch",
        "Keyring",
        "http::",
        "request",
    ] {
        assert!(!text.contains(name), "the dry run's driver names {name}");
    }
}

#[test]
fn the_hosts_dependency_tree_is_free_of_the_browser() {
    let host = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--workspace",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        host.status.success(),
        "{}",
        String::from_utf8_lossy(&host.stderr)
    );
    let tree = String::from_utf8_lossy(&host.stdout);
    assert!(tree.contains("serde_json"), "the tree was read");
    for name in ["web-sys", "js-sys", "gloo-net", "leptos", "wasm-bindgen"] {
        assert!(
            !tree
                .lines()
                .any(|line| line.split(' ').next() == Some(name)),
            "{name} is in the host's dependency tree"
        );
    }
}

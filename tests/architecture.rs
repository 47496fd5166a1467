//! Rules about the structure of `src/`: the order of the modules, the boundary to the browser, and
//! unique type names. They are checked against the source text and the dependency tree.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The modules in layers, lowest first. A module uses only itself and modules in lower layers, none
/// in its own. `settings` is below `secrets`, because a secret belongs to an address.
const LAYERS: [&[&str]; 20] = [
    &[
        "csv",
        "digest",
        "document",
        "random",
        "retry_after",
        "text",
        "time",
        "web_page",
    ],
    &["schema"],
    &["settings", "brief"],
    &["secrets"],
    &["paste"],
    &["http"],
    &["vault"],
    &["prompt"],
    &["model"],
    &["review"],
    &["delivery", "dry_run"],
    &["connection_test"],
    &["run"],
    &["ports"],
    &["driver"],
    &["browser"],
    &["pieces"],
    &["ui"],
    &["app"],
    &["api"],
];

/// The modules that may use browser crates.
const BROWSER_MODULES: [&str; 6] = ["browser", "pieces", "ui", "app", "api", "lib"];

/// Type names that may be declared more than once, each with the reason.
const REPEATED_TYPE_NAMES: [(&str, &str); 0] = [];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("src/{module} is in no layer: add it to LAYERS"))
}

/// All Rust files in a folder, recursively.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// All Rust files in `src/` with their text.
fn sources() -> Vec<(PathBuf, String)> {
    rust_files(&root().join("src"))
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The top-level module of a file: the first component of its path in `src/`.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The modules that a source text refers to as `crate::module`, except in comments.
fn used_modules(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(identifier)
        .filter(|name| !name.is_empty())
        .collect()
}

/// The type that a line declares with any public visibility, such as `pub(super) struct Name`.
fn declared_type(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(restriction) => restriction.split_once(')')?.1,
        None => rest,
    };
    let (keyword, name) = rest.strip_prefix(' ')?.split_once(' ')?;
    ["struct", "enum", "trait", "type"]
        .contains(&keyword)
        .then(|| identifier(name))
}

#[test]
fn a_module_uses_lower_layers_only() {
    let mut violations = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if module == "lib" {
            continue;
        }
        for used in used_modules(&text) {
            if used != module && layer(&used) >= layer(&module) {
                violations.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(
        violations.is_empty(),
        "uses of a module in the same or a higher layer:\n{}",
        violations.join("\n")
    );
}

#[test]
fn only_the_upper_layers_use_browser_crates() {
    let mut violations = Vec::new();
    for (path, text) in sources() {
        if BROWSER_MODULES.contains(&module_of(&path).as_str()) {
            continue;
        }
        for name in ["web_sys", "js_sys", "gloo_net", "leptos", "wasm_bindgen"] {
            if text.contains(name) {
                violations.push(format!("{} mentions {name}", path.display()));
            }
        }
    }
    assert!(
        violations.is_empty(),
        "browser crates in lower layers:\n{}",
        violations.join("\n")
    );
}

#[test]
fn type_names_are_unique() {
    let mut declarations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources() {
        for (index, line) in text.lines().enumerate() {
            if let Some(name) = declared_type(line) {
                let place = format!("{}:{}", path.display(), index + 1);
                declarations.entry(name).or_default().push(place);
            }
        }
    }
    assert!(
        declarations.contains_key("Document"),
        "no declarations were found"
    );
    let repeated: Vec<_> = declarations
        .iter()
        .filter(|(name, places)| {
            places.len() > 1 && !REPEATED_TYPE_NAMES.iter().any(|(known, _)| known == name)
        })
        .collect();
    assert!(
        repeated.is_empty(),
        "type names declared more than once: {repeated:#?}"
    );
    for (name, reason) in REPEATED_TYPE_NAMES {
        let is_repeated = declarations
            .get(name)
            .is_some_and(|places| places.len() > 1);
        assert!(
            is_repeated && !reason.is_empty(),
            "{name} needs no exception, or its exception has no reason"
        );
    }
}

#[test]
fn only_the_validator_uses_the_jsonschema_crate() {
    let is_validator = |path: &Path| {
        let schema = root().join("src/schema");
        path == schema.join("validator.rs") || path.starts_with(schema.join("validator"))
    };
    let users: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("jsonschema::"))
        .map(|(path, _)| path)
        .collect();
    assert!(!users.is_empty());
    assert!(users.iter().all(|path| is_validator(path)), "{users:?}");
}

#[test]
fn the_dry_run_driver_mentions_no_transport() {
    let text = fs::read_to_string(root().join("src/driver/dry.rs")).unwrap();
    for name in [
        "ModelTransport",
        "TaskSink",
        "Fetch",
        "Keyring",
        "http::",
        "request",
    ] {
        assert!(!text.contains(name), "the dry-run driver mentions {name}");
    }
}

#[test]
fn the_native_dependency_tree_has_no_browser_crates() {
    let output = Command::new(env!("CARGO"))
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
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.contains("serde_json"), "no dependencies were listed");
    for name in ["web-sys", "js-sys", "gloo-net", "leptos", "wasm-bindgen"] {
        assert!(
            !tree
                .lines()
                .any(|line| line.split(' ').next() == Some(name)),
            "{name} is in the native dependency tree"
        );
    }
}

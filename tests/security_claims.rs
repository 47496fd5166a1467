//! SECURITY.md names the tests that show each defence. They are looked for in the sources.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The threat model: each of its headings with the tests below it, as file and name.
fn threats(text: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let (_, rest) = text.split_once("\n## Threat model\n").unwrap();
    let model = rest.split("\n## ").next().unwrap();
    let sections = model.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (heading, body) = section.split_once('\n').unwrap();
            let tests = body.lines().filter(|line| line.starts_with("- "));
            let tests = tests.map(|line| {
                let named = line
                    .strip_prefix("- `")
                    .and_then(|line| line.strip_suffix('`'))
                    .and_then(|line| line.split_once("`: `"));
                named.unwrap_or_else(|| panic!("no file and test: {line}"))
            });
            (heading, tests.collect())
        })
        .collect()
}

/// Whether a source has a test of this name that is not skipped.
fn has_test(file: &str, source: &str, name: &str) -> bool {
    if file.ends_with(".ts") {
        return source.contains(&format!("\ntest(\"{name}\""));
    }
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return false;
    };
    let before = source.get(..at).unwrap();
    let attributes = before.rsplit_once("\n\n").map_or(before, |(_, last)| last);
    let is_test = ["#[test]", "#[wasm_bindgen_test]", "#[tokio::test]"]
        .iter()
        .any(|attribute| attributes.contains(attribute));
    // A property is declared inside `proptest!`.
    (is_test || source.contains("proptest! {")) && !attributes.contains("#[ignore")
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let text = read("SECURITY.md");
    let threats = threats(&text);
    assert!(threats.len() >= 10, "{} threats", threats.len());
    let mut missing = Vec::new();
    for (heading, tests) in threats {
        assert!(!tests.is_empty(), "no test shows anything about: {heading}");
        for (file, name) in tests {
            if !has_test(file, &read(file), name) {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "missing tests:\n{}", missing.join("\n"));
}

#[test]
fn a_test_that_is_missing_or_skipped_is_noticed() {
    let source = "#[test]\nfn a() {}\n\n#[test]\n#[ignore]\nfn b() {}\n\nfn c() {}\n";
    for (name, expected) in [("a", true), ("b", false), ("c", false), ("d", false)] {
        assert_eq!(has_test("x.rs", source, name), expected, "{name}");
    }
    let spec = "\ntest(\"one\", async () => {});\ntest.skip(\"two\", async () => {});\n";
    assert!(has_test("x.spec.ts", spec, "one"));
    assert!(!has_test("x.spec.ts", spec, "two"));
}

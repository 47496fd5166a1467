//! Runs the official JSON Schema test suite for draft 2020-12 (`tests/json-schema-suite/`) on the
//! exact text of its instances. `tests/e2e/json-schema-suite.spec.ts` runs it through the built
//! module in a browser; both use `tests/json-schema-exceptions.json`.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use taskwright::document::{Document, Node};
use taskwright::schema::Check;
use taskwright::schema::validator::{Validator, ValidatorOptions};

/// The base URI of the suite's remote schemas.
const REMOTES_ADDRESS: &str = "http://localhost:1234";

/// The files in which `format` is an assertion. In all others it is an annotation.
const FORMATS_ASSERTED: [&str; 2] = ["optional/format/", "optional/format-assertion.json"];

/// Tests that are expected to fail, with the reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    reason: String,
    file: String,
    case: String,
    tests: Vec<String>,
}

/// The name of a test: its file, its case and its description.
type Name = (String, String, String);

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

/// The text of all JSON files in a folder, recursively, by relative path with `/` separators.
fn json_files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let inside = json_files(&path);
            found.extend(
                inside
                    .into_iter()
                    .map(|(file, text)| (format!("{name}/{file}"), text)),
            );
        } else if name.ends_with(".json") {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn remotes() -> BTreeMap<String, Value> {
    json_files(&at("json-schema-suite/remotes"))
        .into_iter()
        .map(|(file, text)| {
            let schema = serde_json::from_str(&text).unwrap();
            (format!("{REMOTES_ADDRESS}/{file}"), schema)
        })
        .collect()
}

fn string(node: Node<'_>, name: &str) -> String {
    node.get(name).unwrap().as_str().unwrap().into_owned()
}

/// Runs a file of the suite. Returns the name of each test with its failure, if any.
fn run(file: &str, text: &str, resources: &BTreeMap<String, Value>) -> Vec<(Name, Option<String>)> {
    let options = ValidatorOptions {
        assert_formats: FORMATS_ASSERTED.iter().any(|start| file.starts_with(start)),
        resources: resources.clone(),
    };
    let cases = Document::parse(text).unwrap();
    let mut results = Vec::new();
    for case in cases.root().items() {
        let schema = case.get("schema").unwrap().to_value();
        let compiled = Validator::compile(&schema, &options);
        for test in case.get("tests").unwrap().items() {
            let valid = test.get("valid").unwrap().as_bool().unwrap();
            let instance = Document::parse(test.get("data").unwrap().text()).unwrap();
            let failure = match compiled
                .as_ref()
                .map(|validator| validator.check(&instance))
            {
                Err(error) => Some(error.to_string()),
                Ok(violations) if violations.is_empty() == valid => None,
                Ok(violations) => Some(format!("should be valid: {valid}, was {violations:?}")),
            };
            let name = (
                file.to_owned(),
                string(case, "description"),
                string(test, "description"),
            );
            results.push((name, failure));
        }
    }
    results
}

#[test]
fn the_suite_passes_except_for_the_listed_exceptions() {
    let text = fs::read_to_string(at("json-schema-exceptions.json")).unwrap();
    let exceptions: Vec<Exception> = serde_json::from_str(&text).unwrap();
    assert!(
        exceptions
            .iter()
            .all(|exception| !exception.reason.is_empty())
    );
    let expected_failures: BTreeSet<Name> = exceptions
        .into_iter()
        .flat_map(
            |Exception {
                 file, case, tests, ..
             }| {
                tests
                    .into_iter()
                    .map(move |test| (file.clone(), case.clone(), test))
            },
        )
        .collect();

    let resources = remotes();
    let results: Vec<(Name, Option<String>)> =
        json_files(&at("json-schema-suite/tests/draft2020-12"))
            .iter()
            .flat_map(|(file, text)| run(file, text, &resources))
            .collect();
    assert!(
        results.len() > 1_900,
        "only {} tests were found",
        results.len()
    );

    let failures: BTreeMap<&Name, &String> = results
        .iter()
        .filter_map(|(name, failure)| failure.as_ref().map(|failure| (name, failure)))
        .collect();
    let unexpected: Vec<_> = failures
        .iter()
        .filter(|(name, _)| !expected_failures.contains(**name))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let obsolete: Vec<_> = expected_failures
        .iter()
        .filter(|name| !failures.contains_key(name))
        .collect();
    assert!(
        obsolete.is_empty(),
        "these listed exceptions pass or do not exist: {obsolete:#?}"
    );
}

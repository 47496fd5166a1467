//! Runs the fuzz targets on their seeds, on every transcript, and on the failing inputs found so far
//! (`fuzz/found/`).
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// The files in a folder of the checkout; none if the folder does not exist.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with(".gitattributes"))
        .collect()
}

/// Runs a target on its seeds, its found inputs, and the files in `further` folders.
fn assert_holds(target: &str, holds: fn(&[u8]), further: &[&str]) {
    let own = [
        format!("fuzz/seeds/{target}"),
        format!("fuzz/found/{target}"),
    ];
    let folders = own
        .iter()
        .map(String::as_str)
        .chain(further.iter().copied());
    let inputs: Vec<PathBuf> = folders.flat_map(files).collect();
    assert!(!inputs.is_empty(), "{target} has no inputs");
    let broken: Vec<PathBuf> = inputs
        .into_iter()
        .filter(|path| {
            let bytes = fs::read(path).unwrap();
            catch_unwind(|| holds(&bytes)).is_err()
        })
        .collect();
    assert!(broken.is_empty(), "{target} fails for {broken:?}");
}

#[test]
fn the_decoder_follows_the_standard() {
    assert_holds(
        "event_stream",
        targets::event_stream::holds,
        &["tests/transcripts"],
    );
}

#[test]
fn a_body_gives_the_same_events_however_it_is_split_and_is_never_complete_early() {
    assert_holds(
        "task_stream",
        targets::task_stream::holds,
        &["tests/transcripts"],
    );
}

#[test]
fn the_tasks_of_a_response_are_exactly_as_written() {
    assert_holds(
        "response_text",
        targets::response_text::holds,
        &["fuzz/seeds/document", "fuzz/found/document"],
    );
}

#[test]
fn a_text_is_a_document_if_another_parser_accepts_it() {
    assert_holds(
        "document",
        targets::document::holds,
        &["fuzz/seeds/response_text", "fuzz/found/response_text"],
    );
}

#[test]
fn a_derived_schema_stays_in_the_strict_subset() {
    assert_holds(
        "model_schema",
        targets::model_schema::holds,
        &["src/schema"],
    );
}

/// Runs in a thread with as much stack as a module in a browser has.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn validation_ends_whatever_the_schema_and_the_document_are() {
    with_little_stack(|| {
        assert_holds(
            "validation",
            targets::validation::holds,
            &["src/schema", "fuzz/found/model_schema"],
        );
    });
}

#[test]
fn whatever_is_pasted_is_recognised_as_something() {
    with_little_stack(|| {
        assert_holds(
            "paste",
            targets::paste::holds,
            &[
                "tests/paste/documents",
                "src/schema",
                "fuzz/seeds/document",
                "fuzz/found/model_schema",
            ],
        );
    });
}

#[test]
fn validation_ends_for_any_bytes() {
    with_little_stack(|| {
        let config = ProptestConfig::with_cases(2_000);
        proptest!(config, |(bytes in prop::collection::vec(any::<u8>(), 0..300))| {
            targets::validation::holds(&bytes);
        });
    });
}

#[test]
fn every_schema_of_the_official_suite_is_derived_or_refused_with_a_reason() {
    let schemas: Vec<Value> = files("tests/json-schema-suite/tests/draft2020-12")
        .iter()
        .flat_map(|file| {
            let cases: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            cases.as_array().unwrap().clone()
        })
        .map(|case| case["schema"].clone())
        .collect();
    assert!(schemas.len() > 300, "found only {} schemas", schemas.len());
    let broken: Vec<&Value> = schemas
        .iter()
        .filter(|schema| {
            let text = schema.to_string();
            catch_unwind(|| targets::model_schema::holds(text.as_bytes())).is_err()
        })
        .collect();
    assert!(broken.is_empty(), "the property fails for {broken:#?}");
}

//! The documents are true where a test can tell: their links lead somewhere, and the messages that they
//! explain are those of the page.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents of the checkout.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "npm", "testbed"] {
        let files = fs::read_dir(root().join(folder)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        found.extend(files.filter(|file| file.extension().is_some_and(|it| it == "md")));
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The id of a heading, as GitHub makes it: in lower case, without punctuation, with hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ if c.is_alphanumeric() => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// The headings of a document, as plain text.
fn headings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    found
}

/// The destinations of the links and pictures in a document.
fn destinations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for event in Parser::new(text) {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
            found.push(dest_url.into_string());
        }
    }
    found
}

#[test]
fn every_link_to_a_file_leads_to_it_and_to_its_heading() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for destination in destinations(&text) {
            if destination.contains("://") || destination.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = match destination.split_once('#') {
                Some((file, fragment)) => (file, Some(fragment)),
                None => (destination.as_str(), None),
            };
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let leads_there = match (target.exists(), fragment) {
                (exists, None) => exists,
                (false, Some(_)) => false,
                (true, Some(fragment)) => {
                    let target = fs::read_to_string(&target).unwrap();
                    headings(&target).iter().any(|it| anchor(it) == fragment)
                }
            };
            if !leads_there {
                wrong.push(format!("{}: {destination}", document.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The string literals of the sources, without those that a test alone contains.
fn sources() -> String {
    let mut text = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
                let source = fs::read_to_string(path).unwrap();
                let product = source.split("#[cfg(test)]").next().unwrap_or_default();
                text.push_str(product);
            }
        }
    }
    text
}

#[test]
fn the_messages_that_the_troubleshooting_explains_are_those_of_the_page() {
    let text = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let headings = headings(&text);
    let quoted: BTreeSet<&str> = headings
        .iter()
        .filter_map(|heading| heading.strip_prefix('“')?.strip_suffix('”'))
        .collect();
    assert!(quoted.len() > 15, "{quoted:?}");
    let sources = sources();
    let unknown: Vec<&&str> = quoted
        .iter()
        .filter(|message| !sources.contains(**message))
        .collect();
    assert!(unknown.is_empty(), "no message of the page: {unknown:?}");
}

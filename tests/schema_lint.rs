//! Checks of a batch of tasks.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use taskwright::document::Document;
use taskwright::schema::lint::{Finding, FindingCode, LintOptions, Severity, lint_batch};
use taskwright::schema::{Roles, agent_task_schema};

fn roles() -> Roles {
    Roles::guess(&serde_json::from_str(agent_task_schema()).unwrap())
}

fn lint(tasks: &[Value], expected: Option<usize>) -> Vec<Finding> {
    let documents: Vec<Document> = tasks
        .iter()
        .map(|task| Document::parse(&task.to_string()).unwrap())
        .collect();
    lint_batch(
        &documents,
        &LintOptions {
            roles: roles(),
            expected_count: expected,
        },
    )
}

fn codes(tasks: &[Value]) -> Vec<(FindingCode, Vec<usize>)> {
    lint(tasks, None)
        .into_iter()
        .map(|finding| (finding.code, finding.tasks))
        .collect()
}

fn task(key: &str, depends_on: &[&str]) -> Value {
    json!({"key": key, "title": format!("Task named {key}"), "depends_on": depends_on})
}

#[test]
fn a_correct_batch_has_no_findings() {
    let tasks = [task("a", &[]), task("b", &["a"]), task("c", &["a", "b"])];
    assert_eq!(lint(&tasks, Some(3)), []);
}

#[test]
fn tasks_with_the_same_key_are_one_finding() {
    let tasks = [task("a", &[]), task("b", &[]), task("a", &[])];
    let found = codes(&tasks);
    assert_eq!(found[0], (FindingCode::DuplicateKey, vec![0, 2]));
}

#[test]
fn keys_are_decoded_before_they_are_compared() {
    let first = Document::parse(r#"{"key":"a","title":"One"}"#).unwrap();
    let second = Document::parse(r#"{"key":"\u0061","title":"Two"}"#).unwrap();
    let found = lint_batch(
        &[first, second],
        &LintOptions {
            roles: roles(),
            expected_count: None,
        },
    );
    assert_eq!(found[0].code, FindingCode::DuplicateKey);
}

#[test]
fn a_dependency_on_a_task_outside_the_batch_is_dangling() {
    let found = lint(&[task("a", &["x", "y"]), task("b", &["a"])], None);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code, found[0].severity),
        (FindingCode::DanglingDependency, Severity::Error)
    );
    assert_eq!(
        found[0].message,
        "No task in the batch has the key “x” or “y”."
    );
}

#[test]
fn a_task_that_depends_on_itself_is_found() {
    assert_eq!(
        codes(&[task("a", &["a"])]),
        [(FindingCode::SelfDependency, vec![0])]
    );
}

#[test]
fn each_cycle_is_found_once() {
    let tasks = [
        task("a", &["b"]),
        task("b", &["c"]),
        task("c", &["a"]),
        task("d", &["a"]),
        task("e", &["f"]),
        task("f", &["e", "d"]),
    ];
    assert_eq!(
        codes(&tasks),
        [
            (FindingCode::CyclicDependency, vec![0, 1, 2]),
            (FindingCode::CyclicDependency, vec![4, 5]),
        ]
    );
}

#[test]
fn a_chain_of_ten_thousand_tasks_is_no_cycle_and_no_stack_overflow() {
    let tasks: Vec<Value> = (0..10_000)
        .map(|index| json!({"key": format!("k{index}"), "title": format!("Title {index}"), "depends_on": [format!("k{}", index + 1)]}))
        .collect();
    assert_eq!(
        codes(&tasks),
        [(FindingCode::DanglingDependency, vec![9_999])]
    );
}

#[test]
fn a_wrong_count_is_found() {
    let found = lint(&[task("a", &[])], Some(2));
    assert_eq!(found[0].code, FindingCode::WrongCount);
    assert_eq!(
        found[0].message,
        "2 tasks were requested, but the batch has 1."
    );
}

#[test]
fn similar_titles_are_found_and_different_ones_are_not() {
    let same = [
        ("Write the release notes", "Write release notes"),
        ("Write release notes", "release notes: write!"),
        ("Write release note", "Write release notes"),
        ("Collect sources", "collect  SOURCES."),
        ("Colect sources", "Collect sources"),
    ];
    let different = [
        ("Write chapter 1", "Write chapter 2"),
        ("Release v1", "Release v2"),
        ("Draft the outline", "Draft the summary"),
        ("Test login", "Rest login"),
        ("Insert rows", "Invert rows"),
        ("Write notes, part a", "Write notes, part b"),
        ("", ""),
    ];
    let similar = |left: &str, right: &str| {
        let tasks = [
            json!({"key": "a", "title": left}),
            json!({"key": "b", "title": right}),
        ];
        !codes(&tasks).is_empty()
    };
    for (left, right) in same {
        assert!(similar(left, right), "{left:?} and {right:?}");
    }
    for (left, right) in different {
        assert!(!similar(left, right), "{left:?} and {right:?}");
    }
}

#[test]
fn without_a_key_role_the_skipped_checks_are_reported() {
    let documents = [
        Document::parse(r#"{"task":"a"}"#).unwrap(),
        Document::parse(r#"{"task":"b"}"#).unwrap(),
    ];
    let found = lint_batch(&documents, &LintOptions::default());
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code, found[0].severity),
        (FindingCode::NotChecked, Severity::Note)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_that_depends_on_earlier_tasks_only_has_no_cycle(edges in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..60)) {
        let tasks: Vec<Value> = edges.iter().enumerate().map(|(index, targets)| {
            let keys: Vec<String> = targets.iter().filter(|_| index > 0).map(|target| format!("k{}", target.index(index))).collect();
            json!({"key": format!("k{index}"), "depends_on": keys})
        }).collect();
        prop_assert_eq!(codes(&tasks), []);
    }

    #[test]
    fn a_cycle_is_found_at_any_position(before in 0usize..20, length in 2usize..20) {
        let mut tasks: Vec<Value> = (0..before).map(|index| json!({"key": format!("p{index}"), "depends_on": ["k0"]})).collect();
        tasks.extend((0..length).map(|index| json!({"key": format!("k{index}"), "depends_on": [format!("k{}", (index + 1) % length)]})));
        prop_assert_eq!(codes(&tasks), [(FindingCode::CyclicDependency, (before..before + length).collect::<Vec<_>>())]);
    }
}

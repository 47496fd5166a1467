//! Dry runs: complete batches generated from a brief and a seed.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use taskwright::brief::{Brief, Count};
use taskwright::document::Document;
use taskwright::dry_run::{DryRun, DryRunError, tasks};
use taskwright::schema::lint::{LintOptions, Severity, lint_batch};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema, agent_action_schema, agent_task_schema};

fn brief(goal: &str, count: u16) -> Brief {
    Brief {
        goal: goal.to_owned(),
        context: String::new(),
        rules: String::new(),
        count: Count::new(count).unwrap(),
        seed: 0,
    }
}

fn run(brief: &Brief, schema: &str, seed: u64) -> Result<Vec<Document>, DryRunError> {
    let schema = TaskSchema::parse(schema).unwrap();
    let check = Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap();
    let tasks = tasks(brief, &schema, &check, seed)?;
    assert_eq!(tasks.len(), usize::from(brief.count.get()));
    for task in &tasks {
        assert_eq!(check.check(task), [], "{}", task.text());
    }
    let options = LintOptions {
        roles: schema.roles().clone(),
        expected_count: Some(tasks.len()),
    };
    let errors: Vec<_> = lint_batch(&tasks, &options)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert_eq!(errors, []);
    Ok(tasks)
}

#[test]
fn titles_and_keys_are_derived_from_the_goal() {
    let tasks = run(
        &brief("Write release notes for v2", 2),
        agent_task_schema(),
        0,
    )
    .unwrap();
    let title = tasks[0]
        .root()
        .get("title")
        .unwrap()
        .as_str()
        .unwrap()
        .into_owned();
    assert!(title.starts_with("Draft release notes for v2: "), "{title}");
    let key = tasks[0]
        .root()
        .get("key")
        .unwrap()
        .as_str()
        .unwrap()
        .into_owned();
    assert!(key.starts_with("draft-release-notes-for-v2-"), "{key}");
}

#[test]
fn five_hundred_tasks_are_valid_and_unique_and_depend_on_earlier_tasks_only() {
    let tasks = run(
        &brief("Move the archive to the new building", 500),
        agent_task_schema(),
        3,
    )
    .unwrap();
    let with_dependencies = tasks
        .iter()
        .filter(|task| {
            task.root()
                .get("depends_on")
                .is_some_and(|node| !node.is_empty())
        })
        .count();
    assert!(with_dependencies > 100, "{with_dependencies}");
    // The titles are not similar either.
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let options = LintOptions {
        roles: schema.roles().clone(),
        expected_count: None,
    };
    assert_eq!(lint_batch(&tasks, &options), []);
}

#[test]
fn the_action_schema_yields_valid_tasks() {
    run(
        &brief("Publish the newsletter", 40),
        agent_action_schema(),
        1,
    )
    .unwrap();
}

#[test]
fn schemas_of_real_task_servers_yield_valid_tasks() {
    let schemas = [
        json!({"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}),
        json!({"type": "object", "properties": {"task_name": {"type": "string"}, "payload": {"type": "object"}, "priority": {"type": "integer", "minimum": 1, "maximum": 5}}, "required": ["task_name", "payload"]}),
        json!({"type": "object", "properties": {"title": {"type": "string"}, "description": {"type": "string"}, "agent_id": {"type": "string", "format": "uuid"}}, "required": ["title", "description", "agent_id"], "additionalProperties": false}),
        json!({"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}, "after": {"type": ["string", "null"]}, "name": {"type": "string", "maxLength": 20}}, "required": ["id", "name", "after"]}),
        json!({"type": "object", "properties": {"slug": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"}, "dependencies": {"type": "array", "items": {"type": "string"}, "maxItems": 1}, "summary": {"type": "string"}}, "required": ["slug", "dependencies", "summary"]}),
        json!({"type": "object", "properties": {"action": {"const": "create"}, "data": {"$ref": "#/$defs/Task"}}, "required": ["action", "data"], "$defs": {"Task": {"type": "object", "properties": {"title": {"type": "string"}, "subtasks": {"type": "array", "items": {"$ref": "#/$defs/Task"}}}, "required": ["title"]}}}),
    ];
    for schema in &schemas {
        run(&brief("Plan the team offsite", 30), &schema.to_string(), 9).unwrap();
    }
}

#[test]
fn the_same_brief_and_seed_yield_the_same_tasks() {
    let texts = |goal: &str, seed| -> Vec<String> {
        run(&brief(goal, 5), agent_task_schema(), seed)
            .unwrap()
            .iter()
            .map(|task| task.text().to_owned())
            .collect()
    };
    assert_eq!(texts("Tidy the wiki", 4), texts("Tidy the wiki", 4));
    assert_ne!(texts("Tidy the wiki", 4), texts("Tidy the wiki", 5));
    assert_ne!(texts("Tidy the wiki", 4), texts("Tidy the wikis", 4));
}

#[test]
fn a_smaller_count_yields_a_prefix_of_a_larger_one() {
    let five = run(&brief("Tidy the wiki", 5), agent_task_schema(), 0).unwrap();
    let two = run(&brief("Tidy the wiki", 2), agent_task_schema(), 0).unwrap();
    assert_eq!(five[..2], two[..]);
}

#[test]
fn a_dry_run_ends_after_the_requested_number_of_tasks() {
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let check = Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap();
    let brief = brief("Tidy the wiki", 3);
    let mut run = DryRun::new(&brief, &schema, &check, 0);
    for _ in 0..3 {
        assert!(run.next().unwrap().is_ok());
    }
    assert!(run.next().is_none());
}

#[test]
fn an_unsatisfiable_schema_yields_an_error_and_no_tasks() {
    let cases = [
        (
            json!({"type": "object", "properties": {"a": false}, "required": ["a"]}),
            "dry_run_unsatisfied",
            "/properties/a",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "dry_run_not_an_object",
            "an array",
        ),
        // The first task has no earlier task to depend on.
        (
            json!({"type": "object", "properties": {"key": {"type": "string"}, "depends_on": {"type": "array", "items": {"type": "string"}, "minItems": 1}}, "required": ["key", "depends_on"]}),
            "dry_run_unsatisfied",
            "depends_on",
        ),
        // Two keys for three tasks.
        (
            json!({"type": "object", "properties": {"key": {"type": "string", "pattern": "^[ab]$"}}, "required": ["key"]}),
            "dry_run_unsatisfied",
            "already used",
        ),
    ];
    for (schema, code, part) in &cases {
        let error = run(&brief("Tidy the wiki", 3), &schema.to_string(), 0).unwrap_err();
        assert_eq!(error.code(), *code);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn a_dry_run_ends_after_the_first_error() {
    let schema =
        TaskSchema::parse(r#"{"type":"object","required":["a"],"additionalProperties":false}"#)
            .unwrap();
    let check = Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap();
    let brief = brief("Tidy the wiki", 3);
    assert_eq!(DryRun::new(&brief, &schema, &check, 0).count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_goal_yields_valid_tasks(goal in "\\PC{1,200}", seed in any::<u64>()) {
        let tasks = run(&brief(&goal, 4), agent_task_schema(), seed);
        prop_assert!(tasks.is_ok());
        let _: Value = serde_json::from_str(tasks.unwrap()[0].text()).unwrap();
    }
}

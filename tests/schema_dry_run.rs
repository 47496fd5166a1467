//! A dry run: whole batches from a brief and a seed.
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
    let made = tasks(brief, &schema, &check, seed)?;
    assert_eq!(made.len(), usize::from(brief.count.get()));
    for task in &made {
        assert_eq!(check.check(task), [], "{}", task.text());
    }
    let options = LintOptions {
        roles: schema.roles().clone(),
        expected_count: Some(made.len()),
    };
    let wrong: Vec<_> = lint_batch(&made, &options)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert_eq!(wrong, []);
    Ok(made)
}

#[test]
fn the_default_schema_gives_tasks_that_speak_of_the_goal() {
    let made = run(
        &brief("Write release notes for v2", 2),
        agent_task_schema(),
        0,
    )
    .unwrap();
    for task in &made {
        println!("{}", task.text());
    }
    let title = made[0]
        .root()
        .get("title")
        .unwrap()
        .as_str()
        .unwrap()
        .into_owned();
    assert!(title.starts_with("Draft release notes for v2: "), "{title}");
    let key = made[0]
        .root()
        .get("key")
        .unwrap()
        .as_str()
        .unwrap()
        .into_owned();
    assert!(key.starts_with("draft-release-notes-for-v2-"), "{key}");
}

#[test]
fn five_hundred_tasks_are_valid_unique_and_only_lead_back() {
    let made = run(
        &brief("Move the archive to the new building", 500),
        agent_task_schema(),
        3,
    )
    .unwrap();
    let with_dependencies = made
        .iter()
        .filter(|task| {
            task.root()
                .get("depends_on")
                .is_some_and(|node| !node.is_empty())
        })
        .count();
    assert!(with_dependencies > 100, "{with_dependencies}");
    // Titles are unlike, so that the batch is no example of near-duplicates.
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let options = LintOptions {
        roles: schema.roles().clone(),
        expected_count: None,
    };
    assert_eq!(lint_batch(&made, &options), []);
}

#[test]
fn the_example_schema_of_actions_works_too() {
    run(
        &brief("Publish the newsletter", 40),
        agent_action_schema(),
        1,
    )
    .unwrap();
}

#[test]
fn the_shapes_of_real_task_servers_work() {
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
fn the_same_brief_and_seed_give_the_same_tasks() {
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
fn a_smaller_count_is_the_beginning_of_a_larger_one() {
    let five = run(&brief("Tidy the wiki", 5), agent_task_schema(), 0).unwrap();
    let two = run(&brief("Tidy the wiki", 2), agent_task_schema(), 0).unwrap();
    assert_eq!(five[..2], two[..]);
}

#[test]
fn tasks_come_one_by_one_and_end_with_the_count() {
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
fn a_schema_that_cannot_be_met_is_an_error_and_no_task() {
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
        // The first task has nothing it could depend on.
        (
            json!({"type": "object", "properties": {"key": {"type": "string"}, "depends_on": {"type": "array", "items": {"type": "string"}, "minItems": 1}}, "required": ["key", "depends_on"]}),
            "dry_run_unsatisfied",
            "depends_on",
        ),
        // Two keys for three tasks.
        (
            json!({"type": "object", "properties": {"key": {"type": "string", "pattern": "^[ab]$"}}, "required": ["key"]}),
            "dry_run_unsatisfied",
            "taken",
        ),
    ];
    for (schema, code, says) in &cases {
        let error = run(&brief("Tidy the wiki", 3), &schema.to_string(), 0).unwrap_err();
        assert_eq!(error.code(), *code);
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn after_an_error_a_dry_run_is_over() {
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
    fn any_goal_gives_valid_tasks(goal in "\\PC{1,200}", seed in any::<u64>()) {
        let made = run(&brief(&goal, 4), agent_task_schema(), seed);
        prop_assert!(made.is_ok());
        let _: Value = serde_json::from_str(made.unwrap()[0].text()).unwrap();
    }
}

//! The schema that the model is shown keeps to the strict subset whatever it is derived from, what
//! was left out of it is named, and a task that follows it is what the operator's schema wants
//! where nothing was left out.

use serde_json::Value;
use taskwright::document::Document;
use taskwright::random::SeededRng;
use taskwright::schema::Check;
use taskwright::schema::sample::sample;
use taskwright::schema::strict::{ModelSchema, envelope, model_schema, without_model_nulls};
use taskwright::schema::validator::{Validator, ValidatorOptions};

use super::schema_from_bytes::schema_from_bytes;
use super::strict_rules;

/// So many tasks are made of a derived schema.
const SAMPLES: u64 = 3;

/// Panics where a schema is derived otherwise than that. Bytes that are JSON are the schema; of
/// others one is made.
pub fn holds(bytes: &[u8]) {
    let written = str::from_utf8(bytes).ok().map(Document::parse);
    let schema = match written {
        Some(Ok(document)) => document.root().to_value(),
        _ => schema_from_bytes(bytes),
    };
    match model_schema(&schema) {
        Ok(model) => assert_sound(&schema, &model),
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
}

fn assert_sound(schema: &Value, model: &ModelSchema) {
    let whole = envelope(&model.schema).expect("a derived schema is an object");
    let broken = strict_rules::check(&whole);
    assert!(broken.is_ok(), "{broken:?}: {whole} of {schema}");
    for pointer in &model.nullable {
        let place = model.schema.pointer(pointer);
        assert!(place.is_some(), "{pointer} is not in {whole} of {schema}");
    }
    for relaxation in &model.relaxed {
        let place = schema.pointer(&relaxation.pointer);
        assert!(place.is_some(), "{relaxation:?} is not in {schema}");
        assert!(!relaxation.why.is_empty() && !relaxation.keyword.is_empty());
    }
    // What is no schema can become one that is none either.
    let options = ValidatorOptions::default();
    let Ok(operators) = Validator::compile(schema, &options) else {
        return;
    };
    let validator = Validator::compile(&model.schema, &options);
    let validator = validator.unwrap_or_else(|error| panic!("{error}: {whole} of {schema}"));
    for seed in 0..SAMPLES {
        // Not every schema has instances that can be made; those that are made may miss a rule.
        let Ok(task) = sample(&model.schema, &model.schema, &mut SeededRng::new(seed)) else {
            return;
        };
        let text = task.to_string();
        let task = Document::parse(&text).expect("serde_json writes JSON");
        if validator.check(&task).is_empty() {
            assert_follows(schema, &operators, model, &task);
        }
    }
}

/// A task that keeps to the derived schema keeps to the operator's, where nothing was left out.
fn assert_follows(schema: &Value, operators: &Validator, model: &ModelSchema, task: &Document) {
    let cleaned = without_model_nulls(task, model);
    if !task.text().contains("null") {
        assert_eq!(&cleaned, task);
    }
    if !model.relaxed.is_empty() || is_of_an_older_draft(schema) {
        return;
    }
    let violations = operators.check(&cleaned);
    assert!(
        violations.is_empty(),
        "{violations:?}: {cleaned:?} of {} of {schema}",
        model.schema
    );
}

/// Words mean something else in older drafts; the derivation reads them as the newest does.
fn is_of_an_older_draft(schema: &Value) -> bool {
    schema["$schema"]
        .as_str()
        .is_some_and(|draft| !draft.contains("2020-12"))
}

//! The schema for the model is within the strict subset whatever it is derived from, and lists
//! every relaxed rule. If no rule was relaxed, a task that is valid by it is also valid by the
//! operator's schema.

use serde_json::Value;
use taskwright::document::Document;
use taskwright::random::SeededRng;
use taskwright::schema::Check;
use taskwright::schema::sample::sample;
use taskwright::schema::strict::{ModelSchema, envelope, model_schema, without_model_nulls};
use taskwright::schema::validator::{Validator, ValidatorOptions};

use super::schema_from_bytes::schema_from_bytes;
use super::strict_rules;

/// Number of sample tasks per derived schema.
const SAMPLES: u64 = 3;

/// Panics if this does not hold for a schema. Bytes that are JSON are used as the schema; other
/// bytes select one.
pub fn holds(bytes: &[u8]) {
    let parsed = str::from_utf8(bytes).ok().map(Document::parse);
    let schema = match parsed {
        Some(Ok(document)) => document.root().to_value(),
        _ => schema_from_bytes(bytes),
    };
    match model_schema(&schema) {
        Ok(model) => assert_sound(&schema, &model),
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
}

fn assert_sound(schema: &Value, model: &ModelSchema) {
    let enveloped = envelope(&model.schema).expect("a derived schema is an object");
    let result = strict_rules::check(&enveloped);
    assert!(result.is_ok(), "{result:?}: {enveloped} of {schema}");
    for pointer in &model.nullable {
        let target = model.schema.pointer(pointer);
        assert!(
            target.is_some(),
            "{pointer} is not in {enveloped} of {schema}"
        );
    }
    for relaxation in &model.relaxed {
        let target = schema.pointer(&relaxation.pointer);
        assert!(target.is_some(), "{relaxation:?} is not in {schema}");
        assert!(!relaxation.why.is_empty() && !relaxation.keyword.is_empty());
    }
    // An invalid schema may be derived into another invalid one.
    let options = ValidatorOptions::default();
    let Ok(original) = Validator::compile(schema, &options) else {
        return;
    };
    let validator = Validator::compile(&model.schema, &options);
    let validator = validator.unwrap_or_else(|error| panic!("{error}: {enveloped} of {schema}"));
    for seed in 0..SAMPLES {
        // Not every schema can be sampled, and a sample may violate a rule.
        let Ok(task) = sample(&model.schema, &model.schema, &mut SeededRng::new(seed)) else {
            return;
        };
        let text = task.to_string();
        let task = Document::parse(&text).expect("serde_json writes JSON");
        if validator.check(&task).is_empty() {
            assert_valid_by_original(schema, &original, model, &task);
        }
    }
}

/// If no rule was relaxed, a task that is valid by the derived schema is valid by the operator's.
fn assert_valid_by_original(
    schema: &Value,
    original: &Validator,
    model: &ModelSchema,
    task: &Document,
) {
    let cleaned = without_model_nulls(task, model);
    if !task.text().contains("null") {
        assert_eq!(&cleaned, task);
    }
    if !model.relaxed.is_empty() || is_older_draft(schema) {
        return;
    }
    let violations = original.check(&cleaned);
    assert!(
        violations.is_empty(),
        "{violations:?}: {cleaned:?} of {} of {schema}",
        model.schema
    );
}

/// Whether a schema declares an older draft, in which keywords may mean something else; the
/// derivation reads all schemas as 2020-12.
fn is_older_draft(schema: &Value) -> bool {
    schema["$schema"]
        .as_str()
        .is_some_and(|draft| !draft.contains("2020-12"))
}

//! Whatever is pasted, it is recognised as something, and a schema that results from it can be parsed
//! and accepts the examples that it was guessed from.

use taskwright::document::Document;
use taskwright::paste::{Recognized, recognize};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema};

/// Panics if this does not hold for a text.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let recognized = recognize(&text);
    assert!(recognized.notices().iter().all(|it| it.text.ends_with('.')));
    match recognized {
        Recognized::OpenApi(document) => {
            for operation in document.operations {
                assert_parses(&operation.body.schema);
                if let Some(envelope) = operation.body.envelope {
                    assert_parses(&envelope.schema);
                }
            }
        }
        Recognized::Schema(schema) => {
            if let Some(translated) = schema.translated {
                assert_parses(&translated);
            }
        }
        Recognized::Examples(examples) => {
            if let Ok(example) = Document::parse(&text)
                && example.root().get("tasks").is_none()
                && example.root().members().next().is_some()
                && !example.root().has_duplicate_members()
            {
                assert_accepts(&examples.schema, &example);
            }
        }
        _ => {}
    }
}

fn assert_parses(schema: &str) {
    TaskSchema::parse(schema).expect("a schema is a JSON object");
}

fn assert_accepts(schema: &str, example: &Document) {
    let schema = TaskSchema::parse(schema).expect("a schema is a JSON object");
    let validator = Validator::compile(schema.value(), &ValidatorOptions::default())
        .expect("a guessed schema is valid");
    let violations = validator.check(example);
    assert!(violations.is_empty(), "{violations:?} by {}", schema.text());
}

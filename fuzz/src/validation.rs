//! Validation ends with a result that says what it means, whatever the schema and the document are.

use serde_json::Value;
use taskwright::document::{Document, Kind, Node, quote};
use taskwright::schema::Check;
use taskwright::schema::validator::{MAX_VIOLATIONS, Validator, ValidatorOptions};

use super::schema_from_bytes::{any_schema_from_bytes, document_from_bytes};

/// Documents for a schema that comes without any.
const DOCUMENTS: [&str; 4] = [
    r#"{"a":{"a":[1,"b"]},"b":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
    r#"[[],{"a":null},"ab",2.5]"#,
    r#"{"a":{"b":"aaaa"},"a":{}}"#,
    r#""a""#,
];

/// Panics if this does not hold. Bytes that are a JSON object are a schema, or a case of the official
/// test suite: a schema with its tests. Of other bytes, the first half selects a schema and the second
/// half a document.
pub fn holds(bytes: &[u8]) {
    let parsed = str::from_utf8(bytes).ok().map(Document::parse);
    let (schema, documents) = match parsed {
        Some(Ok(document)) => of_json(&document),
        _ => {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let document = document_from_bytes(second);
            (any_schema_from_bytes(first), vec![document])
        }
    };
    match Validator::compile(&schema, &ValidatorOptions::default()) {
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
        Ok(validator) => {
            for text in documents {
                let document = Document::parse(&text).expect("it is a document");
                assert_sound(&schema, &validator, &document);
            }
        }
    }
}

/// The schema and the documents of a JSON text.
fn of_json(document: &Document) -> (Value, Vec<String>) {
    let root = document.root();
    let tests = root.get("tests").map(|tests| {
        let data = tests.items().filter_map(|test| test.get("data"));
        data.map(|data| data.text().to_owned()).collect()
    });
    match (root.get("schema"), tests) {
        (Some(schema), Some(documents)) => (schema.to_value(), documents),
        _ => {
            let documents = DOCUMENTS.map(str::to_owned);
            (root.to_value(), documents.into())
        }
    }
}

fn assert_sound(schema: &Value, validator: &Validator, document: &Document) {
    let violations = validator.check(document);
    assert!(violations.len() <= MAX_VIOLATIONS);
    assert!(violations.iter().all(|it| !it.message.is_empty()));
    assert_eq!(
        validator.accepts(document.root()),
        violations.is_empty(),
        "{violations:?}: {document:?} of {schema}"
    );
    if document.root().has_duplicate_members() {
        assert!(!violations.is_empty(), "{document:?}");
    }
    // Whitespace between tokens has no meaning.
    let spaced = Document::parse(&spaced(document.root())).expect("it is a document");
    assert_eq!(
        validator.check(&spaced),
        violations,
        "{document:?} of {schema}"
    );
}

/// The text of a value with whitespace around every token.
fn spaced(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Array => {
            let items: Vec<String> = node.items().map(spaced).collect();
            format!(" [ {} ] ", items.join(" , "))
        }
        Kind::Object => {
            let members: Vec<String> = node
                .members()
                .map(|(name, value)| format!("{} : {}", quote(&name), spaced(value)))
                .collect();
            format!(" {{ {} }} ", members.join(" , "))
        }
        _ => node.text().to_owned(),
    }
}

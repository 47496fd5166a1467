//! Exact validation: a compiled JSON Schema, run over the task's text in place.
//!
//! The only user of the jsonschema crate. It reads documents through its `json` traits, so that no
//! tree is built and no number is rounded on the way in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object};
use jsonschema::{JsonType, Retrieve, Uri, ValidationError};
use serde_json::Value;

use super::{Check, SchemaError, Violation};
use crate::document::{Document, Kind, Node};

/// At most so many violations are reported for one task: more help nobody.
pub const MAX_VIOLATIONS: usize = 200;

/// How a schema is compiled.
#[derive(Debug, Clone)]
pub struct ValidatorOptions {
    /// Whether `format` is asserted (`true`, the default) or only an annotation.
    pub assert_formats: bool,
    /// Further schema documents by their absolute address. Nothing else is ever looked up.
    pub resources: BTreeMap<String, Value>,
}

impl Default for ValidatorOptions {
    fn default() -> Self {
        ValidatorOptions {
            assert_formats: true,
            resources: BTreeMap::new(),
        }
    }
}

/// A compiled schema.
pub struct Validator {
    compiled: jsonschema::Validator<InPlace>,
}

impl Validator {
    /// Compiles a JSON Schema: draft 2020-12 unless its `$schema` says otherwise. Nothing is
    /// fetched.
    ///
    /// # Errors
    /// [`SchemaError`] for what is not a schema, and for references that lead out of it.
    pub fn compile(schema: &Value, options: &ValidatorOptions) -> Result<Validator, SchemaError> {
        let compiled = jsonschema::options_for::<InPlace>()
            .should_validate_formats(options.assert_formats)
            .with_retriever(Given(options.resources.clone()))
            .build(schema)
            .map_err(|error| schema_error(&error))?;
        Ok(Validator { compiled })
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Validator")
    }
}

impl Check for Validator {
    fn check(&self, task: &Document) -> Vec<Violation> {
        let repeated = task.duplicate_keys().iter().map(|pointer| Violation {
            instance_path: pointer.clone(),
            schema_path: String::new(),
            keyword: "duplicateKey".to_owned(),
            message: "this name stands twice in the same object".to_owned(),
        });
        let root = Instance::Part(task.root());
        let broken = self
            .compiled
            .iter_errors(root)
            .map(|error| violation(&error));
        repeated.chain(broken).take(MAX_VIOLATIONS).collect()
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    Violation {
        instance_path: error.instance_path().to_string(),
        schema_path: error.schema_path().to_string(),
        keyword: error.kind().keyword().to_owned(),
        // The masked form leaves the value itself out: it stands in the task, and may be long.
        message: error.masked().to_string(),
    }
}

fn schema_error(error: &ValidationError<'_>) -> SchemaError {
    use jsonschema::ReferencingError as Reference;
    if let jsonschema::error::ValidationErrorKind::Referencing(reference) = error.kind() {
        return match reference {
            Reference::Unretrievable { uri, .. } => {
                SchemaError::RemoteReference { uri: uri.clone() }
            }
            Reference::UnknownSpecification { specification } => SchemaError::RemoteReference {
                uri: specification.clone(),
            },
            Reference::PointerToNowhere { pointer } => SchemaError::DanglingReference {
                reference: pointer.clone(),
            },
            Reference::NoSuchAnchor { anchor } | Reference::InvalidAnchor { anchor } => {
                SchemaError::DanglingReference {
                    reference: anchor.clone(),
                }
            }
            other => SchemaError::NotASchema {
                pointer: String::new(),
                reason: other.to_string(),
            },
        };
    }
    SchemaError::NotASchema {
        pointer: error.instance_path().to_string(),
        reason: error.to_string(),
    }
}

/// Finds the resources that were given, and never anything else.
struct Given(BTreeMap<String, Value>);

impl Retrieve for Given {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let address = uri.as_str();
        self.0
            .get(address)
            .or_else(|| self.0.get(address.trim_end_matches('#')))
            .cloned()
            .ok_or_else(|| "it is not part of the schema, and nothing is fetched".into())
    }
}

/// The representation that is validated: spans of a document's text.
struct InPlace;

/// A part of the document, or a member name standing for itself (`propertyNames`).
#[derive(Clone, Copy)]
enum Instance<'a> {
    Part(Node<'a>),
    Name(&'a str),
}

impl Json for InPlace {
    type Node<'a> = Instance<'a>;
    type PreparedKey = String;
    type StringBuffer = String;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut String,
        string: &str,
        f: impl FnOnce(Instance<'_>) -> T,
    ) -> T {
        string.clone_into(buffer);
        f(Instance::Name(buffer))
    }
}

impl<'a> JsonNode<'a, InPlace> for Instance<'a> {
    type Object = Node<'a>;
    type Array = Node<'a>;
    type Number = NumberText<'a>;

    fn as_object(&self) -> Option<Node<'a>> {
        match self {
            Instance::Part(node) if node.kind() == Kind::Object => Some(*node),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Node<'a>> {
        match self {
            Instance::Part(node) if node.kind() == Kind::Array => Some(*node),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Instance::Part(node) => node.as_str(),
            Instance::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<NumberText<'a>> {
        match self {
            Instance::Part(node) if node.kind() == Kind::Number => Some(NumberText(node.text())),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Instance::Part(node) => node.as_bool(),
            Instance::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        match self {
            Instance::Name(_) => JsonType::String,
            Instance::Part(node) => match node.kind() {
                Kind::Null => JsonType::Null,
                Kind::Boolean => JsonType::Boolean,
                Kind::Number => JsonType::Number,
                Kind::String => JsonType::String,
                Kind::Array => JsonType::Array,
                Kind::Object => JsonType::Object,
            },
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Instance::Part(node) => node.to_value(),
            Instance::Name(name) => Value::String((*name).to_owned()),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Instance::Part(node) => Some(NodeIdentity::tagged(
                node.document_address(),
                u32::try_from(node.ordinal()).ok()?,
            )),
            Instance::Name(_) => None,
        }
    }
}

impl<'a> Object<'a, InPlace> for Node<'a> {
    type Node = Instance<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = Box<dyn Iterator<Item = (Cow<'a, str>, Instance<'a>)> + 'a>;

    fn len(&self) -> usize {
        Node::len(self)
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        Node::get(self, key).map(Instance::Part)
    }

    fn members(&self) -> Self::MembersIter {
        Box::new(Node::members(self).map(|(name, value)| (name, Instance::Part(value))))
    }
}

impl<'a> Array<'a, InPlace> for Node<'a> {
    type Node = Instance<'a>;
    type ElementsIter = Box<dyn Iterator<Item = Instance<'a>> + 'a>;

    fn len(&self) -> usize {
        Node::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        Box::new(self.items().map(Instance::Part))
    }
}

/// A number as it is written.
struct NumberText<'a>(&'a str);

impl JsonNumber for NumberText<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(crate::document::nearest_number(self.0))
    }

    fn is_integer(&self) -> bool {
        is_whole(self.0)
    }
}

/// Whether a literal's value is a whole number, by its digits: `1.0` and `1e2` are, `1e-2` is not.
fn is_whole(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => {
            let (mantissa, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            (mantissa, rest.get(1..).unwrap_or_default())
        }
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = whole.trim_start_matches('-').trim_start_matches('0');
    if fraction.is_empty() && digits.is_empty() {
        return true;
    }
    // An exponent beyond 64 bits is far beyond any digits a task can hold.
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    });
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
    if fraction.is_empty() {
        let zeros = length(digits) - length(digits.trim_end_matches('0'));
        exponent >= -zeros
    } else {
        exponent >= length(fraction)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, task: &str) -> Vec<Violation> {
        Validator::compile(schema, &ValidatorOptions::default())
            .unwrap()
            .check(&Document::parse(task).unwrap())
    }

    #[test]
    fn violations_say_where_which_rule_and_what() {
        let schema = json!({"type": "object", "required": ["title"], "additionalProperties": false,
            "properties": {"title": {"type": "string", "maxLength": 3}, "n": {"type": "integer", "maximum": 5},
                "due": {"type": "string", "format": "date"}}});
        let found = check(&schema, r#"{"n": 7, "extra/one": 1, "due": "2026-02-30"}"#);
        let places: Vec<_> = found
            .iter()
            .map(|v| {
                (
                    v.instance_path.as_str(),
                    v.schema_path.as_str(),
                    v.keyword.as_str(),
                )
            })
            .collect();
        assert!(
            places.contains(&("/n", "/properties/n/maximum", "maximum")),
            "{found:?}"
        );
        assert!(places.contains(&("", "/required", "required")), "{found:?}");
        assert!(
            places.contains(&("", "/additionalProperties", "additionalProperties")),
            "{found:?}"
        );
        assert!(
            places.contains(&("/due", "/properties/due/format", "format")),
            "{found:?}"
        );
        assert!(found.iter().all(|v| !v.message.is_empty()));
        assert!(check(&schema, r#"{"title":"abc","n":5}"#).is_empty());
    }

    #[test]
    fn a_name_that_stands_twice_is_a_violation_whatever_the_schema_says() {
        let found = check(&json!({}), r#"{"a":{"b":1,"b":1}}"#);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].instance_path, "/a/b");
        assert_eq!(found[0].keyword, "duplicateKey");
    }

    #[test]
    fn numbers_are_judged_by_their_digits() {
        let integer = json!({"type": "integer"});
        for (text, whole) in [
            ("1", true),
            ("1.0", true),
            ("1e2", true),
            ("10e-1", true),
            ("1.50e1", true),
            ("1.5e1", true),
            ("98765432109876543210", true),
            ("1.5", false),
            ("1e-2", false),
            ("0.0", true),
            ("0e-9", true),
            ("-0", true),
            ("1e400", true),
            ("12e-400", false),
            ("1.25e1", false),
        ] {
            assert_eq!(check(&integer, text).is_empty(), whole, "{text}");
        }
        let schema = json!({"minimum": 98_765_432_109_876_543_000.0});
        assert!(check(&schema, "98765432109876543210").is_empty());
        assert!(check(&json!({"enum": [1.0]}), "1").is_empty());
        assert!(check(&json!({"uniqueItems": true}), "[1, 1.0]").len() == 1);
    }

    #[test]
    fn what_is_not_a_schema_is_refused_with_its_place() {
        let compile =
            |schema: Value| Validator::compile(&schema, &ValidatorOptions::default()).unwrap_err();
        assert_eq!(compile(json!({"type": 7})).code(), "schema_invalid");
        assert_eq!(
            compile(json!({"properties": {"a": {"pattern": "("}}})).code(),
            "schema_invalid"
        );
        assert_eq!(
            compile(json!({"$ref": "https://example.com/a.json"})),
            SchemaError::RemoteReference {
                uri: "https://example.com/a.json".into()
            }
        );
        assert_eq!(
            compile(json!({"$schema": "https://example.com/draft"})).code(),
            "schema_remote_reference"
        );
        assert_eq!(
            compile(json!({"$ref": "#/$defs/none"})).code(),
            "schema_dangling_reference"
        );
        assert_eq!(
            compile(json!({"$ref": "#none"})).code(),
            "schema_dangling_reference"
        );
    }

    #[test]
    fn given_resources_are_found_and_formats_can_be_annotations() {
        let schema = json!({"$ref": "https://example.com/a.json"});
        let options = ValidatorOptions {
            assert_formats: false,
            resources: [(
                "https://example.com/a.json".to_owned(),
                json!({"type": "string", "format": "date"}),
            )]
            .into(),
        };
        let validator = Validator::compile(&schema, &options).unwrap();
        assert!(
            validator
                .check(&Document::parse("\"no date\"").unwrap())
                .is_empty()
        );
        assert_eq!(validator.check(&Document::parse("1").unwrap()).len(), 1);
    }

    #[test]
    fn member_names_are_checked_as_they_are_meant() {
        let schema =
            json!({"propertyNames": {"maxLength": 1}, "properties": {"é": {"type": "null"}}});
        assert!(check(&schema, r#"{"\u00e9": null}"#).is_empty());
        assert_eq!(check(&schema, r#"{"\u00e9": 1}"#).len(), 1);
        assert_eq!(check(&schema, r#"{"ab": 1}"#).len(), 1);
    }
}

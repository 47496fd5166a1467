//! Exact validation of a task's text in place against a compiled JSON Schema.
//!
//! The only user of the jsonschema crate, which reads documents through its `json` traits: no tree
//! is built and no number is rounded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object, unique};
use jsonschema::{JsonType, Retrieve, Uri, ValidationError};
use serde_json::Value;

use super::{Check, SchemaError, Violation};
use crate::document::{Document, Items, Kind, Members, Node};

/// Maximum number of violations reported for one task.
pub const MAX_VIOLATIONS: usize = 200;

/// Options for compiling a schema.
#[derive(Debug, Clone)]
pub struct ValidatorOptions {
    /// Whether `format` is an assertion (`true`, the default) or only an annotation.
    pub assert_formats: bool,
    /// Other schema documents by absolute URI. No other documents are ever retrieved.
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
    /// Compiles a JSON Schema: draft 2020-12 unless `$schema` names another one. Nothing is fetched.
    ///
    /// # Errors
    /// [`SchemaError`] if it is not a valid schema, or a reference cannot be resolved.
    pub fn compile(schema: &Value, options: &ValidatorOptions) -> Result<Validator, SchemaError> {
        let compiled = jsonschema::options_for::<InPlace>()
            .should_validate_formats(options.assert_formats)
            .with_retriever(Resources(options.resources.clone()))
            .build(schema)
            .map_err(|error| schema_error(&error))?;
        Ok(Validator { compiled })
    }

    /// Whether [`Check::check`] would find no violation. Faster than collecting violations, and most
    /// tasks are valid.
    #[must_use]
    pub fn accepts(&self, task: Node<'_>) -> bool {
        !task.has_duplicate_members() && self.follows_schema(task)
    }

    fn follows_schema(&self, task: Node<'_>) -> bool {
        self.compiled.is_valid(Instance::Value(task))
    }

    /// Like [`Check::check`], for a value that is not part of a [`Document`].
    #[must_use]
    pub fn violations(&self, task: Node<'_>) -> Vec<Violation> {
        if self.accepts(task) {
            return Vec::new();
        }
        let duplicates = task
            .duplicate_members()
            .into_iter()
            .map(|pointer| Violation {
                instance_path: pointer,
                schema_path: String::new(),
                keyword: "duplicateMember".to_owned(),
                message: "the object has another member with this name".to_owned(),
            });
        let errors = self
            .compiled
            .iter_errors(Instance::Value(task))
            .map(|error| violation(&error));
        duplicates.chain(errors).take(MAX_VIOLATIONS).collect()
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Validator")
    }
}

impl Check for Validator {
    fn check(&self, task: &Document) -> Vec<Violation> {
        self.violations(task.root())
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    Violation {
        instance_path: error.instance_path().to_string(),
        schema_path: error.schema_path().to_string(),
        keyword: error.kind().keyword().to_owned(),
        // The masked form omits the value, which is in the task and may be long.
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

/// Retrieves the given resources, and nothing else.
struct Resources(BTreeMap<String, Value>);

impl Retrieve for Resources {
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

/// The JSON representation to validate: spans of a document's text.
struct InPlace;

/// A value of the document, or a member name validated as a string (`propertyNames`).
#[derive(Clone, Copy)]
enum Instance<'a> {
    Value(Node<'a>),
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
            Instance::Value(node) if node.kind() == Kind::Object => Some(*node),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Node<'a>> {
        match self {
            Instance::Value(node) if node.kind() == Kind::Array => Some(*node),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Instance::Value(node) => node.as_str(),
            Instance::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<NumberText<'a>> {
        match self {
            Instance::Value(node) if node.kind() == Kind::Number => Some(NumberText(node.text())),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Instance::Value(node) => node.as_bool(),
            Instance::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn is_number(&self) -> bool {
        self.json_type() == JsonType::Number
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        match self {
            Instance::Value(node) => node.characters_within(min, max),
            Instance::Name(name) => {
                let length = name.chars().count() as u64;
                Some((min..=max).contains(&length))
            }
        }
    }

    fn json_type(&self) -> JsonType {
        match self {
            Instance::Name(_) => JsonType::String,
            Instance::Value(node) => match node.kind() {
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
            Instance::Value(node) => node.to_value(),
            Instance::Name(name) => Value::String((*name).to_owned()),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Instance::Value(node) => Some(NodeIdentity::tagged(
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
    type MembersIter =
        std::iter::Map<Members<'a>, fn((Cow<'a, str>, Node<'a>)) -> (Cow<'a, str>, Instance<'a>)>;

    fn len(&self) -> usize {
        Node::len(self)
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        Node::get(self, key).map(Instance::Value)
    }

    fn members(&self) -> Self::MembersIter {
        Node::members(self).map(|(name, value)| (name, Instance::Value(value)))
    }
}

impl<'a> Array<'a, InPlace> for Node<'a> {
    type Node = Instance<'a>;
    type ElementsIter = std::iter::Map<Items<'a>, fn(Node<'a>) -> Instance<'a>>;

    fn len(&self) -> usize {
        Node::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.items().map(Instance::Value)
    }

    fn is_unique(&self) -> bool {
        /// Up to this many strings are compared pairwise.
        const FEW: usize = 16;
        let texts = || self.items().map_while(|item| item.as_str());
        if Node::len(self) <= FEW && texts().count() == Node::len(self) {
            let is_repeated = |(index, text)| texts().take(index).any(|earlier| earlier == text);
            return !texts().enumerate().any(is_repeated);
        }
        let values: Vec<Value> = self.items().map(|item| item.to_value()).collect();
        unique::is_unique(&values)
    }
}

/// A number literal.
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
        is_integer_literal(self.0)
    }
}

/// Whether the value of a number literal is an integer, judged by its digits: `1.0` and `1e2` are,
/// `1e-2` is not.
fn is_integer_literal(text: &str) -> bool {
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
    // An exponent beyond 64 bits exceeds the number of digits that a task can contain.
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
    fn a_violation_has_an_instance_path_a_schema_path_and_a_keyword() {
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
    fn a_duplicate_member_is_a_violation_under_any_schema() {
        let found = check(&json!({}), r#"{"a":{"b":1,"b":1}}"#);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].instance_path, "/a/b");
        assert_eq!(found[0].keyword, "duplicateMember");
    }

    #[test]
    fn numbers_are_validated_by_their_digits() {
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
    fn an_invalid_schema_is_refused_with_a_code() {
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
    fn resources_are_resolved_and_formats_can_be_annotations() {
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
    fn member_names_are_decoded_before_validation() {
        let schema =
            json!({"propertyNames": {"maxLength": 1}, "properties": {"é": {"type": "null"}}});
        assert!(check(&schema, r#"{"\u00e9": null}"#).is_empty());
        assert_eq!(check(&schema, r#"{"\u00e9": 1}"#).len(), 1);
        assert_eq!(check(&schema, r#"{"ab": 1}"#).len(), 1);
    }

    #[test]
    fn strings_are_decoded_before_lengths_and_uniqueness_are_checked() {
        for (schema, task, valid) in [
            (json!({"minLength": 2, "maxLength": 2}), r#""ab""#, true),
            (json!({"minLength": 2, "maxLength": 2}), r#""é🦀""#, true),
            (
                json!({"minLength": 2, "maxLength": 2}),
                r#""\u00e9\ud83e\udd80""#,
                true,
            ),
            (json!({"minLength": 2}), r#""\ud83e\udd80""#, false),
            (json!({"minLength": 2}), r#""🦀""#, false),
            (json!({"maxLength": 1}), r#""\ud83e\udd80""#, true),
            (json!({"maxLength": 0}), r#""""#, true),
            (json!({"maxLength": 3}), "1234", true),
            (json!({"uniqueItems": true}), r#"["a","b",""]"#, true),
            (json!({"uniqueItems": true}), r#"["a","\u0061"]"#, false),
            (json!({"uniqueItems": true}), r#"["1",1]"#, true),
            (
                json!({"uniqueItems": true}),
                r#"["a",{"a":1},{"a":1.0}]"#,
                false,
            ),
            (json!({"uniqueItems": true}), "[]", true),
        ] {
            assert_eq!(check(&schema, task).is_empty(), valid, "{schema} {task}");
        }
        let many: Vec<String> = (0..40).map(|index| index.to_string()).collect();
        let task = |items: &[String]| serde_json::to_string(items).unwrap();
        let unique = json!({"uniqueItems": true});
        assert!(check(&unique, &task(&many)).is_empty());
        assert_eq!(
            check(&unique, &task(&[&many[..], &many[7..8]].concat())).len(),
            1
        );
    }

    // proptest is a dependency of the native tests only.
    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;
        use crate::document::Reader;

        fn text() -> impl Strategy<Value = String> {
            prop_oneof![
                prop::sample::select(vec!["", "a", "b", "ab", "2026-02-28", "2026-02-30", "é🦀"])
                    .prop_map(str::to_owned),
                "[a-c\\n\"é🦀-]{0,6}",
            ]
        }

        fn name() -> impl Strategy<Value = String> {
            prop::sample::select(vec!["a", "b", "c", "é"]).prop_map(str::to_owned)
        }

        fn instance() -> impl Strategy<Value = Value> {
            let leaf = prop_oneof![
                Just(Value::Null),
                any::<bool>().prop_map(Value::from),
                (-3_i64..9).prop_map(Value::from),
                (-3.0..9.0).prop_map(Value::from),
                text().prop_map(Value::from),
            ];
            leaf.prop_recursive(3, 24, 5, |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                    prop::collection::vec(text(), 0..20).prop_map(Value::from),
                    prop::collection::vec((name(), inner), 0..5)
                        .prop_map(|members| Value::Object(members.into_iter().collect())),
                ]
            })
        }

        fn schema() -> impl Strategy<Value = Value> {
            let kind = prop::sample::select(vec![
                "string", "object", "array", "integer", "number", "boolean", "null",
            ]);
            let leaf = prop_oneof![
                kind.prop_map(|kind| json!({"type": kind})),
                (0_u64..5, 0_u64..8).prop_map(|(min, max)| {
                    json!({"type": "string", "minLength": min, "maxLength": max})
                }),
                prop::sample::select(vec!["^[a-c]+(-[a-c]+)*$", "^a", "b", "^(a|b)$", "^\\S*$"])
                    .prop_map(|pattern| json!({"pattern": pattern})),
                prop::collection::vec(instance(), 1..4).prop_map(|list| json!({"enum": list})),
                prop::collection::vec(text(), 1..4).prop_map(|list| json!({"enum": list})),
                instance().prop_map(|value| json!({"const": value})),
                Just(json!({"format": "date"})),
                (-2_i64..5, 0_i64..9).prop_map(|(min, max)| {
                    json!({"minimum": min, "exclusiveMaximum": max, "multipleOf": 0.5})
                }),
                Just(json!({"propertyNames": {"maxLength": 1, "pattern": "[a-c]"}})),
                Just(json!(true)),
                Just(json!(false)),
            ];
            leaf.prop_recursive(3, 24, 4, |inner| {
                let members = prop::collection::vec((name(), inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect()));
                prop_oneof![
                    (members, prop::collection::vec(name(), 0..3), any::<bool>()).prop_map(
                        |(members, mut required, closed)| {
                            required.sort();
                            required.dedup();
                            let mut schema = json!({"type": "object", "properties": members,
                                "required": required});
                            if closed {
                                schema["additionalProperties"] = json!(false);
                            }
                            schema
                        }
                    ),
                    (inner.clone(), 0_u64..3, any::<bool>()).prop_map(|(items, min, unique)| {
                        json!({"type": "array", "items": items, "minItems": min, "maxItems": 9,
                            "uniqueItems": unique})
                    }),
                    prop::collection::vec(inner.clone(), 1..3)
                        .prop_map(|list| json!({"anyOf": list})),
                    prop::collection::vec(inner.clone(), 1..3)
                        .prop_map(|list| json!({"oneOf": list})),
                    inner.prop_map(|inner| json!({"not": inner})),
                ]
            })
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(1500))]
            #[test]
            fn validation_in_place_agrees_with_validation_of_the_parsed_value(
                schema in schema(),
                instances in prop::collection::vec(instance(), 1..6),
            ) {
                let validator = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
                let reference = jsonschema::options()
                    .should_validate_formats(true)
                    .build(&schema)
                    .unwrap();
                let mut reader = Reader::default();
                for instance in &instances {
                    let text = instance.to_string();
                    let expected = reference.is_valid(instance);
                    let found = validator.check(&Document::parse(&text).unwrap());
                    prop_assert_eq!(found.is_empty(), expected, "{} {}", &schema, &text);
                    let accepted = validator.accepts(reader.read(&text).unwrap());
                    prop_assert_eq!(accepted, expected, "{} {}", &schema, &text);
                    prop_assert_eq!(reference.iter_errors(instance).count() == 0, expected);
                }
            }
        }
    }
}

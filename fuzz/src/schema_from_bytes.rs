//! Generates a JSON Schema from any bytes: each byte is a choice. Mutated bytes reach schemas that
//! mutations of a schema's text hardly ever do.

use serde_json::{Map, Value, json};

/// Maximum nesting of schemas.
const MAX_DEPTH: u32 = 6;

const NAMES: [&str; 6] = ["a", "b", "c", "tasks", "ä/~", ""];
const TYPES: [&str; 7] = [
    "object", "string", "array", "integer", "number", "boolean", "null",
];
const REFERENCES: [&str; 10] = [
    "#/$defs/a",
    "#/$defs/b",
    "#/$defs/c",
    "#",
    "#/properties/a",
    "#/$defs/a/properties/b",
    "#/items",
    "#a",
    "https://example.org/s",
    "#/nowhere",
];
const PATTERNS: [&str; 7] = ["^a", "[a-z]+$", "^(a|b)c*$", "(?!a)", "\\d{2}", "(", "^$"];
const FORMATS: [&str; 6] = ["date", "uuid", "uri", "email", "date-time", "x"];

/// Patterns that are matched by backtracking.
const BACKTRACKING_PATTERNS: [&str; 4] = ["(a|a)*\\1b", "^(?=(a+)+b)(\\1)?$", "(?<=a)b", "^(?!a)"];
/// Strings of documents, as JSON.
const STRINGS: [&str; 8] = [
    r#""a""#,
    r#""b""#,
    r#""""#,
    r#""\u0061b""#,
    r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
    r#""2026-02-30""#,
    r#""ä/~""#,
    r#""tasks""#,
];
/// Numbers of documents.
const NUMBERS: [&str; 6] = ["0", "1", "2.5", "-3", "1e400", "98765432109876543210"];

/// Number of keywords that [`schema_from_bytes`] chooses from.
const KEYWORDS: usize = 40;
/// The same for [`any_schema_from_bytes`].
const ALL_KEYWORDS: usize = 50;

/// The schema that the bytes select.
pub fn schema_from_bytes(bytes: &[u8]) -> Value {
    Chooser {
        bytes,
        keywords: KEYWORDS,
    }
    .schema(0)
}

/// Like [`schema_from_bytes`], also with keywords that the model's schema never keeps, and with more
/// ways to recur.
pub fn any_schema_from_bytes(bytes: &[u8]) -> Value {
    Chooser {
        bytes,
        keywords: ALL_KEYWORDS,
    }
    .schema(0)
}

/// The text of the JSON document that the bytes select.
pub fn document_from_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    Chooser {
        bytes,
        keywords: KEYWORDS,
    }
    .document(0, &mut text);
    text
}

struct Chooser<'a> {
    bytes: &'a [u8],
    keywords: usize,
}

impl Chooser<'_> {
    /// The next choice out of `count`; 0 if there are no bytes left.
    fn choose(&mut self, count: usize) -> usize {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                usize::from(*byte) % count
            }
            None => 0,
        }
    }

    fn one_of(&mut self, options: &[&str]) -> Value {
        Value::from(options[self.choose(options.len())])
    }

    fn schema(&mut self, depth: u32) -> Value {
        if depth > MAX_DEPTH || self.bytes.is_empty() {
            return json!({"type": "string"});
        }
        let mut schema = Map::new();
        match self.choose(12) {
            0 => return Value::Bool(true),
            1 => return Value::Bool(false),
            2 => {
                schema.insert("$ref".into(), self.one_of(&REFERENCES));
                if self.choose(2) == 0 {
                    return Value::Object(schema);
                }
            }
            3 => {
                let types = self.choose(8);
                schema.insert("type".into(), self.types(types));
            }
            // The most common case.
            _ => {
                let index = if depth == 0 {
                    0
                } else {
                    self.choose(TYPES.len())
                };
                schema.insert("type".into(), TYPES[index].into());
            }
        }
        for _ in 0..self.choose(5) {
            self.keyword(&mut schema, depth + 1);
        }
        Value::Object(schema)
    }

    fn types(&mut self, count: usize) -> Value {
        (0..count).map(|_| self.one_of(&TYPES)).collect()
    }

    fn schemas(&mut self, depth: u32) -> Value {
        (0..self.choose(4)).map(|_| self.schema(depth)).collect()
    }

    fn named(&mut self, depth: u32) -> Value {
        let count = self.choose(4);
        let named = (0..count).map(|_| {
            (
                NAMES[self.choose(NAMES.len())].to_owned(),
                self.schema(depth),
            )
        });
        Value::Object(named.collect())
    }

    fn names(&mut self) -> Value {
        (0..self.choose(4)).map(|_| self.one_of(&NAMES)).collect()
    }

    fn number(&mut self) -> Value {
        let all = [
            json!(0),
            json!(1),
            json!(2.5),
            json!(-3),
            json!(1e300),
            json!(7),
            json!(0.1),
        ];
        all[self.choose(all.len())].clone()
    }

    fn value(&mut self) -> Value {
        match self.choose(7) {
            0 => Value::Null,
            1 => self.number(),
            2 => json!({"a": self.number(), "b": null}),
            3 => json!([self.number()]),
            4 => Value::Bool(true),
            _ => self.one_of(&NAMES),
        }
    }

    fn keyword(&mut self, schema: &mut Map<String, Value>, depth: u32) {
        let (name, value) = match self.choose(self.keywords) {
            0..=5 => ("properties", self.named(depth)),
            6..=8 => ("required", self.names()),
            9 | 10 => ("additionalProperties", self.schema(depth)),
            11 => ("patternProperties", json!({"^a": self.schema(depth)})),
            12 | 13 => ("items", self.schema(depth)),
            14 => ("prefixItems", self.schemas(depth)),
            15 | 16 => ("anyOf", self.schemas(depth)),
            17 | 18 => ("allOf", self.schemas(depth)),
            19 => ("oneOf", self.schemas(depth)),
            20 => ("not", self.schema(depth)),
            21 => ("if", self.schema(depth)),
            22 => ("then", self.schema(depth)),
            23 => ("dependentRequired", json!({"a": self.names()})),
            24 => ("enum", (0..self.choose(4)).map(|_| self.value()).collect()),
            25 => ("const", self.value()),
            26 => ("minimum", self.number()),
            27 => ("exclusiveMaximum", self.number()),
            28 => ("multipleOf", self.number()),
            29 => ("minItems", self.number()),
            30 => ("maxItems", self.number()),
            31 => ("minLength", self.number()),
            32 => ("pattern", self.one_of(&PATTERNS)),
            33 => ("format", self.one_of(&FORMATS)),
            34 => ("description", self.value()),
            35 => ("propertyNames", self.schema(depth)),
            36 => ("minProperties", self.number()),
            37 => ("unevaluatedProperties", self.schema(depth)),
            38 => ("$defs", self.named(depth)),
            40 => ("pattern", self.one_of(&BACKTRACKING_PATTERNS)),
            41 => ("contains", self.schema(depth)),
            42 => ("else", self.schema(depth)),
            43 => ("dependentSchemas", self.named(depth)),
            44 => ("unevaluatedItems", self.schema(depth)),
            45 => ("uniqueItems", Value::Bool(true)),
            46 => ("$dynamicAnchor", self.one_of(&NAMES[..3])),
            47 => ("$dynamicRef", self.one_of(&REFERENCES)),
            48 => ("$ref", self.one_of(&REFERENCES)),
            49 => {
                let pattern = BACKTRACKING_PATTERNS[self.choose(BACKTRACKING_PATTERNS.len())];
                ("patternProperties", json!({pattern: self.schema(depth)}))
            }
            _ => ("maxLength", self.number()),
        };
        schema.insert(name.into(), value);
    }

    fn document(&mut self, depth: u32, text: &mut String) {
        let kinds = if depth > MAX_DEPTH { 4 } else { 7 };
        match self.choose(kinds) {
            0 => text.push_str("null"),
            1 => text.push_str("true"),
            2 => text.push_str(NUMBERS[self.choose(NUMBERS.len())]),
            3 => text.push_str(STRINGS[self.choose(STRINGS.len())]),
            4 => {
                text.push('[');
                for index in 0..self.choose(5) {
                    if index > 0 {
                        text.push(',');
                    }
                    self.document(depth + 1, text);
                }
                text.push(']');
            }
            _ => {
                text.push('{');
                for index in 0..self.choose(5) {
                    if index > 0 {
                        text.push(',');
                    }
                    text.push_str(STRINGS[self.choose(STRINGS.len())]);
                    text.push(':');
                    self.document(depth + 1, text);
                }
                text.push('}');
            }
        }
    }
}

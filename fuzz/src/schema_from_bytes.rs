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

/// The schema that the bytes select.
pub fn schema_from_bytes(bytes: &[u8]) -> Value {
    Chooser { bytes }.schema(0)
}

struct Chooser<'a> {
    bytes: &'a [u8],
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
        let (name, value) = match self.choose(40) {
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
            _ => ("maxLength", self.number()),
        };
        schema.insert(name.into(), value);
    }
}

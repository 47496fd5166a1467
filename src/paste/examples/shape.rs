//! What was observed of the values at one place of the examples, and the schema for them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::body::REPLACEMENT;
use super::super::notice::Notices;
use super::format::{FORMATS, has_format};
use crate::text::listed;

/// Levels of nested values that the schema describes. Below them it allows anything.
const MAX_DEPTH: usize = 24;
/// Maximum number of different members of one object that the schema describes.
const MAX_MEMBERS: usize = 500;
/// Maximum number of different values of an `enum`.
const MAX_ENUM: usize = 12;
/// From how many values on repeats are taken for an `enum`.
const MIN_REPEATS: usize = 4;
/// Maximum length of a value of an `enum`, in bytes.
const MAX_ENUM_BYTES: usize = 40;

/// The values at one place.
#[derive(Default)]
pub(super) struct Observed {
    has_null: bool,
    has_boolean: bool,
    has_integer: bool,
    has_fraction: bool,
    texts: Option<Texts>,
    items: Option<Box<Observed>>,
    object: Option<Members>,
    /// Whether a value was nested too deep to be described.
    is_too_deep: bool,
}

/// The texts at one place.
struct Texts {
    count: usize,
    /// How often each text occurred. `None` if there are too many.
    values: Option<BTreeMap<String, usize>>,
    /// The formats that every text has.
    formats: Vec<&'static str>,
}

/// The objects at one place.
#[derive(Default)]
struct Members {
    count: usize,
    /// The members in the order of their first occurrence: where each is in `observed`.
    places: BTreeMap<String, usize>,
    observed: Vec<Member>,
    has_too_many: bool,
}

struct Member {
    name: String,
    count: usize,
    values: Observed,
}

impl Observed {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            self.is_too_deep = true;
            return;
        }
        match value {
            Value::Null => self.has_null = true,
            Value::Bool(_) => self.has_boolean = true,
            Value::Number(number) if number.is_f64() => self.has_fraction = true,
            Value::Number(_) => self.has_integer = true,
            Value::String(text) => self.texts.get_or_insert_with(Texts::new).add(text),
            Value::Array(items) => {
                let observed = self.items.get_or_insert_default();
                for item in items {
                    observed.add(item, depth + 1);
                }
            }
            Value::Object(members) => {
                let object = self.object.get_or_insert_default();
                object.count += 1;
                for (name, value) in members {
                    object.add(name, value, depth + 1);
                }
            }
        }
    }

    /// The schema for the values. Each is valid by it.
    pub(super) fn schema(&self, notices: &mut Notices) -> Value {
        let mut guesses = Guesses::default();
        let schema = self.describe("", &mut guesses);
        guesses.report(notices);
        schema
    }

    fn describe(&self, name: &str, guesses: &mut Guesses) -> Value {
        if self.is_too_deep {
            guesses.deep.add(name);
            return json!({});
        }
        let mut types = Vec::new();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), Value::Null);
        if let Some(object) = &self.object {
            types.push("object");
            object.describe(&mut schema, name, guesses);
        }
        if let Some(items) = &self.items {
            types.push("array");
            schema.insert("items".to_owned(), items.describe(name, guesses));
        }
        if let Some(texts) = &self.texts {
            types.push("string");
            let is_only_type = !self.has_boolean
                && !self.has_integer
                && !self.has_fraction
                && self.items.is_none()
                && self.object.is_none();
            texts.describe(&mut schema, name, is_only_type, self.has_null, guesses);
        }
        if self.has_fraction {
            types.push("number");
        } else if self.has_integer {
            types.push("integer");
        }
        if self.has_boolean {
            types.push("boolean");
        }
        if self.has_null {
            if types.is_empty() {
                // Nothing is known about a value that is always null.
                guesses.unknown.add(name);
                return json!({});
            }
            types.push("null");
            guesses.nullable.add(name);
        }
        match types.as_slice() {
            // An empty array.
            [] => {
                guesses.unknown.add(name);
                return json!({});
            }
            [one] => schema.insert("type".to_owned(), json!(one)),
            several => schema.insert("type".to_owned(), json!(several)),
        };
        Value::Object(schema)
    }
}

impl Texts {
    fn new() -> Texts {
        Texts {
            count: 0,
            values: Some(BTreeMap::new()),
            formats: FORMATS.to_vec(),
        }
    }

    fn add(&mut self, text: &str) {
        self.count += 1;
        if text == REPLACEMENT {
            // Nothing is known about a secret.
            self.formats.clear();
            self.values = None;
            return;
        }
        self.formats.retain(|format| has_format(text, format));
        let Some(values) = &mut self.values else {
            return;
        };
        if text.len() > MAX_ENUM_BYTES {
            self.values = None;
            return;
        }
        *values.entry(text.to_owned()).or_default() += 1;
        if values.len() > MAX_ENUM {
            self.values = None;
        }
    }

    fn describe(
        &self,
        schema: &mut Map<String, Value>,
        name: &str,
        is_only_type: bool,
        has_null: bool,
        guesses: &mut Guesses,
    ) {
        if let Some(format) = self.formats.first() {
            schema.insert("format".to_owned(), json!(format));
            guesses.formats.add(name);
            return;
        }
        // One value everywhere may be a coincidence, and so may a single repeat.
        let Some(values) = self.values.as_ref().filter(|values| {
            is_only_type
                && values.len() >= 2
                && self.count >= MIN_REPEATS
                && values.len() * 2 <= self.count
                && values.values().all(|count| *count >= 2)
        }) else {
            return;
        };
        let mut allowed: Vec<Value> = values.keys().map(|text| json!(text)).collect();
        if has_null {
            allowed.push(Value::Null);
        }
        schema.insert("enum".to_owned(), Value::Array(allowed));
        guesses.enums.add(name);
    }
}

impl Members {
    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None if self.observed.len() >= MAX_MEMBERS => {
                self.has_too_many = true;
                return;
            }
            None => {
                self.places.insert(name.to_owned(), self.observed.len());
                self.observed.push(Member {
                    name: name.to_owned(),
                    count: 0,
                    values: Observed::default(),
                });
                self.observed.len() - 1
            }
        };
        if let Some(member) = self.observed.get_mut(place) {
            member.count += 1;
            member.values.add(value, depth);
        }
    }

    fn describe(&self, schema: &mut Map<String, Value>, name: &str, guesses: &mut Guesses) {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for member in &self.observed {
            properties.insert(
                member.name.clone(),
                member.values.describe(&member.name, guesses),
            );
            if member.count >= self.count {
                required.push(json!(member.name));
            } else {
                guesses.optional.add(&member.name);
            }
        }
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), Value::Array(required));
        if self.has_too_many {
            guesses.open.add(name);
        } else {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}

/// The members that a guess was made about.
#[derive(Default)]
struct Names(Vec<String>);

/// Maximum number of members that a notice names.
const MAX_NAMES: usize = 8;

impl Names {
    fn add(&mut self, name: &str) {
        let name = match name {
            "" => "the task".to_owned(),
            name => crate::text::truncate_chars(name, 40),
        };
        if self.0.len() <= MAX_NAMES && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    fn listed(mut self) -> Option<String> {
        if self.0.len() > MAX_NAMES {
            self.0.truncate(MAX_NAMES);
            self.0.push("others".to_owned());
        }
        (!self.0.is_empty()).then(|| listed(&self.0))
    }
}

/// What was guessed.
#[derive(Default)]
struct Guesses {
    formats: Names,
    enums: Names,
    optional: Names,
    nullable: Names,
    unknown: Names,
    deep: Names,
    open: Names,
}

impl Guesses {
    fn report(self, notices: &mut Notices) {
        let mut say = |names: Names, what: &str| {
            if let Some(names) = names.listed() {
                notices.recognized(format!("{what}: {names}."));
            }
        };
        say(self.optional, "Not in every example, so not required");
        say(
            self.enums,
            "Limited to the values in the examples, because they repeat",
        );
        say(self.formats, "With a format, because every value has it");
        say(self.nullable, "May be null, because an example is");
        say(
            self.unknown,
            "Allows any value, because the examples show none",
        );
        say(self.deep, "Allows any value, because it is nested too deep");
        say(
            self.open,
            "Allows further members, because there are very many",
        );
    }
}

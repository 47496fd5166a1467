//! What a task schema says about one value of a task, for showing and editing the value.
//!
//! Unlike the validator, this module judges nothing: it follows `$ref`, `allOf`, `anyOf` and `oneOf`
//! to the subschemas that describe a value. If a schema offers alternatives, those that the value
//! looks like are used, or all of them if it looks like none. What cannot be followed describes
//! nothing, and the value is then shown as it is.

use std::cell::Cell;

use serde_json::Value;

use super::conjunction::{Located, Subschema, Types, enumeration, expand, member, required, types};
use crate::document::{Kind, Node};

/// How many times one [`Guidebook`] expands a list of subschemas. Values after that have no guide.
const MAX_EXPANSIONS: usize = 4_000;
/// How many alternatives of one choice are considered.
const MAX_ALTERNATIVES: usize = 64;
/// How deep choices may be nested in choices for the same value.
const MAX_CHOICE_DEPTH: usize = 4;
/// How many members of an object are compared with each alternative.
const MAX_COMPARED_MEMBERS: usize = 200;

/// The value that an alternative of the type `null` allows.
static NULL: Value = Value::Null;

/// Finds the guides for the values of one task.
pub(crate) struct Guidebook<'s> {
    schema: &'s Value,
    expansions_left: Cell<usize>,
}

/// What the schema says about one value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guide<'s> {
    /// The title that the schema has for this place, and not for all values of a kind.
    title: Option<&'s str>,
    /// The subschemas that apply in any case.
    always: Vec<Subschema<'s>>,
    /// The alternatives that the value looks like. Each is a list of subschemas.
    alternatives: Vec<Vec<Subschema<'s>>>,
    options: Option<Vec<&'s Value>>,
}

/// Subschemas of which all apply.
type Conjunction<'s> = Vec<Located<'s>>;

impl<'s> Guidebook<'s> {
    /// The guidebook of a schema.
    pub(crate) fn new(schema: &'s Value) -> Guidebook<'s> {
        Guidebook {
            schema,
            expansions_left: Cell::new(MAX_EXPANSIONS),
        }
    }

    /// The guide for the task itself.
    pub(crate) fn root(&self, task: Node<'_>) -> Guide<'s> {
        self.guide(vec![Located::root(self.schema)], Vec::new(), task, 0)
    }

    /// The guide for the member `name` of an object.
    pub(crate) fn member(&self, object: &Guide<'s>, name: &str, value: Node<'_>) -> Guide<'s> {
        self.part_of(object, value, |parts| {
            member(parts, name).unwrap_or_default()
        })
    }

    /// The guide for the item of an array at `index`.
    pub(crate) fn item(&self, array: &Guide<'s>, index: usize, value: Node<'_>) -> Guide<'s> {
        self.part_of(array, value, |parts| {
            parts
                .iter()
                .filter_map(|part| {
                    let listed = part.map.get("prefixItems").and_then(Value::as_array);
                    match listed.and_then(|listed| listed.get(index)) {
                        Some(schema) => Some(Located {
                            schema,
                            pointer: format!("{}/prefixItems/{index}", part.pointer),
                        }),
                        None => part.under("items"),
                    }
                })
                .collect()
        })
    }

    /// The guide for a part of a value, whose subschemas `find` finds in those of the whole.
    fn part_of(
        &self,
        whole: &Guide<'s>,
        value: Node<'_>,
        find: impl Fn(&[Subschema<'s>]) -> Conjunction<'s>,
    ) -> Guide<'s> {
        let always = find(&whole.always);
        let alternatives: Vec<_> = whole
            .alternatives
            .iter()
            .map(|parts| find(parts))
            .filter(|found| !found.is_empty())
            .collect();
        let choices = if alternatives.is_empty() {
            Vec::new()
        } else {
            vec![alternatives]
        };
        self.guide(always, choices, value, 0)
    }

    /// The guide for a value to which `always` and one alternative of each choice apply.
    fn guide(
        &self,
        always: Conjunction<'s>,
        mut choices: Vec<Vec<Conjunction<'s>>>,
        value: Node<'_>,
        depth: usize,
    ) -> Guide<'s> {
        let Some(left) = self.expansions_left.get().checked_sub(1) else {
            return Guide::default();
        };
        self.expansions_left.set(left);
        // Behind a reference, a title names the kind of value: “Person” and not “Assignee”.
        let title = always
            .iter()
            .chain(choices.iter().flatten().flatten())
            .filter_map(|own| own.schema.get("title").and_then(Value::as_str))
            .find(|title| !title.trim().is_empty());
        let Ok(expanded) = expand(self.schema, always) else {
            return Guide {
                title,
                ..Guide::default()
            };
        };
        let mut guide = Guide {
            title,
            options: enumeration(&expanded.parts),
            always: expanded.parts,
            alternatives: Vec::new(),
        };
        if depth >= MAX_CHOICE_DEPTH {
            return guide;
        }
        choices.extend(expanded.choices.into_iter().map(|choice| {
            let branches = choice.branches.into_iter();
            branches.map(|branch| vec![branch]).collect()
        }));
        for choice in choices {
            let alternatives: Vec<Guide<'s>> = choice
                .into_iter()
                .take(MAX_ALTERNATIVES)
                .map(|conjunction| self.guide(conjunction, Vec::new(), value, depth + 1))
                .collect();
            if guide.options.is_none() {
                guide.options = all_options(&alternatives);
            }
            guide.alternatives.extend(fitting(alternatives, value));
        }
        guide
    }
}

impl<'s> Guide<'s> {
    /// The schema's title for the value in its place.
    pub(crate) fn title(&self) -> Option<&'s str> {
        self.title
    }

    /// The schema's description of the value.
    pub(crate) fn description(&self) -> Option<&'s str> {
        let alternatives = self.alternatives.iter().flatten();
        self.always
            .iter()
            .chain(alternatives)
            .filter_map(|part| part.map.get("description").and_then(Value::as_str))
            .find(|text| !text.trim().is_empty())
    }

    /// The values that the schema lists for this value, if it allows no other.
    pub(crate) fn options(&self) -> Option<&[&'s Value]> {
        self.options.as_deref()
    }

    /// All subschemas, those of the alternatives included.
    fn into_parts(self) -> Vec<Subschema<'s>> {
        let mut parts = self.always;
        parts.extend(self.alternatives.into_iter().flatten());
        parts
    }
}

/// The values that the alternatives allow together, if each of them lists its values.
fn all_options<'s>(alternatives: &[Guide<'s>]) -> Option<Vec<&'s Value>> {
    let mut all: Vec<&'s Value> = Vec::new();
    for alternative in alternatives {
        let is_null = types(&alternative.always) == Types::NULL;
        match &alternative.options {
            Some(options) => all.extend(options),
            None if is_null => all.push(&NULL),
            None => return None,
        }
    }
    let mut unique: Vec<&'s Value> = Vec::new();
    for value in all {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    (!unique.is_empty()).then_some(unique)
}

/// The alternatives that a value looks like, or all of them if it looks like none.
fn fitting<'s>(alternatives: Vec<Guide<'s>>, value: Node<'_>) -> Vec<Vec<Subschema<'s>>> {
    let missing: Vec<Option<usize>> = alternatives
        .iter()
        .map(|alternative| missing_members(alternative, value))
        .collect();
    let fewest = missing.iter().flatten().min().copied();
    alternatives
        .into_iter()
        .zip(missing)
        .filter(|(_, missing)| fewest.is_none() || *missing == fewest)
        .map(|(alternative, _)| alternative.into_parts())
        .collect()
}

/// How many required members of an alternative the value lacks. `None` if the value has another
/// type, or other values where the alternative lists its own.
fn missing_members(alternative: &Guide<'_>, value: Node<'_>) -> Option<usize> {
    let own_type = match value.kind() {
        Kind::Null => Types::NULL,
        Kind::Boolean => Types::BOOLEAN,
        Kind::Number => Types::NUMBER,
        Kind::String => Types::STRING,
        Kind::Array => Types::ARRAY,
        Kind::Object => Types::OBJECT,
    };
    if !types(&alternative.always).intersects(own_type) || !is_listed(value, alternative.options())
    {
        return None;
    }
    let members: Vec<_> = value.members().take(MAX_COMPARED_MEMBERS).collect();
    for (name, value) in &members {
        for part in &alternative.always {
            let own = part.property(name).and_then(|own| own.schema.as_object());
            let Some(own) = own else { continue };
            let listed = own.get("enum").and_then(Value::as_array);
            let constant = own.get("const");
            let options: Option<Vec<&Value>> = match (listed, constant) {
                (_, Some(constant)) => Some(vec![constant]),
                (Some(listed), None) => Some(listed.iter().collect()),
                (None, None) => None,
            };
            if !is_listed(*value, options.as_deref()) {
                return None;
            }
        }
    }
    let is_missing = |name: &&str| value.get(name).is_none();
    let names = required(&alternative.always);
    Some(
        names
            .iter()
            .take(MAX_COMPARED_MEMBERS)
            .filter(|name| is_missing(name))
            .count(),
    )
}

/// Whether a value is one of the listed ones, if any are listed. Containers are not compared.
fn is_listed(value: Node<'_>, options: Option<&[&Value]>) -> bool {
    let is_container = matches!(value.kind(), Kind::Array | Kind::Object);
    match options {
        Some(options) if !is_container => {
            let value = value.to_value();
            options.iter().any(|option| **option == value)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::Document;

    /// Title and options of the value at a path of member names and indices.
    fn said(schema: &Value, task: &str, path: &[&str]) -> (Option<String>, Option<Value>) {
        let task = Document::parse(task).unwrap();
        let book = Guidebook::new(schema);
        let mut node = task.root();
        let mut guide = book.root(node);
        for step in path {
            if node.kind() == Kind::Array {
                let index = step.parse().unwrap();
                node = node.items().nth(index).unwrap();
                guide = book.item(&guide, index, node);
            } else {
                node = node.get(step).unwrap();
                guide = book.member(&guide, step, node);
            }
        }
        let options = guide.options().map(|options| json!(options));
        (guide.title().map(str::to_owned), options)
    }

    #[test]
    fn titles_and_options_are_found_through_references_and_alternatives() {
        let schema = json!({
            "$ref": "#/$defs/task",
            "$defs": {
                "task": { "allOf": [{ "properties": {
                    "level": { "$ref": "#/$defs/level" },
                    "maybe": { "title": "May be", "anyOf": [{ "$ref": "#/$defs/level" }, { "type": "null" }] },
                    "free": { "anyOf": [{ "enum": ["a"] }, { "type": "integer" }] },
                    "parts": {
                        "prefixItems": [{ "title": "First" }],
                        "items": { "properties": { "name": { "title": "Name of the part" } } },
                    },
                } }] },
                "level": { "title": "Level", "enum": ["low", "high"] },
            },
        });
        let task = r#"{"level":"odd","maybe":null,"free":1,"parts":[{},{"name":"n"}]}"#;
        let cases: [(&[&str], Option<&str>, Option<Value>); 6] = [
            (&["level"], None, Some(json!(["low", "high"]))),
            (
                &["maybe"],
                Some("May be"),
                Some(json!(["low", "high", null])),
            ),
            (&["free"], None, None),
            (&["parts", "0"], Some("First"), None),
            (&["parts", "1"], None, None),
            (&["parts", "1", "name"], Some("Name of the part"), None),
        ];
        for (path, title, options) in cases {
            let expected = (title.map(str::to_owned), options);
            assert_eq!(said(&schema, task, path), expected, "{path:?}");
        }
    }

    #[test]
    fn of_several_alternatives_the_one_that_the_task_looks_like_counts() {
        let schema: Value = serde_json::from_str(crate::schema::agent_action_schema()).unwrap();
        let described = |task: &str| {
            let task = Document::parse(task).unwrap();
            let book = Guidebook::new(&schema);
            let guide = book.root(task.root());
            let action = task.root().get("action").unwrap();
            let action = book.member(&guide, "action", action);
            let arguments = task.root().get("arguments").unwrap();
            let arguments = book.member(&guide, "arguments", arguments);
            let parts = arguments.into_parts();
            let names = crate::schema::conjunction::property_names(&parts).join(" ");
            (json!(action.options()), names)
        };
        assert_eq!(
            described(r#"{"action":"write_file","arguments":{}}"#),
            (json!(["write_file"]), "path content overwrite".to_owned())
        );
        assert_eq!(
            described(r#"{"action":"write_fil","arguments":{"to":1,"subject":1,"body":1}}"#).0,
            json!(["fetch_page", "write_file", "run_command", "send_message"]),
            "an unknown action can be any of them"
        );
    }

    #[test]
    fn what_cannot_be_followed_has_no_guide() {
        for schema in [
            json!({ "$ref": "#/nowhere" }),
            json!({ "$ref": "https://example.com/" }),
            json!({ "$ref": "#" }),
            json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }),
            json!({ "properties": { "level": false } }),
            json!({ "properties": 3, "anyOf": 4, "allOf": [5] }),
        ] {
            assert_eq!(
                said(&schema, r#"{"level":"x"}"#, &["level"]),
                (None, None),
                "{schema}"
            );
        }
    }
}

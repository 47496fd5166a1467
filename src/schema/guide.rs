//! What a task schema says about one value of a task, for showing and editing the value.
//!
//! Unlike the validator, this module judges nothing: it follows `$ref`, `allOf`, `anyOf` and `oneOf`
//! to the subschemas that describe a value. If a schema offers alternatives, those that the value
//! looks like are used, or all of them if it looks like none. What cannot be followed describes
//! nothing, and the value is then shown as it is.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Map, Value};

use super::conjunction::{
    Located, Subschema, Types, counts, enumeration, expand, item, member, required, types,
};
use super::starting_value::starting_value;
use super::value_kind::ValueKind;
use super::value_limits::ValueLimits;
use crate::document::{Kind, Node};

/// How many times one [`Guidebook`] expands a list of subschemas. Values after that have no guide.
const MAX_EXPANSIONS: usize = 4_000;
/// How many alternatives of one choice are considered.
const MAX_ALTERNATIVES: usize = 64;
/// How deep choices may be nested in choices for the same value.
const MAX_CHOICE_DEPTH: usize = 4;
/// How many members of an object are compared with each alternative.
const MAX_COMPARED_MEMBERS: usize = 200;

/// How many names of members are read from a schema for one object.
const MAX_NAMES: usize = 500;

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
    /// The schemas that apply in any case, as they were found.
    source: Conjunction<'s>,
    /// What they expand to.
    always: Vec<Subschema<'s>>,
    /// The alternatives that the value looks like. Each is a list of subschemas.
    alternatives: Vec<Vec<Subschema<'s>>>,
    options: Option<Vec<&'s Value>>,
    /// The kinds of value to choose from, if there are several.
    kinds: Vec<ValueKind<'s>>,
    /// Which of them the value is, if it looks like one of them only.
    kind: Option<usize>,
}

/// Subschemas of which all apply.
pub(super) type Conjunction<'s> = Vec<Located<'s>>;

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
        self.part_of(array, value, |parts| item(parts, index).unwrap_or_default())
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
        let title = titled(always.iter().chain(choices.iter().flatten().flatten()));
        let Ok(expanded) = expand(self.schema, always.clone()) else {
            return Guide {
                title,
                source: always,
                ..Guide::default()
            };
        };
        let mut guide = Guide {
            title,
            source: always,
            options: enumeration(&expanded.parts),
            always: expanded.parts,
            alternatives: Vec::new(),
            kinds: Vec::new(),
            kind: None,
        };
        if depth >= MAX_CHOICE_DEPTH {
            return guide;
        }
        // Which alternative of a whole applies is chosen at the whole, and not at its parts.
        let inherited = choices.len();
        choices.extend(expanded.choices.into_iter().map(|choice| {
            let branches = choice.branches.into_iter();
            branches.map(|branch| vec![branch]).collect()
        }));
        for (at, choice) in choices.into_iter().enumerate() {
            let branches: Vec<Conjunction<'s>> =
                choice.into_iter().take(MAX_ALTERNATIVES).collect();
            let mut alternatives: Vec<Guide<'s>> = branches
                .iter()
                .map(|conjunction| self.guide(conjunction.clone(), Vec::new(), value, depth + 1))
                .collect();
            if guide.options.is_none() {
                guide.options = all_options(&alternatives);
            }
            let fitting = fitting(&alternatives, value);
            if !guide.kinds.is_empty() {
                // One choice at a time.
            } else if let ([only], [branch]) = (alternatives.as_mut_slice(), branches.as_slice()) {
                guide.kinds = std::mem::take(&mut only.kinds);
                for kind in &mut guide.kinds {
                    kind.branch.extend(branch.iter().cloned());
                }
                guide.kind = only.kind;
            } else if at >= inherited && branches.len() > 1 {
                let kinds = branches.into_iter();
                guide.kinds = kinds.map(|branch| self.kind(branch)).collect();
                guide.kind = match fitting.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                };
            }
            guide.alternatives.extend(
                alternatives
                    .into_iter()
                    .enumerate()
                    .filter(|(index, _)| fitting.contains(index))
                    .map(|(_, alternative)| alternative.into_parts()),
            );
        }
        if guide.options.is_some() {
            // All values of all kinds are in one list.
            guide.kinds.clear();
        } else if guide.kinds.is_empty() {
            guide.kinds = ValueKind::of_types(&guide.always);
            let own = type_of(value);
            let is_own = |kind: &ValueKind<'s>| kind.only.intersects(own);
            guide.kind = guide.kinds.iter().position(is_own);
        }
        guide
    }

    fn kind(&self, branch: Conjunction<'s>) -> ValueKind<'s> {
        ValueKind::of_branch(self.schema, branch)
    }

    /// A value to begin with for a member that an object does not have yet.
    pub(crate) fn new_member(&self, object: &Guide<'s>, name: &str) -> Value {
        let find = |parts: &[Subschema<'s>]| member(parts, name).unwrap_or_default();
        starting_value(self.schema, object.find(find), Types::ALL)
    }

    /// The guide for a member that an object does not have yet.
    pub(crate) fn missing_member(&self, object: &Guide<'s>, name: &str) -> Guide<'s> {
        let source = object.find(|parts| member(parts, name).unwrap_or_default());
        let title = titled(&source);
        let expanded = expand(self.schema, source.clone());
        Guide {
            title,
            source,
            always: expanded.map_or_else(|_| Vec::new(), |all| all.parts),
            ..Guide::default()
        }
    }

    /// A value to begin with for an item at the end of an array of this length.
    pub(crate) fn new_item(&self, array: &Guide<'s>, length: usize) -> Value {
        let find = |parts: &[Subschema<'s>]| item(parts, length).unwrap_or_default();
        starting_value(self.schema, array.find(find), Types::ALL)
    }

    /// A value of another kind to begin with.
    pub(crate) fn of_kind(&self, guide: &Guide<'s>, kind: &ValueKind<'s>) -> Value {
        let conjuncts = [guide.source.as_slice(), &kind.branch].concat();
        starting_value(self.schema, conjuncts, kind.only)
    }

    /// The guide for any value of this kind.
    pub(crate) fn as_kind(&self, guide: &Guide<'s>, kind: &ValueKind<'s>) -> Guide<'s> {
        let conjuncts = [guide.source.as_slice(), &kind.branch].concat();
        Guide {
            always: expand(self.schema, conjuncts).map_or_else(|_| Vec::new(), |all| all.parts),
            ..Guide::default()
        }
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

    /// The kinds of value to choose from; empty if there is no choice.
    pub(crate) fn kinds(&self) -> &[ValueKind<'s>] {
        &self.kinds
    }

    /// Which of the kinds the value is, if it looks like one of them only.
    pub(crate) fn kind(&self) -> Option<usize> {
        self.kind
    }

    /// The limits that the schema sets for the value.
    pub(crate) fn limits(&self) -> ValueLimits<'s> {
        ValueLimits::of(&self.certain())
    }

    /// The members that an object must have.
    pub(crate) fn required_members(&self) -> Vec<&'s str> {
        let mut names = required(&self.certain());
        names.truncate(MAX_NAMES);
        names
    }

    /// The members that the schema names and the object lacks, in the order of the schema.
    pub(crate) fn missing_members(&self, object: Node<'_>) -> Vec<&'s str> {
        let mut names = HashSet::new();
        self.missing(object)
            .filter(|name| names.insert(*name))
            .take(MAX_NAMES)
            .collect()
    }

    /// Whether the object lacks a member that the schema names.
    pub(crate) fn has_missing_members(&self, object: Node<'_>) -> bool {
        self.missing(object).next().is_some()
    }

    /// The members that the object lacks, with those repeated that several subschemas name.
    fn missing(&self, object: Node<'_>) -> impl Iterator<Item = &'s str> {
        let certain = self.certain();
        let present: HashSet<_> = object
            .members()
            .map(|(name, _)| name.into_owned())
            .collect();
        let parts = self.always.iter().chain(self.alternatives.iter().flatten());
        let named: Vec<&'s Map<String, Value>> = parts
            .filter_map(|part| part.map.get("properties").and_then(Value::as_object))
            .collect();
        named
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .filter(move |name| {
                !present.contains(*name)
                    && member(&certain, name).is_ok_and(|found| {
                        found.iter().all(|own| *own.schema != Value::Bool(false))
                    })
            })
    }

    /// Whether the schema has the name for a member, in any of the alternatives.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let alternatives = self.alternatives.iter().flatten();
        self.always
            .iter()
            .chain(alternatives)
            .any(|part| part.property(name).is_some())
    }

    /// Whether an object may have members that the schema does not name.
    pub(crate) fn is_open(&self) -> bool {
        let forbids = |part: &Subschema<'s>, keyword: &str| {
            part.map.get(keyword) == Some(&Value::Bool(false))
        };
        self.certain().iter().all(|part| {
            part.map.contains_key("patternProperties")
                || !(forbids(part, "additionalProperties")
                    || forbids(part, "unevaluatedProperties"))
        })
    }

    /// Whether an array of this length may have another item.
    pub(crate) fn has_room(&self, length: usize) -> bool {
        let certain = self.certain();
        let most = counts(&certain, "maxItems").into_iter().min();
        most.is_none_or(|most| (length as u64) < most) && item(&certain, length).is_some()
    }

    /// The subschemas that apply in any case, as far as it is known.
    fn certain(&self) -> Vec<Subschema<'s>> {
        let mut parts = self.always.clone();
        if let [only] = self.alternatives.as_slice() {
            parts.extend(only.iter().cloned());
        }
        parts
    }

    /// The schemas that `find` finds for a part of the value: those that apply in any case, and those of
    /// the first alternative.
    fn find(&self, find: impl Fn(&[Subschema<'s>]) -> Conjunction<'s>) -> Conjunction<'s> {
        let mut found = find(&self.always);
        if let Some(first) = self.alternatives.first() {
            found.extend(find(first));
        }
        found
    }

    /// All subschemas, those of the alternatives included.
    fn into_parts(self) -> Vec<Subschema<'s>> {
        let mut parts = self.always;
        parts.extend(self.alternatives.into_iter().flatten());
        parts
    }
}

/// The first title of the schemas for a place. Behind a reference, a title names the kind of value:
/// “Person” and not “Assignee”.
fn titled<'a, 's: 'a>(schemas: impl IntoIterator<Item = &'a Located<'s>>) -> Option<&'s str> {
    schemas
        .into_iter()
        .filter_map(|own| own.schema.get("title").and_then(Value::as_str))
        .find(|title| !title.trim().is_empty())
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

/// The positions of the alternatives that a value looks like, or of all of them if it looks like none.
fn fitting(alternatives: &[Guide<'_>], value: Node<'_>) -> Vec<usize> {
    let missing: Vec<Option<usize>> = alternatives
        .iter()
        .map(|alternative| missing_members(alternative, value))
        .collect();
    let fewest = missing.iter().flatten().min().copied();
    missing
        .into_iter()
        .enumerate()
        .filter(|(_, missing)| fewest.is_none() || *missing == fewest)
        .map(|(index, _)| index)
        .collect()
}

/// The type of a value. A number may be an integer.
fn type_of(value: Node<'_>) -> Types {
    match value.kind() {
        Kind::Null => Types::NULL,
        Kind::Boolean => Types::BOOLEAN,
        Kind::Number => Types::NUMBER,
        Kind::String => Types::STRING,
        Kind::Array => Types::ARRAY,
        Kind::Object => Types::OBJECT,
    }
}

/// How many required members of an alternative the value lacks. `None` if the value has another
/// type, or other values where the alternative lists its own.
fn missing_members(alternative: &Guide<'_>, value: Node<'_>) -> Option<usize> {
    if !types(&alternative.always).intersects(type_of(value))
        || !is_listed(value, alternative.options())
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

/// Whether a value is one of the listed ones, if any are listed. Of containers, only the type is
/// compared.
fn is_listed(value: Node<'_>, options: Option<&[&Value]>) -> bool {
    let Some(options) = options else {
        return true;
    };
    match value.kind() {
        Kind::Array => options.iter().any(|option| option.is_array()),
        Kind::Object => options.iter().any(|option| option.is_object()),
        _ => {
            let value = value.to_value();
            options.iter().any(|option| **option == value)
        }
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

//! Which members of a task are its key, its title and its dependencies, and how they are read.
//!
//! Operators have their own schemas, so roles are guessed by name and type. Features that need a
//! missing role are off.

use std::borrow::Cow;

use serde_json::Value;

use super::conjunction::{
    Expanded, Located, Subschema, Types, enumeration, expand, property_names, types,
};
use crate::document::{Kind, Node};

/// The members that play a role, by name. `None`: no member plays it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// The member that names a task inside its batch.
    pub key: Option<String>,
    /// The member a person reads first.
    pub title: Option<String>,
    /// The member that holds the keys of the tasks that must come first.
    pub depends_on: Option<String>,
}

/// The keyword of a violation that reports a task key used twice in a run.
pub const UNIQUE_KEY: &str = "uniqueKey";

/// Names of a key, the likeliest first, folded as [`folded`] does.
const KEY_NAMES: [&str; 12] = [
    "key",
    "taskkey",
    "slug",
    "id",
    "taskid",
    "identifier",
    "ref",
    "reference",
    "externalid",
    "clientid",
    "uid",
    "uuid",
];

/// Names of a title, the likeliest first.
const TITLE_NAMES: [&str; 13] = [
    "title",
    "tasktitle",
    "name",
    "taskname",
    "summary",
    "subject",
    "headline",
    "task",
    "objective",
    "goal",
    "label",
    "description",
    "instruction",
];

/// Names of a list of dependencies, the likeliest first.
const DEPENDS_ON_NAMES: [&str; 12] = [
    "dependson",
    "dependencies",
    "dependency",
    "deps",
    "after",
    "runafter",
    "blockedby",
    "prerequisites",
    "predecessors",
    "needs",
    "requires",
    "waitsfor",
];

impl Roles {
    /// Returns the task key of `task`: the characters of a string, or the digits of a number as
    /// written. Any other kind of value is no key.
    #[must_use]
    pub fn key<'t>(&self, task: Node<'t>) -> Option<Cow<'t, str>> {
        member(task, self.key.as_deref()).and_then(scalar)
    }

    /// Returns the title of `task`, if it is a string or a number.
    #[must_use]
    pub fn title<'t>(&self, task: Node<'t>) -> Option<Cow<'t, str>> {
        member(task, self.title.as_deref()).and_then(scalar)
    }

    /// Returns the keys `task` depends on, in their order. The member may be one string or number,
    /// or an array of them; other values are skipped, because the schema reports them.
    #[must_use]
    pub fn dependencies<'t>(&self, task: Node<'t>) -> Vec<Cow<'t, str>> {
        match member(task, self.depends_on.as_deref()) {
            Some(node) if node.kind() == Kind::Array => node.items().filter_map(scalar).collect(),
            Some(node) => scalar(node).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Guesses the roles from the top-level properties of a schema, those behind local `$ref`,
    /// `allOf`, `anyOf` and `oneOf` included. A title is a string that is not limited to a list of
    /// values; a key is such a string or a number; dependencies are a string, a number, or an
    /// array of them. A schema that says nothing about its properties has no roles.
    #[must_use]
    pub fn guess(schema: &Value) -> Roles {
        let parts = top_level(schema);
        let names = property_names(&parts);
        let find = |known: &[&str], fits: &dyn Fn(&Expanded<'_>) -> bool| {
            known.iter().find_map(|wanted| {
                names
                    .iter()
                    .find(|name| folded(name) == **wanted && declared(schema, &parts, name, fits))
                    .map(|name| (*name).to_owned())
            })
        };
        let is_one_of = |member: &Expanded<'_>, allowed: Types| {
            types(&member.parts).intersects(allowed) && enumeration(&member.parts).is_none()
        };
        let is_title = |member: &Expanded<'_>| is_one_of(member, Types::STRING);
        let is_key = |member: &Expanded<'_>| {
            is_one_of(member, Types::STRING) || is_one_of(member, Types::NUMBER)
        };
        let is_scalar =
            |types: Types| types.intersects(Types::STRING) || types.intersects(Types::NUMBER);
        let is_dependencies = |member: &Expanded<'_>| {
            let allowed = types(&member.parts);
            let items: Vec<_> = member
                .parts
                .iter()
                .filter_map(|part| part.under("items"))
                .collect();
            let of_keys = expand(schema, items).is_ok_and(|items| is_scalar(types(&items.parts)));
            (allowed.intersects(Types::ARRAY) && of_keys) || is_scalar(allowed)
        };
        Roles {
            key: find(&KEY_NAMES, &is_key),
            title: find(&TITLE_NAMES, &is_title),
            depends_on: find(&DEPENDS_ON_NAMES, &is_dependencies),
        }
    }
}

fn member<'t>(task: Node<'t>, name: Option<&str>) -> Option<Node<'t>> {
    task.get(name?)
}

fn scalar(node: Node<'_>) -> Option<Cow<'_, str>> {
    match node.kind() {
        Kind::String => node.as_str(),
        Kind::Number => Some(Cow::Borrowed(node.text())),
        _ => None,
    }
}

/// Whether one of the declarations of the property fits: in an `anyOf` each branch may declare
/// the property in its own way.
fn declared(
    root: &Value,
    parts: &[Subschema<'_>],
    name: &str,
    fits: &dyn Fn(&Expanded<'_>) -> bool,
) -> bool {
    parts
        .iter()
        .filter_map(|part| part.property(name))
        .any(|schema| {
            let Ok(expanded) = expand(root, vec![schema]) else {
                return false;
            };
            let branches: Vec<_> = expanded
                .choices
                .iter()
                .flat_map(|choice| choice.branches.clone())
                .filter_map(|branch| expand(root, vec![branch]).ok())
                .collect();
            if branches.is_empty() {
                fits(&expanded)
            } else {
                branches.iter().any(fits)
            }
        })
}

/// Every schema object that can speak of the top level of a task.
fn top_level(schema: &Value) -> Vec<Subschema<'_>> {
    let mut parts: Vec<Subschema<'_>> = Vec::new();
    let mut waiting = vec![Located::root(schema)];
    while let Some(next) = waiting.pop() {
        if parts.iter().any(|part| part.pointer == next.pointer) {
            continue;
        }
        // A branch that cannot be read says nothing about roles; the others still do.
        let Ok(expanded) = expand(schema, vec![next]) else {
            continue;
        };
        parts.extend(expanded.parts);
        for choice in expanded.choices.into_iter().rev() {
            waiting.extend(choice.branches.into_iter().rev());
        }
    }
    parts
}

/// A member's name without case and without what joins its words: `dependsOn`, `depends_on` and
/// `Depends-On` are the same.
#[must_use]
pub(crate) fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// What kind of text a member holds, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// One line that a person reads first.
    Title,
    /// Sentences.
    Prose,
    /// A statement that can be checked.
    Statement,
    /// A short name in lower case.
    Key,
    /// A kind of agent.
    Agent,
    /// An address on the web.
    Address,
    /// A mail address.
    Mail,
    /// A file.
    File,
    /// A word or two.
    Word,
}

impl TextKind {
    /// The kind of text of a member of that name.
    pub(crate) fn of(name: &str) -> TextKind {
        let name = folded(name);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["acceptance", "criteri", "check", "donewhen"]) {
            TextKind::Statement
        } else if has(&[
            "instruction",
            "description",
            "detail",
            "prompt",
            "body",
            "content",
            "text",
            "message",
            "note",
            "comment",
            "reason",
            "context",
            "rationale",
            "purpose",
            "query",
            "step",
        ]) {
            TextKind::Prose
        } else if has(&[
            "title",
            "summary",
            "subject",
            "headline",
            "objective",
            "goal",
        ]) || ["task", "taskname"].contains(&name.as_str())
        {
            TextKind::Title
        } else if has(&["agent", "role", "assign", "owner", "team"]) {
            TextKind::Agent
        } else if has(&["url", "uri", "link", "website", "endpoint", "webhook"]) {
            TextKind::Address
        } else if has(&["email", "mail"]) {
            TextKind::Mail
        } else if has(&["path", "file"]) {
            TextKind::File
        } else if KEY_NAMES.contains(&name.as_str())
            || has(&["slug", "tag"])
            || name.ends_with("id")
        {
            TextKind::Key
        } else {
            TextKind::Word
        }
    }
}

//! The roles of a task's members: task key, title and dependencies.
//!
//! Operators bring their own schemas, so roles are guessed by name and type. Features that need a
//! missing role are disabled.

use std::borrow::Cow;

use serde_json::Value;

use super::conjunction::{
    Expanded, Located, Subschema, Types, enumeration, expand, property_names, types,
};
use crate::document::{Kind, Node};

/// The name of the member in each role; `None` if no member has the role.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// The member that identifies a task within its run.
    pub key: Option<String>,
    /// The member that people read first.
    pub title: Option<String>,
    /// The member with the keys of the tasks that must be done first.
    pub depends_on: Option<String>,
}

/// The keyword of a violation that reports a task key used twice in a run.
pub const UNIQUE_KEY: &str = "uniqueKey";

/// Names of a task key, most likely first, normalized as by [`normalized`].
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

/// Names of a title, most likely first.
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

/// Names of a list of dependencies, most likely first.
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
    /// Whether no member has a role.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Roles::default()
    }

    /// These roles, with those of `chosen` in place of guesses.
    #[must_use]
    pub fn with(&self, chosen: &Roles) -> Roles {
        let choose = |chosen: &Option<String>, guessed: &Option<String>| {
            chosen.as_ref().or(guessed.as_ref()).cloned()
        };
        Roles {
            key: choose(&chosen.key, &self.key),
            title: choose(&chosen.title, &self.title),
            depends_on: choose(&chosen.depends_on, &self.depends_on),
        }
    }

    /// Returns the task key of `task`: a string, or a number as written. Other kinds of value are
    /// not keys.
    #[must_use]
    pub fn key<'t>(&self, task: Node<'t>) -> Option<Cow<'t, str>> {
        member(task, self.key.as_deref()).and_then(scalar)
    }

    /// Returns the title of `task`, if it is a string or a number. If no member has the role, it is the
    /// first string with a usual name.
    #[must_use]
    pub fn title<'t>(&self, task: Node<'t>) -> Option<Cow<'t, str>> {
        match &self.title {
            Some(name) => task.get(name).and_then(scalar),
            // The schema does not declare one, but the task may have one.
            None => {
                let found = TITLE_NAMES.iter().find_map(|name| task.get(name));
                found.filter(|node| node.kind() == Kind::String)?.as_str()
            }
        }
    }

    /// Returns the keys that `task` depends on, in order. The member may be a string, a number, or
    /// an array of them; other values are skipped, because validation reports them.
    #[must_use]
    pub fn dependencies<'t>(&self, task: Node<'t>) -> Vec<Cow<'t, str>> {
        match member(task, self.depends_on.as_deref()) {
            Some(node) if node.kind() == Kind::Array => node.items().filter_map(scalar).collect(),
            Some(node) => scalar(node).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Guesses the roles from the top-level properties of a schema, including those behind local
    /// `$ref`, `allOf`, `anyOf` and `oneOf`. A title is a string that is not limited to a list of
    /// values; a key is such a string or a number; dependencies are a string, a number, or an
    /// array of them. A schema that declares no properties has no roles.
    #[must_use]
    pub fn guess(schema: &Value) -> Roles {
        let parts = top_level(schema);
        let names = property_names(&parts);
        let find = |known: &[&str], fits: &dyn Fn(&Expanded<'_>) -> bool| {
            known.iter().find_map(|known| {
                names
                    .iter()
                    .find(|name| {
                        normalized(name) == **known && declared(schema, &parts, name, fits)
                    })
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

/// Whether one of the declarations of the property fits: each branch of an `anyOf` may declare it
/// differently.
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

/// All schema objects that apply to the top level of a task.
fn top_level(schema: &Value) -> Vec<Subschema<'_>> {
    let mut parts: Vec<Subschema<'_>> = Vec::new();
    let mut waiting = vec![Located::root(schema)];
    while let Some(next) = waiting.pop() {
        if parts.iter().any(|part| part.pointer == next.pointer) {
            continue;
        }
        // Skip branches that cannot be expanded.
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

/// A member name in lower case without word separators, so that `dependsOn`, `depends_on` and
/// `Depends-On` are equal.
#[must_use]
pub(crate) fn normalized(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The kind of text in a member, guessed from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// A single line that people read first.
    Title,
    /// Sentences.
    Prose,
    /// A verifiable statement.
    Statement,
    /// A short lower-case identifier.
    Key,
    /// A type of agent.
    Agent,
    /// A web address.
    Address,
    /// An e-mail address.
    Mail,
    /// A file name.
    File,
    /// A word or two.
    Word,
}

impl TextKind {
    /// Guesses the kind of text in the member `name`.
    pub(crate) fn of(name: &str) -> TextKind {
        let name = normalized(name);
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

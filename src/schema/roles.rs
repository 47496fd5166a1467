//! Which member of a task is its key, its title and its list of dependencies.
//!
//! Operators bring schemas of their own, so roles are guessed by name and type, shown, and can be
//! changed. Where a role is missing, what needs it is off.

use serde_json::Value;

use super::conjunction::{
    Expanded, Located, Part, Types, enumeration, expand, property_names, types,
};

/// The members that play a role, by name. `None`: no member plays it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// The member that names a task inside its batch.
    pub key: Option<String>,
    /// The member a person reads first.
    pub title: Option<String>,
    /// The member that lists the keys of the tasks that come first, or holds the only one.
    pub depends_on: Option<String>,
}

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
    /// Guesses the roles from the top-level properties of a schema, those behind local `$ref`,
    /// `allOf`, `anyOf` and `oneOf` included. A key or a title is a string that is not limited to
    /// a list of values; dependencies are an array of strings or a string. A schema that says
    /// nothing about its properties has no roles.
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
        let is_text = |member: &Expanded<'_>| {
            types(&member.parts).intersects(Types::STRING) && enumeration(&member.parts).is_none()
        };
        let is_list_of_text = |member: &Expanded<'_>| {
            let allowed = types(&member.parts);
            let items: Vec<_> = member
                .parts
                .iter()
                .filter_map(|part| part.under("items"))
                .collect();
            let of_text = expand(schema, items)
                .is_ok_and(|items| types(&items.parts).intersects(Types::STRING));
            (allowed.intersects(Types::ARRAY) && of_text) || allowed.intersects(Types::STRING)
        };
        Roles {
            key: find(&KEY_NAMES, &is_text),
            title: find(&TITLE_NAMES, &is_text),
            depends_on: find(&DEPENDS_ON_NAMES, &is_list_of_text),
        }
    }
}

/// Whether one of the declarations of the property fits: in an `anyOf` each branch may declare
/// the property in its own way.
fn declared(
    root: &Value,
    parts: &[Part<'_>],
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
fn top_level(schema: &Value) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
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

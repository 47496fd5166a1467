//! Body templates: the JSON that the page adds to each task, for servers that expect an envelope such
//! as `{"type": "work", "payload": $task}`, or members that the model does not write.

mod placeholder;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use self::placeholder::{OwnMember, Placeholder, PlaceholderProblem, next_placeholder};
use crate::document::{Document, Kind, Node, quote};

/// The placeholder for the task.
pub const PLACEHOLDER: &str = "$task";
/// Maximum length of a template, in bytes: 8 KiB.
pub const MAX_TEMPLATE_BYTES: usize = 8 << 10;
/// The member that holds a task that is not an object, where its members were to be inserted.
const WHOLE_TASK: &str = "task";

/// A text that becomes a JSON document when values replace its placeholders:
///
/// - `$task`: the task, exactly as approved;
/// - `...$task` in an object: the members of the task, except those that the template sets itself;
/// - `$task.name`, `$task.outer.inner`: one member of the task; if the task lacks it, the member or
///   item of the template that holds the placeholder is left out;
/// - `$uuid`, `$number`, `$run`, `$time`: the values of [`TemplateValues`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BodyTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// The values that the page generates for the body of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateValues<'a> {
    /// `$uuid`: a UUID of the task, the same however often its body is built.
    pub uuid: &'a str,
    /// `$number`: the position of the task in its run, from 1.
    pub number: u32,
    /// `$run`: the identifier of the run.
    pub run: &'a str,
    /// `$time`: when the run was started, as in RFC 3339.
    pub time: &'a str,
}

/// Where a body holds the task or a member of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlace {
    /// The path in the body, as names of members and indexes from the outside.
    pub in_body: Vec<String>,
    /// The path in the task; empty for the task itself.
    pub in_task: Vec<String>,
    /// The members of the body at this place that are not the task's.
    pub own: Vec<String>,
}

/// Why a body template is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template holds neither the task nor a member of it.
    #[error("a body template must contain {PLACEHOLDER}, or members such as {PLACEHOLDER}.title")]
    NoTask,
    /// The task is inserted more than once.
    #[error("a body template must contain {PLACEHOLDER} only once")]
    TaskTwice,
    /// A word after a dollar sign is no placeholder.
    #[error(
        "{name} is not a placeholder; use {PLACEHOLDER}, {PLACEHOLDER}.name, ...{PLACEHOLDER}, $uuid, $number, $run or $time"
    )]
    Unknown {
        /// The word, with its dollar sign.
        name: String,
    },
    /// A placeholder is inside a string.
    #[error("{name} is in quotes; remove them, because they are added with the value")]
    InString {
        /// The placeholder.
        name: String,
    },
    /// The text is not JSON.
    #[error("the body template is not JSON once the placeholders are filled in")]
    NotJson,
    /// The whole body would be one member of the task, so that a task without it had no body.
    #[error(
        "the whole body cannot be {name}, because a task without this member would have no body"
    )]
    OnlyMember {
        /// The placeholder.
        name: String,
    },
    /// An object has two members of this name, and servers disagree on which one counts.
    #[error("the body template has the member {pointer} twice")]
    DuplicateMember {
        /// The member, as a JSON Pointer (RFC 6901).
        pointer: String,
    },
    /// The text is too long.
    #[error("the body template is longer than {MAX_TEMPLATE_BYTES} bytes")]
    TooLong,
}

impl BodyTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<BodyTemplate, TemplateError> {
        let text = text.trim();
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong);
        }
        let mut template = BodyTemplate {
            text: text.to_owned(),
            parts: parts(text)?,
        };
        template.check_count()?;
        let (sample, offsets) = template.sample();
        let sample = Document::parse(&sample).map_err(|_| TemplateError::NotJson)?;
        if let Some(pointer) = sample.duplicate_members().into_iter().next() {
            return Err(TemplateError::DuplicateMember { pointer });
        }
        if template.holds_only_a_member() {
            return Err(TemplateError::OnlyMember {
                name: text.to_owned(),
            });
        }
        let member_at = |start: usize| {
            let mut parts = template.parts.iter().zip(&offsets);
            parts.find_map(|(part, offset)| match part {
                Part::Value(Placeholder::Member(path)) if *offset == start => Some(path.clone()),
                _ => None,
            })
        };
        let own_members = |offset: usize| -> Vec<OwnMember> {
            let (_, object) = innermost(sample.root(), offset);
            let members = object.members().map(|(name, value)| OwnMember {
                name: name.into_owned(),
                from: member_at(value.span().start),
            });
            members.filter(|own| own.name != MEMBERS_SAMPLE).collect()
        };
        let found: Vec<Vec<OwnMember>> = offsets.iter().map(|at| own_members(*at)).collect();
        for (part, members) in template.parts.iter_mut().zip(found) {
            if let Part::Value(Placeholder::Members { own }) = part {
                *own = members;
            }
        }
        Ok(template)
    }

    fn check_count(&self) -> Result<(), TemplateError> {
        let is_task = |part: &&Part| {
            matches!(
                part,
                Part::Value(Placeholder::Task | Placeholder::Members { .. })
            )
        };
        let is_member = |part: &Part| matches!(part, Part::Value(Placeholder::Member(_)));
        match self.parts.iter().filter(is_task).count() {
            0 if !self.parts.iter().any(is_member) => Err(TemplateError::NoTask),
            0 | 1 => Ok(()),
            _ => Err(TemplateError::TaskTwice),
        }
    }

    /// Whether the template is a single placeholder for a member of the task.
    fn holds_only_a_member(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text(text) => text.is_empty(),
            Part::Value(value) => matches!(value, Placeholder::Member(_)),
        })
    }

    /// The template as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the request body for a task: the template with values in place of its placeholders.
    /// What it takes from the task is the exact text of the task.
    #[must_use]
    pub fn wrap(&self, task: &str, values: &TemplateValues<'_>) -> String {
        let document = Document::parse(task).ok();
        let root = document.as_ref().map(Document::root);
        let texts: Vec<Option<Cow<'_, str>>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(Cow::from(text)),
                Part::Value(Placeholder::Task) => Some(Cow::from(task)),
                Part::Value(Placeholder::Member(path)) => {
                    let member = root.and_then(|root| member_of(root, path));
                    member.map(|member| Cow::from(member.text()))
                }
                Part::Value(Placeholder::Members { own }) => {
                    members_text(root, task, own).map(Cow::from)
                }
                Part::Value(Placeholder::Uuid) => Some(quote(values.uuid).into()),
                Part::Value(Placeholder::Number) => Some(values.number.to_string().into()),
                Part::Value(Placeholder::Run) => Some(quote(values.run).into()),
                Part::Value(Placeholder::Time) => Some(quote(values.time).into()),
            })
            .collect();
        match self.without_absent(&texts) {
            None => texts.iter().flatten().map(Cow::as_ref).collect(),
            Some(rest) => filled(&rest, &self.parts, &texts),
        }
    }

    /// The template without the members and items whose placeholders have no text, with a mark in place
    /// of each other placeholder; `None` if all have one. It is cut before the task is filled in, so
    /// that no depth or size of a task prevents it.
    fn without_absent(&self, texts: &[Option<Cow<'_, str>>]) -> Option<String> {
        if texts.iter().all(Option::is_some) {
            return None;
        }
        let mut marked = String::new();
        let mut absent = HashSet::new();
        for (index, (part, text)) in self.parts.iter().zip(texts).enumerate() {
            let value_at = match part {
                Part::Text(text) => {
                    marked.push_str(text);
                    continue;
                }
                Part::Value(Placeholder::Members { .. }) => {
                    marked.push_str(&format!("{MARK}{index}{MARK_END}{MEMBERS_MARK_VALUE}"));
                    marked.len() - MEMBERS_MARK_NULL
                }
                Part::Value(_) => {
                    let at = marked.len();
                    marked.push_str(&format!("{MARK}{index}{MARK_END}"));
                    at
                }
            };
            if text.is_none() {
                absent.insert(value_at);
            }
        }
        // Neither fails: the template is JSON, and its root is not a member of the task.
        let document = Document::parse(&marked).ok()?;
        let rest = document.without_values_at(&absent).ok()?;
        Some(rest.text().to_owned())
    }

    /// Where a body holds the task or members of it.
    #[must_use]
    pub fn places(&self) -> Vec<TaskPlace> {
        let (sample, offsets) = self.sample();
        let Ok(sample) = Document::parse(&sample) else {
            return Vec::new();
        };
        let place = |(part, offset): (&Part, usize)| {
            let (in_task, own) = match part {
                Part::Value(Placeholder::Task) => (Vec::new(), Vec::new()),
                Part::Value(Placeholder::Member(path)) => (path.clone(), Vec::new()),
                Part::Value(Placeholder::Members { own }) => {
                    let names = own.iter().map(|own| own.name.clone());
                    (Vec::new(), names.collect())
                }
                _ => return None,
            };
            Some(TaskPlace {
                in_body: innermost(sample.root(), offset).0,
                in_task,
                own,
            })
        };
        self.parts.iter().zip(offsets).filter_map(place).collect()
    }

    /// The template with a sample in place of each placeholder, and the offset of each part in it.
    fn sample(&self) -> (String, Vec<usize>) {
        let mut sample = String::new();
        let mut offsets = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            offsets.push(sample.len());
            match part {
                Part::Text(text) => sample.push_str(text),
                Part::Value(Placeholder::Members { .. }) => {
                    sample.push_str(MEMBERS_SAMPLE_NAME);
                    sample.push_str("{}");
                }
                Part::Value(_) => sample.push_str("{}"),
            }
        }
        (sample, offsets)
    }
}

/// The member that stands for the task's members in a sample.
const MEMBERS_SAMPLE: &str = "...$task";
/// The same with quotes and colon.
const MEMBERS_SAMPLE_NAME: &str = "\"...$task\":";

/// What begins the mark of a placeholder, before the index of its part. A template cannot contain a
/// mark: a placeholder in quotes is an error.
const MARK: &str = "\"$task.";
/// What ends the mark.
const MARK_END: &str = "\"";
/// What follows the mark of all members, which is the name of a member.
const MEMBERS_MARK_VALUE: &str = ": null";
/// The length of the value in it.
const MEMBERS_MARK_NULL: usize = "null".len();

/// A marked template with the texts of its parts in place of the marks.
fn filled(marked: &str, parts: &[Part], texts: &[Option<Cow<'_, str>>]) -> String {
    let mut body = String::new();
    let mut pieces = marked.split(MARK);
    body.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let mark = piece.split_once(MARK_END);
        let part = mark.and_then(|(index, rest)| {
            let index: usize = index.parse().ok()?;
            Some((parts.get(index)?, texts.get(index)?, rest))
        });
        match part {
            Some((Part::Value(Placeholder::Members { .. }), text, rest)) => {
                body.push_str(text.as_deref().unwrap_or_default());
                body.push_str(rest.strip_prefix(MEMBERS_MARK_VALUE).unwrap_or(rest));
            }
            Some((_, text, rest)) => {
                body.push_str(text.as_deref().unwrap_or_default());
                body.push_str(rest);
            }
            // The template's own text, such as "$task..name".
            None => {
                body.push_str(MARK);
                body.push_str(piece);
            }
        }
    }
    body
}

/// Cuts a template into text and placeholders.
fn parts(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        match next_placeholder(rest) {
            Ok(None) => break,
            Ok(Some((span, placeholder))) => {
                parts.push(Part::Text(
                    rest.get(..span.start).unwrap_or_default().to_owned(),
                ));
                parts.push(Part::Value(placeholder));
                rest = rest.get(span.end..).unwrap_or_default();
            }
            Err(PlaceholderProblem::Unknown(name)) => return Err(TemplateError::Unknown { name }),
            Err(PlaceholderProblem::InString(name)) => {
                return Err(TemplateError::InString { name });
            }
        }
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

/// The members of the task except those named in `own`; `None` if there are none.
fn members_text(root: Option<Node<'_>>, task: &str, own: &[OwnMember]) -> Option<String> {
    let Some(object) = root.filter(|root| root.kind() == Kind::Object) else {
        return Some(format!("{}:{task}", quote(WHOLE_TASK)));
    };
    // A member of the template that is left out takes nothing from the task.
    let is_set = |own: &OwnMember| match &own.from {
        Some(path) => member_of(object, path).is_some(),
        None => true,
    };
    let is_own = |name: &str| own.iter().any(|own| own.name == name && is_set(own));
    if !object.members().any(|(name, _)| is_own(&name)) {
        let span = object.span();
        let inside = task.get(span.start + 1..span.end - 1)?.trim();
        return (!inside.is_empty()).then(|| inside.to_owned());
    }
    let kept: Vec<String> = object
        .members()
        .filter(|(name, _)| !is_own(name))
        .map(|(name, value)| format!("{}: {}", quote(&name), value.text()))
        .collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// The member of a task at this path.
fn member_of<'n>(task: Node<'n>, path: &[String]) -> Option<Node<'n>> {
    path.iter().try_fold(task, |node, name| node.get(name))
}

/// The innermost value at this offset, and the path to it.
fn innermost(root: Node<'_>, offset: usize) -> (Vec<String>, Node<'_>) {
    let mut path = Vec::new();
    let mut node = root;
    while node.span().start != offset {
        let items = node.items().enumerate();
        let mut children = node
            .members()
            .map(|(name, node)| (name.into_owned(), node))
            .chain(items.map(|(at, node)| (at.to_string(), node)));
        let Some((name, child)) = children.find(|(_, node)| node.span().contains(&offset)) else {
            break;
        };
        path.push(name);
        node = child;
    }
    (path, node)
}

impl TryFrom<String> for BodyTemplate {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<BodyTemplate, TemplateError> {
        BodyTemplate::parse(&text)
    }
}

impl From<BodyTemplate> for String {
    fn from(template: BodyTemplate) -> String {
        template.text
    }
}

//! A task as a document to read: a tree of fields, made for any task of any schema.
//!
//! Every value of the task is in the tree, in the order of the text: a scalar as a field of its own,
//! and what is nested too deep or has too many parts as the formatted JSON text of its container.
//! Nothing is interpreted as markup, and numbers keep their digits.

mod actions;
mod build;
mod editor;
mod label;
mod remarks;
mod rule;

pub use actions::FieldActions;
pub use editor::{Editor, EditorChoice, TypedFault};
pub(super) use label::readable;
pub use remarks::{Remark, RemarkSource, Remarks};

use crate::document::{Document, push_token};
use crate::schema::{Roles, TaskSchema};

/// How deep fields are nested. A container below that is shown as JSON text.
pub const MAX_DEPTH: usize = 6;
/// How many fields a sheet has. A container that does not fit is shown as JSON text.
pub const MAX_FIELDS: usize = 1_000;
/// The longest location of a field, in bytes. A container with a longer one is shown as JSON text.
pub const MAX_POINTER_BYTES: usize = 2 << 10;

/// A task as a tree of fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The task itself.
    pub root: Field,
}

/// One value of the task.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What identifies the field while the task is edited.
    pub key: FieldKey,
    /// The number of the value in its document ([`crate::document::Node::ordinal`]).
    pub ordinal: usize,
    /// The exact name of the member; `None` for items and the task itself.
    pub name: Option<String>,
    /// What the field is called.
    pub label: String,
    /// The schema's description of the field.
    pub description: Option<String>,
    /// Whether its object has an earlier member of the same name.
    pub is_duplicate: bool,
    /// The value.
    pub block: Block,
    /// How the value is edited in place; `None` if it can be edited as JSON only.
    pub editor: Option<Editor>,
    /// What the schema limits the value to, in words.
    pub rule: Option<String>,
    /// What can be done with the value and its parts.
    pub actions: FieldActions,
}

/// What identifies a field: its location by names and, because names may repeat, by positions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldKey {
    /// The location, as a JSON Pointer.
    pub pointer: String,
    /// The positions of the value and its containers within their containers, such as `3.0`.
    pub positions: String,
}

impl FieldKey {
    /// The key of the value at these positions, if the task has one.
    #[must_use]
    pub fn at(task: &Document, positions: &[usize]) -> Option<FieldKey> {
        let mut node = task.root();
        let mut pointer = String::new();
        for position in positions {
            if let Some((name, value)) = node.members().nth(*position) {
                pointer = push_token(&pointer, &name);
                node = value;
            } else {
                node = node.items().nth(*position)?;
                pointer = format!("{pointer}/{position}");
            }
        }
        let positions: Vec<String> = positions.iter().map(usize::to_string).collect();
        Some(FieldKey {
            pointer,
            positions: positions.join("."),
        })
    }

    /// The positions as numbers.
    #[must_use]
    pub fn steps(&self) -> Vec<usize> {
        let steps = self.positions.split('.');
        steps.filter_map(|step| step.parse().ok()).collect()
    }

    /// Whether this is a part of the value of `other`.
    #[must_use]
    pub fn is_inside(&self, other: &FieldKey) -> bool {
        let rest = self.positions.strip_prefix(&other.positions);
        if other.positions.is_empty() {
            !self.positions.is_empty()
        } else {
            rest.is_some_and(|rest| rest.starts_with('.'))
        }
    }
}

/// How a value is set.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// The title of the task.
    Title(String),
    /// A text of several lines, or a long one.
    Prose(String),
    /// A short text.
    Line(String),
    /// One of the values that the schema lists, or a boolean.
    Chip(String),
    /// A number, with its digits as written.
    Number(String),
    /// The value `null`.
    Null,
    /// The key of a task that this one depends on.
    Dependency(String),
    /// Short items that are read in one line.
    Words(Vec<Field>),
    /// Items that are scalars.
    List(Vec<Field>),
    /// Items of which some are containers.
    Sections(Vec<Field>),
    /// The members of an object.
    Members(Vec<Field>),
    /// An array or object without content, as written: `[]` or `{}`.
    Empty(&'static str),
    /// Formatted JSON text.
    Json(String),
}

impl Block {
    /// The fields inside.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match self {
            Block::Words(fields)
            | Block::List(fields)
            | Block::Sections(fields)
            | Block::Members(fields) => fields,
            _ => &[],
        }
    }

    /// Whether the block needs the full width, so that its label stands above it.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        matches!(
            self,
            Block::Title(_)
                | Block::Prose(_)
                | Block::List(_)
                | Block::Sections(_)
                | Block::Members(_)
                | Block::Json(_)
        )
    }
}

impl Sheet {
    /// The sheet of a task.
    #[must_use]
    pub fn new(task: &Document, schema: &TaskSchema, roles: &Roles) -> Sheet {
        Sheet {
            root: build::root(task, schema.value(), roles),
        }
    }

    /// All fields, each before the fields inside it.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let mut waiting = vec![&self.root];
        std::iter::from_fn(move || {
            let field = waiting.pop()?;
            waiting.extend(field.block.fields().iter().rev());
            Some(field)
        })
    }

    /// The field with this key.
    #[must_use]
    pub fn field(&self, key: &FieldKey) -> Option<&Field> {
        self.fields().find(|field| field.key == *key)
    }

    /// The field that is the title of the task, unless it is blank. Of duplicate members it is the
    /// last one, as in most parsers.
    #[must_use]
    pub fn title(&self) -> Option<&Field> {
        self.root
            .block
            .fields()
            .iter()
            .rfind(|field| matches!(field.block, Block::Title(_)))
            .filter(|field| matches!(&field.block, Block::Title(text) if !text.trim().is_empty()))
    }
}

#[cfg(test)]
mod tests;

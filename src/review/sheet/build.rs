//! Making a sheet from a task.

use std::collections::HashSet;

use serde_json::Value;

use super::actions::FieldActions;
use super::editor::Editor;
use super::label::{as_written, readable};
use super::rule::rule;
use super::{Block, Field, FieldKey, MAX_DEPTH, MAX_FIELDS, MAX_POINTER_BYTES};
use crate::document::{Document, Kind, Node, push_token};
use crate::review::layout::pretty_print_value;
use crate::schema::Roles;
use crate::schema::guide::{Guide, Guidebook};
use crate::text::truncate_chars;

/// A text of more characters than this is prose.
const MAX_LINE: usize = 64;
/// An item of more characters than this has a line of its own.
const MAX_WORD: usize = 28;
/// Longest label and description from the schema, in characters.
const MAX_SCHEMA_TEXT: usize = 600;

/// The field of the task itself.
pub(super) fn root(task: &Document, schema: &Value, roles: &Roles) -> Field {
    let book = Guidebook::new(schema);
    let node = task.root();
    let guide = book.root(node);
    let mut builder = Builder {
        book,
        roles,
        fields_left: MAX_FIELDS,
    };
    let place = Place {
        key: FieldKey {
            pointer: String::new(),
            positions: String::new(),
        },
        role: Role::None,
        depth: 0,
    };
    builder.field(node, &guide, place, None, "Task".to_owned())
}

/// What a member is to the task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    Title,
    Dependencies,
}

/// Where a value is.
struct Place {
    key: FieldKey,
    role: Role,
    depth: usize,
}

struct Builder<'s> {
    book: Guidebook<'s>,
    roles: &'s Roles,
    /// How many more fields the sheet may have.
    fields_left: usize,
}

impl<'s> Builder<'s> {
    fn field(
        &mut self,
        node: Node<'_>,
        guide: &Guide<'s>,
        place: Place,
        name: Option<String>,
        label: String,
    ) -> Field {
        let block = self.block(node, guide, &place, &label);
        let limits = guide.limits();
        Field {
            editor: Editor::of(node, guide.options(), limits.format),
            rule: rule(node, &limits),
            actions: FieldActions::of(node, guide),
            key: place.key,
            ordinal: node.ordinal(),
            name,
            label,
            description: guide
                .description()
                .map(|text| truncate_chars(text, MAX_SCHEMA_TEXT)),
            is_duplicate: false,
            block,
        }
    }

    fn block(&mut self, node: Node<'_>, guide: &Guide<'s>, place: &Place, label: &str) -> Block {
        match node.kind() {
            Kind::Null => Block::Null,
            Kind::Boolean => Block::Chip(node.text().to_owned()),
            Kind::Number if place.role == Role::Dependencies => {
                Block::Dependency(node.text().to_owned())
            }
            Kind::Number => Block::Number(node.text().to_owned()),
            Kind::String => {
                let text = node.as_str().unwrap_or_default().into_owned();
                match place.role {
                    Role::Title => Block::Title(text),
                    Role::Dependencies => Block::Dependency(text),
                    Role::None if guide.options().is_some() => Block::Chip(text),
                    Role::None if text.contains('\n') || is_longer(&text, MAX_LINE) => {
                        Block::Prose(text)
                    }
                    Role::None => Block::Line(text),
                }
            }
            Kind::Array if node.is_empty() => Block::Empty("[]"),
            Kind::Object if node.is_empty() => Block::Empty("{}"),
            Kind::Array | Kind::Object => match self.fields(node, guide, place, label) {
                None => Block::Json(pretty_print_value(node)),
                Some(fields) if node.kind() == Kind::Object => Block::Members(fields),
                Some(items) => list(items),
            },
        }
    }

    /// The fields of a container; `None` if there is no room for them.
    fn fields(
        &mut self,
        node: Node<'_>,
        guide: &Guide<'s>,
        place: &Place,
        label: &str,
    ) -> Option<Vec<Field>> {
        if place.depth >= MAX_DEPTH || place.key.pointer.len() > MAX_POINTER_BYTES {
            return None;
        }
        self.fields_left = self.fields_left.checked_sub(node.len())?;
        let fields = match node.kind() {
            Kind::Object => self.members(node, guide, place),
            _ => self.items(node, guide, place, label),
        };
        Some(fields)
    }

    fn members(&mut self, node: Node<'_>, guide: &Guide<'s>, place: &Place) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        let mut names = HashSet::new();
        let required: HashSet<&str> = guide.required_members().into_iter().collect();
        for (position, (name, value)) in node.members().enumerate() {
            let own = self.book.member(guide, &name, value);
            let label = match own.title() {
                Some(title) => truncate_chars(title, MAX_SCHEMA_TEXT),
                None if guide.knows(&name) => readable(&name),
                // The name is part of the data, like the keys of a map.
                None => as_written(&name),
            };
            let inner = place.inside(push_token(&place.key.pointer, &name), position);
            let inner = Place {
                role: self.role(&name, place.depth),
                ..inner
            };
            let mut field = self.field(value, &own, inner, Some(name.to_string()), label);
            field.actions.can_remove = !required.contains(&*name);
            field.is_duplicate = !names.insert(name);
            field.actions.can_remove |= field.is_duplicate;
            fields.push(field);
        }
        fields
    }

    fn items(
        &mut self,
        node: Node<'_>,
        guide: &Guide<'s>,
        place: &Place,
        label: &str,
    ) -> Vec<Field> {
        node.items()
            .enumerate()
            .map(|(index, value)| {
                let own = self.book.item(guide, index, value);
                let inner = place.inside(format!("{}/{index}", place.key.pointer), index);
                let inner = Place {
                    role: match place.role {
                        Role::Dependencies => Role::Dependencies,
                        _ => Role::None,
                    },
                    ..inner
                };
                let label = match own.title() {
                    Some(title) => {
                        format!("{} {}", truncate_chars(title, MAX_SCHEMA_TEXT), index + 1)
                    }
                    // The item itself has no name of its own.
                    None => format!("{label} {}", index + 1),
                };
                let mut field = self.field(value, &own, inner, None, label);
                field.actions = field.actions.of_item(index, node.len());
                field
            })
            .collect()
    }

    /// The role of a member of the task. Members of inner objects have none.
    fn role(&self, name: &str, depth: usize) -> Role {
        if depth > 0 {
            Role::None
        } else if self.roles.title.as_deref() == Some(name) {
            Role::Title
        } else if self.roles.depends_on.as_deref() == Some(name) {
            Role::Dependencies
        } else {
            Role::None
        }
    }
}

impl Place {
    /// The place of a value inside this one.
    fn inside(&self, pointer: String, position: usize) -> Place {
        let positions = if self.key.positions.is_empty() {
            position.to_string()
        } else {
            format!("{}.{position}", self.key.positions)
        };
        Place {
            key: FieldKey { pointer, positions },
            role: Role::None,
            depth: self.depth + 1,
        }
    }
}

/// The items of an array in the form that suits them.
fn list(items: Vec<Field>) -> Block {
    let is_word = |item: &Field| match &item.block {
        Block::Chip(_) | Block::Dependency(_) | Block::Number(_) => true,
        Block::Line(text) => !text.contains(' ') && !text.is_empty() && !is_longer(text, MAX_WORD),
        _ => false,
    };
    let is_container = |item: &Field| {
        matches!(
            item.block,
            Block::Words(_)
                | Block::List(_)
                | Block::Sections(_)
                | Block::Members(_)
                | Block::Json(_)
        )
    };
    if items.iter().all(is_word) {
        Block::Words(items)
    } else if items.iter().any(is_container) {
        Block::Sections(items)
    } else {
        Block::List(items)
    }
}

/// Whether a text has more characters than `limit`.
fn is_longer(text: &str, limit: usize) -> bool {
    text.chars().nth(limit).is_some()
}

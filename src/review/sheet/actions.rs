//! What can be done with a field and its parts.

use crate::document::{Kind, Node};
use crate::schema::guide::Guide;

/// What the schema lets the operator do with a field. What it does not forbid is offered; the check
/// decides about the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldActions {
    /// Whether the value can be removed: an item, or a member that is optional or repeated.
    pub can_remove: bool,
    /// Whether the value is an item with another one before it.
    pub can_move_up: bool,
    /// Whether the value is an item with another one after it.
    pub can_move_down: bool,
    /// Whether the value is an array with room for another item.
    pub can_add_item: bool,
    /// Whether the value is an object that can have another member.
    pub can_add_member: bool,
    /// Whether there is a choice of several kinds of value.
    pub can_change_kind: bool,
}

impl FieldActions {
    /// What can be done with the value itself. What depends on where it is comes from its container.
    pub(super) fn of(node: Node<'_>, guide: &Guide<'_>) -> FieldActions {
        FieldActions {
            can_add_item: node.kind() == Kind::Array && guide.has_room(node.len()),
            can_add_member: node.kind() == Kind::Object
                && (guide.is_open() || guide.has_missing_members(node)),
            can_change_kind: !guide.kinds().is_empty(),
            ..FieldActions::default()
        }
    }

    /// What can be done with an item at `index` of `count`.
    pub(super) fn of_item(self, index: usize, count: usize) -> FieldActions {
        FieldActions {
            can_remove: true,
            can_move_up: index > 0,
            can_move_down: index + 1 < count,
            ..self
        }
    }
}

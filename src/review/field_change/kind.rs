//! Another kind of value, with the members that both kinds have.

use std::collections::HashSet;

use super::FieldChangeError;
use super::place::{FieldPlace, node_at};
use crate::document::{Document, EditError, Kind};
use crate::schema::guide::{Guide, Guidebook};
use crate::schema::value_kind::ValueKind;

/// How many objects inside objects are adapted.
const MAX_DEPTH: usize = 4;
/// How many members are replaced or added. The check names what is missing after that.
const MAX_MEMBERS: usize = 100;

/// The task with the value at `steps` as one of this kind. An object keeps the members that the kind has
/// too; any other value is replaced.
pub(super) fn with_kind(
    task: &Document,
    place: &FieldPlace<'_, '_>,
    steps: &[usize],
    kind: &ValueKind<'_>,
) -> Result<Document, FieldChangeError> {
    let start = place.book.of_kind(&place.guide, kind);
    if place.node.kind() != Kind::Object || !start.is_object() {
        return Ok(task.with_value(place.node.ordinal(), &start.to_string())?);
    }
    let target = place.book.as_kind(&place.guide, kind);
    let mut adapter = Adapter {
        book: &place.book,
        task: task.clone(),
        left: MAX_MEMBERS,
    };
    adapter.adapt(steps, &place.guide, &target, 0)?;
    Ok(adapter.task)
}

struct Adapter<'b, 's> {
    book: &'b Guidebook<'s>,
    task: Document,
    /// How many more members are replaced or added.
    left: usize,
}

impl<'s> Adapter<'_, 's> {
    /// Adapts the object at `steps` from what `own` says about it to what `target` says.
    fn adapt(
        &mut self,
        steps: &[usize],
        own: &Guide<'s>,
        target: &Guide<'s>,
        depth: usize,
    ) -> Result<(), FieldChangeError> {
        let object = node_at(&self.task, steps).ok_or(EditError::NoSuchValue)?;
        let unwanted: HashSet<usize> = object
            .members()
            .filter(|(name, _)| !target.knows(name) && (own.knows(name) || !target.is_open()))
            .map(|(_, value)| value.ordinal())
            .collect();
        if unwanted.len() == object.len() && !object.is_empty() {
            self.task = self.task.with_value(object.ordinal(), "{}")?;
        } else {
            self.task = self.task.without(&unwanted)?;
        }
        let object = node_at(&self.task, steps).ok_or(EditError::NoSuchValue)?;
        for position in 0..object.len() {
            self.adapt_member(steps, position, own, target, depth)?;
        }
        for name in target.required_members() {
            let task = self.task.clone();
            let object = node_at(&task, steps).ok_or(EditError::NoSuchValue)?;
            if object.get(name).is_none() && self.spend() {
                let value = self.book.new_member(target, name).to_string();
                self.task = task.with_member(object.ordinal(), name, &value)?;
            }
        }
        Ok(())
    }

    /// Replaces a member whose value the target does not list, and adapts an object.
    fn adapt_member(
        &mut self,
        steps: &[usize],
        position: usize,
        own: &Guide<'s>,
        target: &Guide<'s>,
        depth: usize,
    ) -> Result<(), FieldChangeError> {
        let task = self.task.clone();
        let object = node_at(&task, steps).ok_or(EditError::NoSuchValue)?;
        let Some((name, value)) = object.members().nth(position) else {
            return Ok(());
        };
        if !target.knows(&name) {
            return Ok(());
        }
        let of_target = self.book.member(target, &name, value);
        let is_listed = of_target.options().is_none_or(|options| {
            let value = value.to_value();
            options.iter().any(|option| **option == value)
        });
        if !is_listed {
            if self.spend() {
                let new = self.book.new_member(target, &name).to_string();
                self.task = task.with_value(value.ordinal(), &new)?;
            }
        } else if value.kind() == Kind::Object && depth < MAX_DEPTH {
            let of_own = self.book.member(own, &name, value);
            let inner = [steps, &[position]].concat();
            self.adapt(&inner, &of_own, &of_target, depth + 1)?;
        }
        Ok(())
    }

    fn spend(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

//! Where a field is, and what the schema says there.

use serde_json::Value;

use crate::document::{Document, Node};
use crate::review::sheet::FieldKey;
use crate::schema::guide::{Guide, Guidebook};

/// A value of a task with what is around it.
pub(super) struct FieldPlace<'d, 's> {
    pub(super) book: Guidebook<'s>,
    pub(super) node: Node<'d>,
    pub(super) guide: Guide<'s>,
    /// The array or object that the value is in; `None` for the task itself.
    pub(super) container: Option<Node<'d>>,
}

impl<'d, 's> FieldPlace<'d, 's> {
    /// The place of a field; `None` if the task has no field with this key.
    pub(super) fn find(
        task: &'d Document,
        schema: &'s Value,
        key: &FieldKey,
    ) -> Option<FieldPlace<'d, 's>> {
        let steps = key.steps();
        if FieldKey::at(task, &steps).as_ref() != Some(key) {
            return None;
        }
        let book = Guidebook::new(schema);
        let node = task.root();
        let mut place = FieldPlace {
            guide: book.root(node),
            book,
            node,
            container: None,
        };
        for step in steps {
            let container = place.node;
            if let Some((name, value)) = container.members().nth(step) {
                place.guide = place.book.member(&place.guide, &name, value);
                place.node = value;
            } else {
                let value = container.items().nth(step)?;
                place.guide = place.book.item(&place.guide, step, value);
                place.node = value;
            }
            place.container = Some(container);
        }
        Some(place)
    }
}

/// The value at these positions.
pub(super) fn node_at<'d>(task: &'d Document, steps: &[usize]) -> Option<Node<'d>> {
    steps.iter().try_fold(task.root(), |node, step| {
        let member = node.members().nth(*step).map(|(_, value)| value);
        member.or_else(|| node.items().nth(*step))
    })
}

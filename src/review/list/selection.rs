//! The tasks that the operator selected in the list.

use std::collections::HashSet;

use crate::review::DraftId;

/// The selected tasks. An action on several tasks is about those that are also listed, so that it never
/// concerns a task out of sight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    tasks: HashSet<DraftId>,
    /// The task from which a range is selected.
    anchor: Option<DraftId>,
}

impl Selection {
    /// Whether no task is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether a task is selected.
    #[must_use]
    pub fn contains(&self, task: &DraftId) -> bool {
        self.tasks.contains(task)
    }

    /// Selects a task, or deselects it.
    pub fn toggle(&mut self, task: DraftId) {
        if !self.tasks.remove(&task) {
            self.tasks.insert(task.clone());
        }
        self.anchor = Some(task);
    }

    /// Selects all tasks from the one toggled last to this one, in the order of the list. If that one is
    /// not listed, only this one.
    pub fn extend_to(&mut self, task: &DraftId, listed: &[DraftId]) {
        let place = |of: &DraftId| listed.iter().position(|listed| listed == of);
        let from = self.anchor.as_ref().and_then(place);
        match (from, place(task)) {
            (Some(from), Some(to)) => {
                let range = listed.get(from.min(to)..=from.max(to)).unwrap_or_default();
                self.tasks.extend(range.iter().cloned());
            }
            _ => {
                self.tasks.insert(task.clone());
            }
        }
        self.anchor = Some(task.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::RunId;

    fn ids(ordinals: &[u32]) -> Vec<DraftId> {
        let run = RunId::from_bits(1);
        let id = |ordinal: &u32| DraftId {
            run: run.clone(),
            ordinal: *ordinal,
        };
        ordinals.iter().map(id).collect()
    }

    fn selected(selection: &Selection) -> Vec<u32> {
        let mut ordinals: Vec<u32> = selection.tasks.iter().map(|id| id.ordinal).collect();
        ordinals.sort_unstable();
        ordinals
    }

    #[test]
    fn a_range_follows_the_order_of_the_list_in_both_directions() {
        let listed = ids(&[5, 1, 4, 2, 3]);
        let mut selection = Selection::default();
        selection.extend_to(&listed[2], &listed);
        assert_eq!(selected(&selection), [4], "without an anchor, one task");
        selection.toggle(listed[1].clone());
        selection.extend_to(&listed[3], &listed);
        assert_eq!(selected(&selection), [1, 2, 4]);
        selection.extend_to(&listed[0], &listed);
        assert_eq!(selected(&selection), [1, 2, 4, 5]);
        selection.toggle(listed[4].clone());
        selection.toggle(listed[4].clone());
        assert_eq!(selected(&selection), [1, 2, 4, 5]);
        // The anchor was filtered out.
        selection.extend_to(&listed[0], &listed[..2]);
        assert_eq!(selected(&selection), [1, 2, 4, 5]);
        assert!(!selection.is_empty() && selection.contains(&listed[0]));
    }
}

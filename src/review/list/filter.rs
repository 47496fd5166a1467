//! The filter of the list.

use super::task_entry::TaskEntry;
use crate::review::DraftState;
use crate::schema::lint::FindingCode;

/// Conditions on tasks. A task passes if it meets all that are set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// It is in this state.
    pub state: Option<DraftState>,
    /// A finding of this kind is about it.
    pub finding: Option<FindingCode>,
    /// It has this priority.
    pub priority: Option<String>,
    /// It has this label.
    pub label: Option<String>,
    /// Whether it depends on other tasks.
    pub has_dependencies: Option<bool>,
}

impl TaskFilter {
    /// A filter for one state.
    #[must_use]
    pub fn of_state(state: DraftState) -> TaskFilter {
        TaskFilter {
            state: Some(state),
            ..TaskFilter::default()
        }
    }

    /// Whether every task passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == TaskFilter::default()
    }

    /// Whether the entries of the tasks are needed.
    #[must_use]
    pub fn reads_entries(&self) -> bool {
        self.priority.is_some() || self.label.is_some() || self.has_dependencies.is_some()
    }

    /// Whether a task passes: its state, whether a finding of the wanted kind is about it, and its
    /// entry. Without an entry it has no priority, no labels and no dependencies.
    #[must_use]
    pub fn passes(&self, state: DraftState, has_finding: bool, entry: Option<&TaskEntry>) -> bool {
        let priority = entry.and_then(|entry| entry.priority.as_ref());
        let labels = entry.map_or(&[][..], |entry| &entry.labels);
        let is_dependent = entry.is_some_and(|entry| !entry.depends_on.is_empty());
        self.state.is_none_or(|wanted| wanted == state)
            && (self.finding.is_none() || has_finding)
            && (self.priority.is_none() || self.priority.as_ref() == priority)
            && self
                .label
                .as_ref()
                .is_none_or(|label| labels.contains(label))
            && self
                .has_dependencies
                .is_none_or(|wanted| wanted == is_dependent)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::Roles;

    #[test]
    fn all_conditions_must_hold() {
        let roles = Roles {
            depends_on: Some("after".to_owned()),
            ..Roles::default()
        };
        let entry = |text: &str| TaskEntry::read(&Arc::from(text), &roles);
        let high = entry(r#"{"priority":"high","labels":["docs","api"],"after":["a"]}"#);
        let filter = TaskFilter {
            state: Some(DraftState::Ready),
            finding: Some(FindingCode::SimilarTitles),
            priority: Some("high".to_owned()),
            label: Some("api".to_owned()),
            has_dependencies: Some(true),
        };
        assert!(filter.passes(DraftState::Ready, true, Some(&high)));
        assert!(!filter.passes(DraftState::Approved, true, Some(&high)));
        assert!(!filter.passes(DraftState::Ready, false, Some(&high)));
        for other in [
            r#"{"priority":"low","labels":["docs","api"],"after":["a"]}"#,
            r#"{"priority":"high","labels":["docs"],"after":["a"]}"#,
            r#"{"priority":"high","labels":["docs","api"],"after":[]}"#,
        ] {
            let passes = filter.passes(DraftState::Ready, true, Some(&entry(other)));
            assert!(!passes, "{other}");
        }
        assert!(TaskFilter::default().passes(DraftState::Invalid, false, None));
        let independent = TaskFilter {
            has_dependencies: Some(false),
            ..TaskFilter::default()
        };
        assert!(independent.passes(DraftState::Ready, false, Some(&entry("{}"))));
        assert!(!independent.passes(DraftState::Ready, false, Some(&high)));
    }
}

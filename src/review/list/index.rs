//! The index of the list: one entry for each task, read when its text arrives or changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sort_by::priority_rank;
use super::task_entry::TaskEntry;
use crate::schema::Roles;

/// How many priorities and labels are offered as filters.
const MAX_CHOICES: usize = 50;

/// The entries of a run's tasks, in order of arrival.
#[derive(Debug, Default)]
pub struct TaskIndex {
    roles: Roles,
    entries: Vec<TaskEntry>,
    revision: u64,
}

impl TaskIndex {
    /// Uses these roles. Entries that were read with others are dropped.
    pub fn set_roles(&mut self, roles: &Roles) {
        if self.roles != *roles {
            self.roles = roles.clone();
            self.truncate(0);
        }
    }

    /// Drops the entries of tasks that no longer exist.
    pub fn truncate(&mut self, count: usize) {
        if self.entries.len() > count {
            self.entries.truncate(count);
            self.revision += 1;
        }
    }

    /// A number that grows with every change of the entries.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads the text of a task, unless it is known. Tasks without an entry are read in order. Returns
    /// whether the text was read.
    pub fn read(&mut self, task: usize, text: &Arc<str>) -> bool {
        if task > self.entries.len() || self.entry(task).is_some_and(|entry| entry.is_of(text)) {
            return false;
        }
        let entry = TaskEntry::read(text, &self.roles);
        match self.entries.get_mut(task) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
        self.revision += 1;
        true
    }

    /// The entry of a task, if it was read.
    #[must_use]
    pub fn entry(&self, task: usize) -> Option<&TaskEntry> {
        self.entries.get(task)
    }

    /// All entries, in order of arrival.
    #[must_use]
    pub fn entries(&self) -> &[TaskEntry] {
        &self.entries
    }

    /// The priorities that occur, the most urgent first, with their numbers of tasks.
    #[must_use]
    pub fn priorities(&self) -> Vec<(String, usize)> {
        let mut found = self.count(|entry| entry.priority.as_slice());
        found.sort_by_cached_key(|(priority, _)| priority_rank(Some(priority)));
        found
    }

    /// The labels that occur, in alphabetical order, with their numbers of tasks.
    #[must_use]
    pub fn labels(&self) -> Vec<(String, usize)> {
        self.count(|entry| entry.labels.as_slice())
    }

    /// The number of tasks that depend on others.
    #[must_use]
    pub fn dependent_count(&self) -> usize {
        let entries = self.entries.iter();
        entries.filter(|entry| !entry.depends_on.is_empty()).count()
    }

    /// Counts values. The most frequent ones are kept if there are too many.
    fn count(&self, values: impl Fn(&TaskEntry) -> &[String]) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &self.entries {
            for value in values(entry) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut found: Vec<(String, usize)> = counts
            .into_iter()
            .map(|(value, count)| (value.to_owned(), count))
            .collect();
        if found.len() > MAX_CHOICES {
            found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            found.truncate(MAX_CHOICES);
            found.sort();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roles() -> Roles {
        Roles {
            key: Some("key".to_owned()),
            title: Some("title".to_owned()),
            depends_on: None,
        }
    }

    #[test]
    fn what_occurs_is_counted_the_most_urgent_first() {
        let mut index = TaskIndex::default();
        index.set_roles(&roles());
        for (at, text) in [
            r#"{"priority":"low","labels":["b","a"]}"#,
            r#"{"priority":"critical","labels":["a"]}"#,
            r#"{"priority":"low"}"#,
            "{}",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(index.read(at, &Arc::from(text)));
        }
        let owned = |values: &[(&str, usize)]| -> Vec<(String, usize)> {
            values.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect()
        };
        assert_eq!(index.priorities(), owned(&[("critical", 1), ("low", 2)]));
        assert_eq!(index.labels(), owned(&[("a", 2), ("b", 1)]));
    }

    proptest! {
        #[test]
        fn reading_in_steps_and_after_edits_gives_what_reading_everything_again_gives(
            steps in proptest::collection::vec((0_usize..12, "[a-c]{0,3}"), 0..40),
        ) {
            let mut index = TaskIndex::default();
            index.set_roles(&roles());
            let mut texts: Vec<Arc<str>> = Vec::new();
            for (at, title) in steps {
                let text: Arc<str> = Arc::from(format!(r#"{{"title":"{title}"}}"#));
                let at = at.min(texts.len());
                if at == texts.len() {
                    texts.push(Arc::clone(&text));
                } else {
                    texts[at] = Arc::clone(&text);
                }
                prop_assert!(index.read(at, &text));
                prop_assert!(!index.read(at, &text), "a known text is not read again");
            }
            let expected: Vec<TaskEntry> =
                texts.iter().map(|text| TaskEntry::read(text, &roles())).collect();
            prop_assert_eq!(index.entries(), &expected[..]);
        }
    }
}

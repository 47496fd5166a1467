//! The titles of tasks that were delivered by other runs, to notice that a task was posted before.

use std::collections::HashMap;

use crate::schema::lint::title_variants;
use crate::text::truncate_chars;

/// How many delivered tasks are looked at, the latest first.
pub const MAX_DELIVERED: usize = 1_000;
/// How much of a title or a name is shown, in characters.
const MAX_SHOWN: usize = 80;

/// A task that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredTask {
    /// Its title.
    pub title: String,
    /// The name of its run.
    pub run: String,
}

/// Delivered tasks, found by titles that are nearly the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveredTitles {
    tasks: Vec<DeliveredTask>,
    /// The task with each variant of a title; of several, the first.
    by_variant: HashMap<String, usize>,
}

impl DeliveredTitles {
    /// Indexes tasks, the latest first.
    #[must_use]
    pub fn new(tasks: Vec<DeliveredTask>) -> DeliveredTitles {
        let mut by_variant = HashMap::new();
        for (index, task) in tasks.iter().enumerate() {
            for variant in title_variants(&task.title) {
                by_variant.entry(variant).or_insert(index);
            }
        }
        DeliveredTitles { tasks, by_variant }
    }

    /// The latest delivered task whose title is nearly the same.
    #[must_use]
    pub fn similar_to(&self, title: &str) -> Option<&DeliveredTask> {
        if self.tasks.is_empty() {
            return None;
        }
        let found = title_variants(title)
            .into_iter()
            .filter_map(|variant| self.by_variant.get(&variant));
        self.tasks.get(*found.min()?)
    }
}

impl DeliveredTask {
    /// Says that a task is like this one.
    #[must_use]
    pub fn message(&self) -> String {
        format!(
            "A task with nearly the same title was delivered before: “{}”, from the run “{}”.",
            truncate_chars(&self.title, MAX_SHOWN),
            truncate_chars(&self.run, MAX_SHOWN),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(titles: &[&str]) -> DeliveredTitles {
        let tasks = (1..).zip(titles).map(|(number, title)| DeliveredTask {
            title: (*title).to_owned(),
            run: format!("run {number}"),
        });
        DeliveredTitles::new(tasks.collect())
    }

    #[test]
    fn the_latest_task_with_nearly_the_same_title_is_found() {
        let known = delivered(&[
            "Rotate the API keys",
            "Update the backups",
            "rotate api key",
        ]);
        let run_of = |title: &str| known.similar_to(title).map(|task| task.run.as_str());
        for (title, run) in [
            ("Rotate API keys", Some("run 1")),
            ("API keys: rotate!", Some("run 1")),
            ("Update the bakcups", None),
            ("Update the backup", Some("run 2")),
            ("Update the backupps", Some("run 2")),
            ("Update backups 2", None),
            ("", None),
        ] {
            assert_eq!(run_of(title), run, "{title}");
        }
        assert_eq!(DeliveredTitles::default().similar_to("a"), None);
    }
}

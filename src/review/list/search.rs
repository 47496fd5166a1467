//! The search of the list.

use memchr::memmem::Finder;

use super::task_entry::TaskEntry;

/// What the operator searches for: words in any order, whatever their case. A task must contain all
/// of them, also as parts of longer words.
#[derive(Debug, Clone, Default)]
pub struct Search {
    words: Vec<Finder<'static>>,
}

impl Search {
    /// Reads what was typed.
    #[must_use]
    pub fn new(typed: &str) -> Search {
        let typed = typed.to_lowercase();
        Search {
            words: typed
                .split_whitespace()
                .map(|word| Finder::new(word).into_owned())
                .collect(),
        }
    }

    /// Whether nothing is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a task contains all words.
    #[must_use]
    pub fn finds(&self, task: &TaskEntry) -> bool {
        let text = task.searched.as_bytes();
        self.words.iter().all(|word| word.find(text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::document::quote;
    use crate::schema::Roles;

    fn finds(typed: &str, title: &str) -> bool {
        let text: Arc<str> = Arc::from(format!(r#"{{"title":{}}}"#, quote(title)));
        Search::new(typed).finds(&TaskEntry::read(&text, &Roles::default()))
    }

    #[test]
    fn all_words_must_occur_in_any_order_and_case() {
        for (typed, is_found) in [
            ("", true),
            ("  ", true),
            ("BACK", true),
            ("orders  take", true),
            ("take invoices", false),
            ("title", false),
        ] {
            let found = finds(typed, "Take a backup of the orders");
            assert_eq!(found, is_found, "{typed:?}");
        }
        assert!(finds("ÉTUDE", "étude"));
    }

    proptest! {
        #[test]
        fn every_part_of_a_value_is_found(title in "\\PC{0,20}", from in 0_usize..20, len in 0_usize..20) {
            let part: String = title.chars().skip(from).take(len).collect();
            // The lower case of a final sigma depends on what follows it.
            prop_assume!(!title.contains('Σ'));
            prop_assert!(finds(&part, &title), "{:?} in {:?}", part, title);
        }
    }
}

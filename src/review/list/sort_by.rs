//! What the list is sorted by.

use super::task_entry::TaskEntry;
use crate::review::DraftState;

/// Words for how urgent or important something is, the most urgent first. Words in one line mean the
/// same.
const PRIORITY_WORDS: [&[&str]; 7] = [
    &["blocker", "immediate", "now"],
    &["critical", "urgent", "highest", "asap", "p0"],
    &["high", "major", "important", "p1"],
    &["medium", "normal", "moderate", "default", "p2"],
    &["low", "minor", "p3"],
    &["lowest", "trivial", "p4"],
    &["none", "someday"],
];

/// The order of the list. Tasks that are equal in it stay in the order in which they were proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// The order in which the tasks were proposed.
    #[default]
    Proposal,
    /// By title, whatever its case.
    Title,
    /// The most urgent first; tasks without a priority last.
    Priority,
    /// By state, in the order of [`DraftState::ALL`].
    State,
}

impl SortBy {
    /// All orders.
    pub const ALL: [SortBy; 4] = [
        SortBy::Proposal,
        SortBy::Title,
        SortBy::Priority,
        SortBy::State,
    ];

    /// The name in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            SortBy::Proposal => "Original order",
            SortBy::Title => "Title",
            SortBy::Priority => "Priority",
            SortBy::State => "State",
        }
    }
}

/// What a task is sorted by, within one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortKey<'e> {
    Proposal,
    Title(&'e str),
    Priority(PriorityRank),
    State(usize),
}

impl<'e> SortKey<'e> {
    /// The key of a task. A task without an entry is like one without title and priority.
    pub(super) fn of(
        by: SortBy,
        entry: Option<&'e TaskEntry>,
        state: impl FnOnce() -> DraftState,
    ) -> SortKey<'e> {
        match by {
            SortBy::Proposal => SortKey::Proposal,
            SortBy::Title => SortKey::Title(entry.map_or("", |entry| &entry.title)),
            SortBy::Priority => SortKey::Priority(priority_rank(
                entry.and_then(|entry| entry.priority.as_deref()),
            )),
            SortBy::State => {
                let state = state();
                let mut states = DraftState::ALL.iter();
                SortKey::State(states.position(|known| *known == state).unwrap_or_default())
            }
        }
    }
}

/// The place of a priority among others: words by their meaning, then numbers by their value, then
/// other texts by the alphabet, then none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PriorityRank {
    Word(usize),
    /// In thousandths.
    Number(i64),
    Text(String),
    None,
}

/// The rank of a priority as a row shows it, such as `high` or `severity 2`.
pub(super) fn priority_rank(priority: Option<&str>) -> PriorityRank {
    let Some(priority) = priority else {
        return PriorityRank::None;
    };
    let text = priority.trim().to_lowercase();
    let word = PRIORITY_WORDS
        .iter()
        .position(|words| words.contains(&text.as_str()));
    if let Some(word) = word {
        return PriorityRank::Word(word);
    }
    let last = text.rsplit(' ').next().unwrap_or_default();
    match last.parse::<f64>() {
        // The cast saturates.
        Ok(number) => PriorityRank::Number((number * 1_000.0) as i64),
        Err(_) => PriorityRank::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_ordered_by_what_they_mean() {
        let mut priorities = [
            None,
            Some("whenever"),
            Some("severity 10"),
            Some("Low"),
            Some("severity 2"),
            Some("CRITICAL"),
            Some("normal"),
            Some("high"),
        ];
        priorities.sort_by_key(|priority| priority_rank(*priority));
        assert_eq!(
            priorities,
            [
                Some("CRITICAL"),
                Some("high"),
                Some("normal"),
                Some("Low"),
                Some("severity 2"),
                Some("severity 10"),
                Some("whenever"),
                None,
            ]
        );
    }
}

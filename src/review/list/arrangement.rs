//! The order and the groups of the list.

use super::index::TaskIndex;
use super::layers::layers;
use super::sort_by::{SortBy, SortKey};
use crate::review::DraftState;

/// A group of tasks in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskGroup {
    /// The tasks of a dependency layer, from 0.
    Layer(usize),
    /// Tasks that depend on each other in a cycle, and those after them.
    Cycle,
    /// Tasks that arrived after the list was arranged.
    Later,
}

impl TaskGroup {
    /// The heading in the interface.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            TaskGroup::Layer(0) => "Layer 1: no dependencies".to_owned(),
            TaskGroup::Layer(layer) => format!("Layer {}: after layer {layer}", layer + 1),
            TaskGroup::Cycle => "In a dependency cycle, or after one".to_owned(),
            TaskGroup::Later => "Arrived later".to_owned(),
        }
    }
}

/// A group with the tasks that are listed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListGroup {
    /// The group.
    pub group: TaskGroup,
    /// The position of its first task in the list, from 0.
    pub start: usize,
    /// The number of its tasks in the list.
    pub len: usize,
}

/// The tasks that are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedTasks {
    /// The tasks, in the order of the list.
    pub tasks: Vec<usize>,
    /// The groups that have tasks, in order; none if the list is not grouped.
    pub groups: Vec<ListGroup>,
}

/// The order and the groups of the tasks at one moment. A new one is made only if the operator asks
/// for it: what arrives or changes later moves no task that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrangement {
    order: Vec<usize>,
    ranks: Vec<usize>,
    /// Each group with the number of tasks before it.
    groups: Vec<(TaskGroup, usize)>,
}

impl Arrangement {
    /// Arranges the first `count` tasks of a run, whose entries were read.
    #[must_use]
    pub fn new(
        count: usize,
        by: SortBy,
        is_grouped: bool,
        index: &TaskIndex,
        state: impl Fn(usize) -> DraftState,
    ) -> Arrangement {
        let mut places = places(0..count, by, is_grouped, index, state);
        places.sort_unstable();
        let mut arrangement = Arrangement {
            order: places.iter().map(|place| place.task).collect(),
            ranks: vec![0; count],
            groups: Vec::new(),
        };
        for (position, place) in places.iter().enumerate() {
            if let Some(rank) = arrangement.ranks.get_mut(place.task) {
                *rank = position;
            }
            let group = match place.layer {
                usize::MAX => TaskGroup::Cycle,
                layer => TaskGroup::Layer(layer),
            };
            let groups = &mut arrangement.groups;
            if is_grouped && groups.last().is_none_or(|(last, _)| *last != group) {
                groups.push((group, position));
            }
        }
        arrangement
    }

    /// Whether [`Arrangement::new`] would arrange these tasks in the same order. Takes linear time.
    #[must_use]
    pub fn is_current(
        &self,
        count: usize,
        by: SortBy,
        is_grouped: bool,
        index: &TaskIndex,
        state: impl Fn(usize) -> DraftState,
    ) -> bool {
        let order = self.order.iter().copied();
        self.order.len() == count && places(order, by, is_grouped, index, state).is_sorted()
    }

    /// The position of a task among all tasks. Those that arrived later follow in order of arrival.
    #[must_use]
    pub fn rank(&self, task: usize) -> usize {
        self.ranks.get(task).copied().unwrap_or(task)
    }

    /// The tasks of a run of `total` that pass, in this order.
    #[must_use]
    pub fn listed(&self, total: usize, passes: impl Fn(usize) -> bool) -> ListedTasks {
        let mut listed = ListedTasks::default();
        let mut groups = self.groups.iter().peekable();
        let mut current = None;
        let arranged = self.order.iter().copied().filter(|task| *task < total);
        let later = self.order.len()..total;
        for (position, task) in arranged.chain(later).enumerate() {
            while let Some((group, _)) = groups.next_if(|(_, start)| *start <= position) {
                current = Some(*group);
            }
            if position == self.order.len() && current.is_some() {
                current = Some(TaskGroup::Later);
            }
            if !passes(task) {
                continue;
            }
            if let Some(group) = current {
                match listed.groups.last_mut() {
                    Some(last) if last.group == group => last.len += 1,
                    _ => listed.groups.push(ListGroup {
                        group,
                        start: listed.tasks.len(),
                        len: 1,
                    }),
                }
            }
            listed.tasks.push(task);
        }
        listed
    }
}

/// What decides about the place of a task, the most important first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct TaskPlace<'e> {
    /// The dependency layer, or `usize::MAX` for none; always 0 without groups.
    layer: usize,
    key: SortKey<'e>,
    task: usize,
}

fn places<'e>(
    tasks: impl Iterator<Item = usize>,
    by: SortBy,
    is_grouped: bool,
    index: &'e TaskIndex,
    state: impl Fn(usize) -> DraftState,
) -> Vec<TaskPlace<'e>> {
    let layers = is_grouped.then(|| layers(index.entries()));
    tasks
        .map(|task| TaskPlace {
            layer: layers.as_ref().map_or(0, |layers| {
                layers.get(task).copied().flatten().unwrap_or(usize::MAX)
            }),
            key: SortKey::of(by, index.entry(task), || state(task)),
            task,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::schema::Roles;

    fn index(texts: &[String]) -> TaskIndex {
        let mut index = TaskIndex::default();
        index.set_roles(&Roles {
            key: Some("key".to_owned()),
            title: Some("title".to_owned()),
            depends_on: Some("after".to_owned()),
        });
        for (task, text) in texts.iter().enumerate() {
            index.read(task, &Arc::from(text.as_str()));
        }
        index
    }

    fn texts(tasks: &[(&str, &str)]) -> Vec<String> {
        tasks
            .iter()
            .enumerate()
            .map(|(key, (title, after))| {
                format!(r#"{{"key":"{key}","title":"{title}","after":[{after}]}}"#)
            })
            .collect()
    }

    fn ready(_: usize) -> DraftState {
        DraftState::Ready
    }

    #[test]
    fn what_arrives_later_follows_and_moves_nothing() {
        let texts = texts(&[("c", ""), ("a", ""), ("b", "")]);
        let arrangement = Arrangement::new(3, SortBy::Title, false, &index(&texts), ready);
        assert_eq!(arrangement.listed(3, |_| true).tasks, [1, 2, 0]);
        assert_eq!(arrangement.listed(5, |_| true).tasks, [1, 2, 0, 3, 4]);
        assert_eq!(arrangement.listed(5, |task| task != 2).tasks, [1, 0, 3, 4]);
        assert_eq!(
            [0, 1, 2, 3].map(|task| arrangement.rank(task)),
            [2, 0, 1, 3]
        );
        let fresh = Arrangement::default().listed(2, |_| true);
        assert_eq!((fresh.tasks, fresh.groups), (vec![0, 1], vec![]));
    }

    #[test]
    fn an_order_is_no_longer_current_once_a_task_would_have_another_place() {
        let mut index = index(&texts(&[("a", ""), ("b", "")]));
        let arrangement = Arrangement::new(2, SortBy::Title, false, &index, ready);
        assert!(arrangement.is_current(2, SortBy::Title, false, &index, ready));
        assert!(!arrangement.is_current(3, SortBy::Title, false, &index, ready));
        index.read(0, &Arc::from(r#"{"title":"c"}"#));
        assert!(!arrangement.is_current(2, SortBy::Title, false, &index, ready));
        assert!(arrangement.is_current(2, SortBy::Proposal, false, &index, ready));
    }

    #[test]
    fn layers_are_groups_sorted_within_and_empty_ones_are_left_out() {
        let texts = texts(&[
            ("d", r#""1""#),
            ("c", ""),
            ("b", r#""0""#),
            ("a", ""),
            ("x", r#""4""#),
        ]);
        let arrangement = Arrangement::new(5, SortBy::Title, true, &index(&texts), ready);
        let listed = arrangement.listed(6, |task| task != 0);
        assert_eq!(listed.tasks, [3, 1, 2, 4, 5]);
        let groups = [
            (TaskGroup::Layer(0), 0, 2),
            (TaskGroup::Layer(2), 2, 1),
            (TaskGroup::Cycle, 3, 1),
            (TaskGroup::Later, 4, 1),
        ];
        let groups = groups.map(|(group, start, len)| ListGroup { group, start, len });
        assert_eq!(listed.groups, groups);
    }

    proptest! {
        #[test]
        fn a_list_has_each_passing_task_once_in_order_and_its_groups_cover_it(
            tasks in proptest::collection::vec(("[a-c]{1,2}", 0_usize..9, 0_usize..3), 0..9),
            later in 0_usize..4,
            hidden in proptest::collection::vec(any::<bool>(), 13),
            by in proptest::sample::select(&SortBy::ALL[..]),
            is_grouped: bool,
        ) {
            let texts: Vec<String> = tasks
                .iter()
                .enumerate()
                .map(|(key, (title, after, priority))| format!(
                    r#"{{"key":"{key}","title":"{title}","after":["{after}"],"priority":{priority}}}"#
                ))
                .collect();
            let index = index(&texts);
            let state = |task: usize| DraftState::ALL[tasks[task].1];
            let arrangement = Arrangement::new(tasks.len(), by, is_grouped, &index, state);
            prop_assert!(arrangement.is_current(tasks.len(), by, is_grouped, &index, state));
            prop_assert!(!arrangement.is_current(tasks.len() + 1, by, is_grouped, &index, ready));
            let total = tasks.len() + later;
            let listed = arrangement.listed(total, |task| !hidden[task]);

            let mut found = listed.tasks.clone();
            found.sort_unstable();
            let expected: Vec<usize> = (0..total).filter(|task| !hidden[*task]).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(listed.tasks.is_sorted_by_key(|task| arrangement.rank(*task)));

            let covered: usize = listed.groups.iter().map(|group| group.len).sum();
            let is_empty = !is_grouped || tasks.is_empty();
            prop_assert_eq!(covered, if is_empty { 0 } else { listed.tasks.len() });
            let parts: Vec<&[usize]> = if is_empty {
                let arranged = listed.tasks.iter().filter(|task| **task < tasks.len()).count();
                vec![&listed.tasks[..arranged]]
            } else {
                listed.groups.iter()
                    .filter(|group| group.group != TaskGroup::Later)
                    .map(|group| &listed.tasks[group.start..group.start + group.len])
                    .collect()
            };
            for part in parts {
                let is_sorted = part.is_sorted_by(|a, b| match by {
                    SortBy::Proposal => a < b,
                    SortBy::Title => (&tasks[*a].0, a) < (&tasks[*b].0, b),
                    SortBy::Priority => (tasks[*a].2, a) < (tasks[*b].2, b),
                    SortBy::State => (tasks[*a].1, a) < (tasks[*b].1, b),
                });
                prop_assert!(is_sorted, "{:?}", part);
            }
        }
    }
}

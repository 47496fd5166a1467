//! Topological order of a batch: tasks come after their dependencies, otherwise in order of
//! arrival.

use std::collections::HashMap;

/// A task as the planner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// The task key, if its schema has one.
    pub key: Option<String>,
    /// The keys of its dependencies.
    pub depends_on: Vec<String>,
}

/// The order of a batch and the dependencies of its tasks. Tasks are identified by their index in
/// the batch; a rank is a position in the order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    order: Vec<usize>,
    rank: Vec<usize>,
    dependencies: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
}

impl Plan {
    /// Plans a batch. Dependencies outside the batch are ignored, and a cycle is broken at its first
    /// task. Both are findings for the operator; they do not block posting.
    #[must_use]
    pub fn new(items: &[Item]) -> Plan {
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Some(key) = &item.key {
                by_key.entry(key).or_insert(index);
            }
        }
        let dependencies: Vec<Vec<usize>> = items
            .iter()
            .map(|item| {
                let keys = item.depends_on.iter();
                keys.filter_map(|key| by_key.get(key.as_str()).copied())
                    .collect()
            })
            .collect();
        let order = order(&dependencies);
        let mut rank = vec![0; items.len()];
        for (position, index) in order.iter().enumerate() {
            if let Some(rank) = rank.get_mut(*index) {
                *rank = position;
            }
        }
        let mut plan = Plan {
            order,
            rank,
            dependencies: vec![Vec::new(); items.len()],
            dependents: vec![Vec::new(); items.len()],
        };
        for (index, dependencies) in dependencies.into_iter().enumerate() {
            for dependency in dependencies {
                plan.add_dependency(index, dependency);
            }
        }
        plan
    }

    /// Adds a dependency, unless it closes a cycle. The dependencies of one task are added together.
    fn add_dependency(&mut self, index: usize, dependency: usize) {
        if self.rank(dependency) >= self.rank(index) {
            return;
        }
        let Some(dependents) = self.dependents.get_mut(dependency) else {
            return;
        };
        // A repeated dependency was added just before, so the list need not be searched.
        if dependents.last() == Some(&index) {
            return;
        }
        dependents.push(index);
        if let Some(dependencies) = self.dependencies.get_mut(index) {
            dependencies.push(dependency);
        }
    }

    /// The indexes of all tasks in posting order.
    pub fn order(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }

    /// Position of a task in the order, from 0.
    #[must_use]
    pub fn rank(&self, index: usize) -> usize {
        self.rank.get(index).copied().unwrap_or(usize::MAX)
    }

    /// The task at this position in the order.
    #[must_use]
    pub fn at(&self, rank: usize) -> Option<usize> {
        self.order.get(rank).copied()
    }

    /// The dependencies of a task. All of them come before it in the order.
    #[must_use]
    pub fn dependencies_of(&self, index: usize) -> &[usize] {
        self.dependencies.get(index).map_or(&[], Vec::as_slice)
    }

    /// The tasks that depend on a task.
    #[must_use]
    pub fn dependents_of(&self, index: usize) -> &[usize] {
        self.dependents.get(index).map_or(&[], Vec::as_slice)
    }
}

fn order(dependencies: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(dependencies.len());
    let mut visited = vec![false; dependencies.len()];
    for start in 0..dependencies.len() {
        // Depth-first with an explicit stack, because a chain may be as long as the batch.
        let mut stack = vec![(start, false)];
        while let Some((index, is_done)) = stack.pop() {
            if is_done {
                order.push(index);
                continue;
            }
            match visited.get_mut(index) {
                Some(visited) if !*visited => *visited = true,
                _ => continue,
            }
            stack.push((index, true));
            let dependencies = dependencies.get(index).map(Vec::as_slice);
            for dependency in dependencies.unwrap_or_default().iter().rev() {
                stack.push((*dependency, false));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(items: &[(&str, &[&str])]) -> Vec<Item> {
        items
            .iter()
            .map(|(key, depends_on)| Item {
                key: Some((*key).to_owned()),
                depends_on: depends_on.iter().map(|key| (*key).to_owned()).collect(),
            })
            .collect()
    }

    fn order(items: &[Item]) -> Vec<usize> {
        Plan::new(items).order().collect()
    }

    #[test]
    fn tasks_come_after_their_dependencies_and_otherwise_in_order_of_arrival() {
        assert_eq!(
            order(&batch(&[("a", &[]), ("b", &[]), ("c", &[])])),
            [0, 1, 2]
        );
        assert_eq!(
            order(&batch(&[("a", &["c"]), ("b", &[]), ("c", &[])])),
            [2, 0, 1]
        );
        assert_eq!(
            order(&batch(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])),
            [2, 1, 0]
        );
        assert_eq!(order(&batch(&[("a", &["none"]), ("b", &["a"])])), [0, 1]);
    }

    #[test]
    fn a_task_waits_for_its_dependencies_only() {
        let plan = Plan::new(&batch(&[
            ("a", &["c", "c", "none"]),
            ("b", &[]),
            ("c", &["b"]),
        ]));
        assert_eq!(plan.dependencies_of(0), [2]);
        assert_eq!(plan.dependencies_of(1), [0_usize; 0]);
        assert_eq!(plan.dependents_of(1), [2]);
        assert_eq!(plan.rank(1), 0);
        assert_eq!(plan.at(0), Some(1));
    }

    #[test]
    fn in_a_cycle_a_task_waits_only_for_dependencies_that_come_before_it() {
        let plan = Plan::new(&batch(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]));
        let order: Vec<usize> = plan.order().collect();
        let first = order[0];
        assert!(plan.dependencies_of(first).is_empty());
        assert_eq!(plan.dependencies_of(1 - first), [first]);
        assert!(plan.dependencies_of(2).is_empty());
    }

    #[test]
    fn a_task_may_have_very_many_dependencies() {
        let count = 100_000;
        let keys = || (0..count).map(|index| index.to_string());
        let mut items: Vec<Item> = keys()
            .map(|key| Item {
                key: Some(key),
                depends_on: Vec::new(),
            })
            .collect();
        items.push(Item {
            key: Some("last".to_owned()),
            depends_on: keys().chain(keys()).collect(),
        });
        let plan = Plan::new(&items);
        assert_eq!(plan.dependencies_of(count).len(), count);
        assert_eq!(plan.dependents_of(0), [count]);
    }

    #[test]
    fn a_cycle_does_not_block_posting() {
        let mut indexes = order(&batch(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]));
        indexes.sort_unstable();
        assert_eq!(indexes, [0, 1, 2]);
    }
}

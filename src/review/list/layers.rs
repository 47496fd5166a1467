//! Dependency layers: the tasks that could be carried out at the same time.

use std::collections::HashMap;

use super::task_entry::TaskEntry;

/// The layer of each task, from 0: a task without dependencies in the run is in layer 0, any other
/// one layer after the last of its dependencies. `None` for a task in a cycle or after one. Of several
/// tasks with one key the first counts, as when they are posted. Runs in linear time.
pub(super) fn layers(tasks: &[TaskEntry]) -> Vec<Option<usize>> {
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    for (task, entry) in tasks.iter().enumerate() {
        if let Some(key) = &entry.key {
            by_key.entry(key).or_insert(task);
        }
    }
    let mut open_dependencies = vec![0_usize; tasks.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (task, entry) in tasks.iter().enumerate() {
        for key in &entry.depends_on {
            let Some(dependency) = by_key.get(key.as_str()) else {
                continue;
            };
            if let (Some(open), Some(dependents)) = (
                open_dependencies.get_mut(task),
                dependents.get_mut(*dependency),
            ) {
                *open += 1;
                dependents.push(task);
            }
        }
    }
    let mut layers: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut ready: Vec<usize> = (0..tasks.len())
        .filter(|task| open_dependencies.get(*task) == Some(&0))
        .collect();
    let mut layer = 0;
    while !ready.is_empty() {
        let mut next = Vec::new();
        for task in ready {
            if let Some(of_task) = layers.get_mut(task) {
                *of_task = Some(layer);
            }
            for dependent in dependents.get(task).into_iter().flatten() {
                if let Some(open) = open_dependencies.get_mut(*dependent) {
                    *open = open.saturating_sub(1);
                    if *open == 0 {
                        next.push(*dependent);
                    }
                }
            }
        }
        ready = next;
        layer += 1;
    }
    layers
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::schema::Roles;

    /// Tasks with the keys 0, 1, 2 and so on that depend on these keys.
    fn tasks(dependencies: &[Vec<usize>]) -> Vec<TaskEntry> {
        let roles = Roles {
            key: Some("key".to_owned()),
            title: None,
            depends_on: Some("after".to_owned()),
        };
        dependencies
            .iter()
            .enumerate()
            .map(|(key, after)| {
                let text: Arc<str> = Arc::from(format!(r#"{{"key":{key},"after":{after:?}}}"#));
                TaskEntry::read(&text, &roles)
            })
            .collect()
    }

    #[test]
    fn a_task_is_one_layer_after_the_last_of_its_dependencies() {
        for (dependencies, expected) in [
            (
                vec![vec![], vec![0], vec![0, 1, 1]],
                vec![Some(0), Some(1), Some(2)],
            ),
            (vec![vec![1], vec![]], vec![Some(1), Some(0)]),
            (vec![vec![9], vec![0]], vec![Some(0), Some(1)]),
            (
                vec![vec![1], vec![0], vec![1], vec![]],
                vec![None, None, None, Some(0)],
            ),
            (vec![vec![0]], vec![None]),
        ] {
            assert_eq!(layers(&tasks(&dependencies)), expected, "{dependencies:?}");
        }
    }

    proptest! {
        #[test]
        fn every_layer_is_the_longest_way_to_it(
            dependencies in proptest::collection::vec(proptest::collection::vec(0_usize..9, 0..4), 0..8),
        ) {
            let layers = layers(&tasks(&dependencies));
            for (task, after) in dependencies.iter().enumerate() {
                let known = after.iter().filter(|key| **key < dependencies.len());
                let of_dependencies: Option<Vec<usize>> = known.map(|key| layers[*key]).collect();
                let expected = of_dependencies.map(|layers| layers.iter().max().map_or(0, |max| max + 1));
                match layers[task] {
                    Some(layer) => prop_assert_eq!(Some(layer), expected),
                    None => prop_assert!(expected.is_none(), "task {} is in or after a cycle", task),
                }
            }
        }
    }
}

//! The order in which tasks go: each after those it depends on, otherwise as they came.

use std::collections::HashMap;

/// What the order needs to know of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The task's own key, where its schema has one.
    pub key: Option<String>,
    /// The keys it depends on.
    pub depends_on: Vec<String>,
}

/// Places of the items in the order they go. Dependencies that are not in the batch do not hold
/// anything up, and a circle is broken where it began: both are findings for the operator, not
/// for the order.
#[must_use]
pub fn order(items: &[Item]) -> Vec<usize> {
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some(key) = &item.key {
            by_key.entry(key).or_insert(place);
        }
    }
    let mut order = Vec::with_capacity(items.len());
    let mut seen = vec![false; items.len()];
    for start in 0..items.len() {
        // Depth first, with an own stack: a chain may be as long as the batch.
        let mut stack = vec![(start, false)];
        while let Some((place, is_ready)) = stack.pop() {
            if is_ready {
                order.push(place);
                continue;
            }
            match seen.get_mut(place) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            stack.push((place, true));
            let wanted = items.get(place).map(|item| item.depends_on.as_slice());
            for key in wanted.unwrap_or_default().iter().rev() {
                if let Some(before) = by_key.get(key.as_str()) {
                    stack.push((*before, false));
                }
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

    #[test]
    fn tasks_go_after_those_they_depend_on_and_otherwise_as_they_came() {
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
    fn a_circle_holds_nothing_up() {
        let mut places = order(&batch(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]));
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
    }
}

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

/// The order of a batch and what each of its tasks waits for. Items are named by their place in
/// the batch, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    order: Vec<usize>,
    rank: Vec<usize>,
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
}

impl Plan {
    /// Plans a batch. Dependencies that are not in it hold nothing up, and a circle is broken where
    /// it began: both are findings for the operator, not for the order.
    #[must_use]
    pub fn new(items: &[Item]) -> Plan {
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        for (place, item) in items.iter().enumerate() {
            if let Some(key) = &item.key {
                by_key.entry(key).or_insert(place);
            }
        }
        let wanted: Vec<Vec<usize>> = items
            .iter()
            .map(|item| {
                let named = item.depends_on.iter();
                named
                    .filter_map(|key| by_key.get(key.as_str()).copied())
                    .collect()
            })
            .collect();
        let order = order(&wanted);
        let mut rank = vec![0; items.len()];
        for (at, place) in order.iter().enumerate() {
            if let Some(rank) = rank.get_mut(*place) {
                *rank = at;
            }
        }
        let mut plan = Plan {
            order,
            rank,
            needs: vec![Vec::new(); items.len()],
            needed_by: vec![Vec::new(); items.len()],
        };
        for (place, wanted) in wanted.into_iter().enumerate() {
            for before in wanted {
                plan.wait(place, before);
            }
        }
        plan
    }

    /// Lets one task wait for another, unless that closes a circle.
    fn wait(&mut self, place: usize, before: usize) {
        if self.rank(before) >= self.rank(place) {
            return;
        }
        if let Some(needs) = self.needs.get_mut(place)
            && !needs.contains(&before)
        {
            needs.push(before);
            if let Some(needed_by) = self.needed_by.get_mut(before) {
                needed_by.push(place);
            }
        }
    }

    /// The places in the order in which they go.
    pub fn order(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }

    /// When a place goes, from 0.
    #[must_use]
    pub fn rank(&self, place: usize) -> usize {
        self.rank.get(place).copied().unwrap_or(usize::MAX)
    }

    /// The place that goes then.
    #[must_use]
    pub fn at(&self, rank: usize) -> Option<usize> {
        self.order.get(rank).copied()
    }

    /// What a place waits for; all of it goes before it.
    #[must_use]
    pub fn needs(&self, place: usize) -> &[usize] {
        self.needs.get(place).map_or(&[], Vec::as_slice)
    }

    /// What waits for a place.
    #[must_use]
    pub fn needed_by(&self, place: usize) -> &[usize] {
        self.needed_by.get(place).map_or(&[], Vec::as_slice)
    }
}

fn order(wanted: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(wanted.len());
    let mut seen = vec![false; wanted.len()];
    for start in 0..wanted.len() {
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
            let wanted = wanted.get(place).map(Vec::as_slice);
            for before in wanted.unwrap_or_default().iter().rev() {
                stack.push((*before, false));
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
    fn a_task_waits_for_what_it_depends_on_and_nothing_else() {
        let plan = Plan::new(&batch(&[
            ("a", &["c", "c", "none"]),
            ("b", &[]),
            ("c", &["b"]),
        ]));
        assert_eq!(plan.needs(0), [2]);
        assert_eq!(plan.needs(1), [0_usize; 0]);
        assert_eq!(plan.needed_by(1), [2]);
        assert_eq!(plan.rank(1), 0);
        assert_eq!(plan.at(0), Some(1));
    }

    #[test]
    fn within_a_circle_only_what_goes_before_is_waited_for() {
        let plan = Plan::new(&batch(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]));
        let order: Vec<usize> = plan.order().collect();
        let first = order[0];
        assert!(plan.needs(first).is_empty());
        assert_eq!(plan.needs(1 - first), [first]);
        assert!(plan.needs(2).is_empty());
    }

    #[test]
    fn a_circle_holds_nothing_up() {
        let mut places = order(&batch(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]));
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
    }
}

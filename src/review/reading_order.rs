//! Which task is read next.

use super::DraftId;

/// The first of the listed tasks after `current` that is wanted, or else the first one before it.
/// `current` itself need not be in the list, and is never the result. The list is in order of `rank`.
#[must_use]
pub fn next_wanted(
    listed: &[DraftId],
    current: &DraftId,
    rank: impl Fn(&DraftId) -> usize,
    is_wanted: impl Fn(&DraftId) -> bool,
) -> Option<DraftId> {
    let of_current = rank(current);
    let after = listed.partition_point(|id| rank(id) <= of_current);
    let (before, after) = listed.split_at_checked(after).unwrap_or((listed, &[]));
    after
        .iter()
        .chain(before)
        .find(|id| *id != current && is_wanted(id))
        .cloned()
}

/// The listed task next to `current`, forwards or backwards. `None` at the end of the list, which is
/// in order of `rank`.
#[must_use]
pub fn neighbour(
    listed: &[DraftId],
    current: &DraftId,
    rank: impl Fn(&DraftId) -> usize,
    is_forward: bool,
) -> Option<DraftId> {
    let of_current = rank(current);
    let index = if is_forward {
        listed.partition_point(|id| rank(id) <= of_current)
    } else {
        let at = listed.partition_point(|id| rank(id) < of_current);
        at.checked_sub(1)?
    };
    listed.get(index).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::RunId;

    fn id(ordinal: u32) -> DraftId {
        DraftId {
            run: RunId::from_bits(1),
            ordinal,
        }
    }

    fn ids(ordinals: &[u32]) -> Vec<DraftId> {
        ordinals.iter().map(|ordinal| id(*ordinal)).collect()
    }

    fn by_arrival(id: &DraftId) -> usize {
        id.ordinal as usize
    }

    #[test]
    fn the_next_wanted_task_comes_after_the_current_one_or_else_from_the_start() {
        for (listed, current, wanted, expected) in [
            (&[1, 2, 3][..], 1, &[2, 3][..], Some(2)),
            (&[1, 2, 3], 2, &[1, 2], Some(1)),
            (&[1, 2, 3], 2, &[2], None),
            (&[1, 4], 2, &[1, 4], Some(4)),
            (&[1, 4], 9, &[4], Some(4)),
            (&[], 1, &[1], None),
        ] {
            let found = next_wanted(&ids(listed), &id(current), by_arrival, |id| {
                wanted.contains(&id.ordinal)
            });
            assert_eq!(found, expected.map(id), "{listed:?} {current} {wanted:?}");
        }
    }

    #[test]
    fn the_neighbour_of_a_task_that_is_not_listed_is_the_listed_one_next_to_its_place() {
        for (listed, current, is_forward, expected) in [
            (&[1, 2, 3][..], 2, true, Some(3)),
            (&[1, 2, 3], 2, false, Some(1)),
            (&[1, 2, 3], 3, true, None),
            (&[1, 2, 3], 1, false, None),
            (&[1, 5], 3, true, Some(5)),
            (&[1, 5], 3, false, Some(1)),
        ] {
            let found = neighbour(&ids(listed), &id(current), by_arrival, is_forward);
            assert_eq!(found, expected.map(id), "{listed:?} {current} {is_forward}");
        }
    }

    #[test]
    fn both_follow_the_order_of_the_list() {
        let listed = ids(&[3, 1, 2]);
        let rank = |id: &DraftId| [1, 2, 0][id.ordinal as usize - 1];
        assert_eq!(neighbour(&listed, &id(3), rank, true), Some(id(1)));
        assert_eq!(neighbour(&listed, &id(2), rank, true), None);
        assert_eq!(neighbour(&listed, &id(2), rank, false), Some(id(1)));
        assert_eq!(next_wanted(&listed, &id(1), rank, |_| true), Some(id(2)));
        assert_eq!(next_wanted(&listed, &id(2), rank, |_| true), Some(id(3)));
    }
}

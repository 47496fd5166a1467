//! Which task is read next.

use super::DraftId;

/// The first of the listed tasks after `current` that is wanted, or else the first one before it.
/// `current` itself need not be in the list, and is never the result. The list is in order of arrival.
#[must_use]
pub fn next_wanted(
    listed: &[DraftId],
    current: &DraftId,
    is_wanted: impl Fn(&DraftId) -> bool,
) -> Option<DraftId> {
    let after = listed.partition_point(|id| id.ordinal <= current.ordinal);
    let (before, after) = listed.split_at_checked(after).unwrap_or((listed, &[]));
    after
        .iter()
        .chain(before)
        .find(|id| *id != current && is_wanted(id))
        .cloned()
}

/// The listed task next to `current`, forwards or backwards. `None` at the end of the list.
#[must_use]
pub fn neighbour(listed: &[DraftId], current: &DraftId, is_forward: bool) -> Option<DraftId> {
    if is_forward {
        listed.iter().find(|id| id.ordinal > current.ordinal)
    } else {
        listed.iter().rev().find(|id| id.ordinal < current.ordinal)
    }
    .cloned()
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
            let found = next_wanted(&ids(listed), &id(current), |id| {
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
            let found = neighbour(&ids(listed), &id(current), is_forward);
            assert_eq!(found, expected.map(id), "{listed:?} {current} {is_forward}");
        }
    }
}

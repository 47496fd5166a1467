//! Where the rows of the list are, and which of them are drawn.

use std::ops::Range;

use super::arrangement::ListGroup;

/// The positions of rows of one height, with a heading before each group. Lengths are in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowGeometry<'g> {
    /// The number of rows.
    pub total: usize,
    /// The groups of the list.
    pub groups: &'g [ListGroup],
    /// The height of a row.
    pub row: f64,
    /// The height of a heading.
    pub heading: f64,
}

impl RowGeometry<'_> {
    /// The number of headings above the row at this position.
    #[must_use]
    pub fn headings_above(&self, position: usize) -> usize {
        self.groups.partition_point(|group| group.start <= position)
    }

    /// Where the row at this position begins, below the start of the list.
    #[must_use]
    pub fn top(&self, position: usize) -> f64 {
        position as f64 * self.row + self.headings_above(position) as f64 * self.heading
    }

    /// The positions of the rows to draw: those in sight, and `margin` more above and below.
    #[must_use]
    pub fn drawn(&self, scroll_top: f64, height: f64, margin: usize) -> Range<usize> {
        // Headings may begin above their row, so a row begins at the end of the one before it.
        let above = self.first(|position| self.top(position) + self.row > scroll_top);
        let below = self.first(|position| self.top(position) >= scroll_top + height);
        let from = above.saturating_sub(margin);
        from..below.saturating_add(margin).clamp(from, self.total)
    }

    /// How far to scroll so that the row at this position is in sight; `None` if it is.
    #[must_use]
    pub fn scroll_to(&self, position: usize, scroll_top: f64, height: f64) -> Option<f64> {
        let top = self.top(position);
        if top < scroll_top {
            // With its heading, if it is the first of its group.
            let is_first = self.groups.iter().any(|group| group.start == position);
            return Some(if is_first { top - self.heading } else { top });
        }
        let bottom = top + self.row;
        (bottom > scroll_top + height).then_some(bottom - height)
    }

    /// How many rows *Page up* and *Page down* move: one less than fit.
    #[must_use]
    pub fn page(&self, height: f64) -> usize {
        if self.row < 1.0 {
            return 1;
        }
        // The cast saturates.
        ((height / self.row).floor() as usize)
            .saturating_sub(1)
            .max(1)
    }

    /// The first position for which a condition holds that holds for all positions after it.
    fn first(&self, holds: impl Fn(usize) -> bool) -> usize {
        let mut range = 0..self.total;
        while !range.is_empty() {
            let middle = range.start + range.len() / 2;
            if holds(middle) {
                range.end = middle;
            } else {
                range.start = middle + 1;
            }
        }
        range.start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::review::list::TaskGroup;

    fn groups(starts: &[usize]) -> Vec<ListGroup> {
        starts
            .iter()
            .map(|start| ListGroup {
                group: TaskGroup::Cycle,
                start: *start,
                len: 1,
            })
            .collect()
    }

    #[test]
    fn a_row_out_of_sight_is_scrolled_to_and_no_further() {
        let groups = groups(&[0, 3]);
        let geometry = RowGeometry {
            total: 100,
            groups: &groups,
            row: 40.0,
            heading: 20.0,
        };
        assert_eq!(geometry.top(0), 20.0);
        assert_eq!(geometry.top(3), 160.0);
        for (position, scroll_top, expected) in [
            (0, 0.0, None),
            (0, 50.0, Some(0.0)),
            (3, 150.0, None),
            (3, 300.0, Some(140.0)),
            (4, 300.0, Some(200.0)),
            (12, 0.0, Some(160.0)),
        ] {
            let found = geometry.scroll_to(position, scroll_top, 400.0);
            assert_eq!(found, expected, "{position} at {scroll_top}");
        }
        assert_eq!(geometry.page(400.0), 9);
        assert_eq!(geometry.page(10.0), 1);
    }

    proptest! {
        #[test]
        fn every_row_in_sight_is_drawn_and_few_others(
            total in 0_usize..20_000,
            starts in proptest::collection::btree_set(0_usize..20_000, 0..20),
            row in 1.0..80.0_f64,
            heading in 0.0..80.0_f64,
            scrolled in 0.0..1.0_f64,
            height in 0.0..3_000.0_f64,
        ) {
            let starts: Vec<usize> = starts.into_iter().filter(|start| *start < total).collect();
            let groups = groups(&starts);
            let geometry = RowGeometry { total, groups: &groups, row, heading };
            let scroll_top = (scrolled * geometry.top(total)).floor();
            let drawn = geometry.drawn(scroll_top, height, 10);
            prop_assert!(drawn.end <= total);
            for position in (0..total).filter(|position| {
                let top = geometry.top(*position);
                top < scroll_top + height && top + row > scroll_top
            }) {
                prop_assert!(drawn.contains(&position), "{} of {:?}", position, drawn);
            }
            let most = (height / row).ceil() as usize + 22;
            prop_assert!(drawn.len() <= most, "{} rows", drawn.len());
        }

        #[test]
        fn after_scrolling_to_a_row_it_is_in_sight(
            position in 0_usize..1_000,
            scroll_top in 0.0..50_000.0_f64,
        ) {
            let groups = groups(&[0, 17, 400]);
            let geometry = RowGeometry { total: 1_000, groups: &groups, row: 44.0, heading: 32.0 };
            let to = geometry.scroll_to(position, scroll_top, 500.0).unwrap_or(scroll_top);
            let top = geometry.top(position);
            prop_assert!(top >= to && top + 44.0 <= to + 500.0);
            prop_assert_eq!(geometry.scroll_to(position, to, 500.0), None);
        }
    }
}

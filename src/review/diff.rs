//! Line-by-line comparison of two texts.

use std::ops::Range;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffLine {
    /// A line of both texts.
    Same(String),
    /// A line of the first text only.
    Removed(String),
    /// A line of the second text only.
    Added(String),
    /// This many lines of both texts, omitted because they are far from every change.
    Folded(usize),
}

/// Unchanged lines shown on each side of a change.
const CONTEXT: usize = 3;
/// Limit for comparing line by line: lines of both texts without their common beginning and end. The
/// worst inputs below the limit take some 50 ms. This is a number of lines and not a deadline,
/// because `std::time::Instant` panics on wasm32-unknown-unknown.
const MAX_LINES: usize = 5_000;

/// Compares two texts. Long unchanged stretches are folded. If more than `MAX_LINES` lines would
/// have to be compared, they are shown as one removal and one addition.
#[must_use]
pub fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let before: Vec<&str> = before.split('\n').collect();
    let after: Vec<&str> = after.split('\n').collect();
    let mut lines = Vec::new();
    let mut shown_until = 0;
    for op in group_diff_ops(operations(&before, &after), CONTEXT)
        .iter()
        .flatten()
    {
        let old = op.old_range();
        fold(&before, shown_until..old.start, &mut lines);
        shown_until = old.end;
        if op.tag() == DiffTag::Equal {
            lines.extend(texts(&before, old).map(DiffLine::Same));
        } else {
            lines.extend(texts(&before, old).map(DiffLine::Removed));
            lines.extend(texts(&after, op.new_range()).map(DiffLine::Added));
        }
    }
    fold(&before, shown_until..before.len(), &mut lines);
    lines
}

/// The edits that lead from `before` to `after`.
fn operations(before: &[&str], after: &[&str]) -> Vec<DiffOp> {
    let prefix = common(before.iter(), after.iter());
    let shorter = before.len().min(after.len());
    let suffix = common(before.iter().rev(), after.iter().rev()).min(shorter - prefix);
    let old_len = before.len() - prefix - suffix;
    let new_len = after.len() - prefix - suffix;
    if old_len + new_len <= MAX_LINES {
        return capture_diff_slices(Algorithm::Myers, before, after);
    }
    vec![
        DiffOp::Equal {
            old_index: 0,
            new_index: 0,
            len: prefix,
        },
        DiffOp::Replace {
            old_index: prefix,
            old_len,
            new_index: prefix,
            new_len,
        },
        DiffOp::Equal {
            old_index: prefix + old_len,
            new_index: prefix + new_len,
            len: suffix,
        },
    ]
}

/// Number of equal items at the beginning of two sequences.
fn common<'a>(
    first: impl Iterator<Item = &'a &'a str>,
    second: impl Iterator<Item = &'a &'a str>,
) -> usize {
    first.zip(second).take_while(|(a, b)| a == b).count()
}

fn texts<'a>(lines: &'a [&str], range: Range<usize>) -> impl Iterator<Item = String> + 'a {
    let lines = lines.get(range).unwrap_or_default();
    lines.iter().map(|line| (*line).to_owned())
}

/// Folds unchanged lines. A single line is shown instead, because it takes no more space.
fn fold(before: &[&str], range: Range<usize>, lines: &mut Vec<DiffLine>) {
    match range.len() {
        0 => {}
        1 => lines.extend(texts(before, range).map(DiffLine::Same)),
        count => lines.push(DiffLine::Folded(count)),
    }
}

// proptest is a dependency on native targets only.
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_line_is_removed_and_added_with_its_context_around() {
        let lines = diff(
            "{\n  \"a\": 1,\n  \"b\": 2\n}",
            "{\n  \"a\": 1,\n  \"b\": 3\n}",
        );
        assert_eq!(
            lines,
            [
                DiffLine::Same("{".to_owned()),
                DiffLine::Same("  \"a\": 1,".to_owned()),
                DiffLine::Removed("  \"b\": 2".to_owned()),
                DiffLine::Added("  \"b\": 3".to_owned()),
                DiffLine::Same("}".to_owned()),
            ]
        );
    }

    #[test]
    fn lines_far_from_every_change_are_folded() {
        let text = "x\n".repeat(40);
        assert_eq!(diff(&text, &text), [DiffLine::Folded(41)]);
        let lines = diff(&text, &format!("{text}y"));
        assert_eq!(lines.first(), Some(&DiffLine::Folded(37)));
    }

    #[test]
    fn a_single_unchanged_line_is_shown_instead_of_a_fold() {
        // Seven unchanged lines between two changes: three of context on each side, and one more.
        let lines = diff("a\n1\n2\n3\n4\n5\n6\n7\nb", "A\n1\n2\n3\n4\n5\n6\n7\nB");
        assert!(lines.contains(&DiffLine::Same("4".to_owned())));
        assert!(!lines.iter().any(|line| matches!(line, DiffLine::Folded(_))));
    }

    #[test]
    fn texts_beyond_the_limit_are_one_removal_and_one_addition() {
        let numbered = |name: &str| {
            let lines: Vec<String> = (0..MAX_LINES).map(|n| format!("{name}{n}")).collect();
            format!("first\n{}\nlast", lines.join("\n"))
        };
        let lines = diff(&numbered("a"), &numbered("b"));
        assert_eq!(lines.len(), 2 * MAX_LINES + 2);
        assert_eq!(lines[0], DiffLine::Same("first".to_owned()));
        assert_eq!(lines[1], DiffLine::Removed("a0".to_owned()));
        assert_eq!(lines[MAX_LINES + 1], DiffLine::Added("b0".to_owned()));
        assert_eq!(lines[2 * MAX_LINES + 1], DiffLine::Same("last".to_owned()));
    }

    #[test]
    fn a_small_change_in_a_long_text_is_compared_line_by_line() {
        let text = "x\n".repeat(10 * MAX_LINES);
        let lines = diff(&text, &format!("{text}y"));
        assert_eq!(
            lines.last_chunk(),
            Some(&[
                DiffLine::Removed(String::new()),
                DiffLine::Added("y".to_owned())
            ])
        );
    }

    proptest! {
        #[test]
        fn every_line_is_shown_or_folded(
            before in "[ab\n]{0,200}",
            after in "[ab\n]{0,200}",
        ) {
            let (mut old, mut new) = (0, 0);
            for line in diff(&before, &after) {
                match line {
                    DiffLine::Same(_) => (old, new) = (old + 1, new + 1),
                    DiffLine::Removed(_) => old += 1,
                    DiffLine::Added(_) => new += 1,
                    DiffLine::Folded(count) => (old, new) = (old + count, new + count),
                }
            }
            prop_assert_eq!(old, before.split('\n').count());
            prop_assert_eq!(new, after.split('\n').count());
        }

        #[test]
        fn both_texts_can_be_reconstructed_from_an_unfolded_comparison(
            before in "[ab\n]{0,12}",
            after in "[ab\n]{0,12}",
        ) {
            let lines = diff(&before, &after);
            let read = |select: fn(&DiffLine) -> Option<&str>| {
                lines.iter().filter_map(select).map(str::to_owned).collect::<Vec<_>>()
            };
            if !lines.iter().any(|line| matches!(line, DiffLine::Folded(_))) {
                let old = read(|line| match line {
                    DiffLine::Same(text) | DiffLine::Removed(text) => Some(text),
                    _ => None,
                });
                let new = read(|line| match line {
                    DiffLine::Same(text) | DiffLine::Added(text) => Some(text),
                    _ => None,
                });
                prop_assert_eq!(old.join("\n"), before);
                prop_assert_eq!(new.join("\n"), after);
            }
        }
    }
}

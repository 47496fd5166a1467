//! What changed between two texts, line by line.

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffLine {
    /// In both texts.
    Same(String),
    /// In the first text only.
    Removed(String),
    /// In the second text only.
    Added(String),
    /// This many lines that are in both, left out because nothing near them changed.
    Folded(usize),
}

/// Lines that stay visible on each side of a change.
const CONTEXT: usize = 3;
/// Products of line counts beyond this are not compared line by line: 4 million cells take some
/// 10 ms and 16 MB.
const MAX_CELLS: usize = 4_000_000;

/// The shortest list of removed and added lines that leads from `before` to `after`; long
/// unchanged stretches are folded. Texts with very many changed lines come as one removal and one
/// addition.
#[must_use]
pub fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.split('\n').collect(), after.split('\n').collect());
    let head = common(before.iter(), after.iter());
    let (first, second) = (
        before.get(head..).unwrap_or_default(),
        after.get(head..).unwrap_or_default(),
    );
    let tail = common(first.iter().rev(), second.iter().rev());
    let middle_before = first.get(..first.len() - tail).unwrap_or_default();
    let middle_after = second.get(..second.len() - tail).unwrap_or_default();

    let mut lines = Vec::new();
    lines.extend(before.iter().take(head).map(|line| same(line)));
    compare(middle_before, middle_after, &mut lines);
    lines.extend(first.iter().skip(first.len() - tail).map(|line| same(line)));
    fold(lines)
}

fn same(line: &str) -> DiffLine {
    DiffLine::Same(line.to_owned())
}

/// How many items two sequences begin with in common.
fn common<'a>(
    first: impl Iterator<Item = &'a &'a str>,
    second: impl Iterator<Item = &'a &'a str>,
) -> usize {
    first.zip(second).take_while(|(a, b)| a == b).count()
}

/// Longest common subsequence by the usual table, filled from the ends.
fn compare(before: &[&str], after: &[&str], lines: &mut Vec<DiffLine>) {
    let removed = |line: &&str| DiffLine::Removed((*line).to_owned());
    let added = |line: &&str| DiffLine::Added((*line).to_owned());
    if before.len().saturating_mul(after.len()) > MAX_CELLS {
        lines.extend(before.iter().map(removed));
        lines.extend(after.iter().map(added));
        return;
    }
    let width = after.len() + 1;
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| {
        lengths.get(i * width + j).copied().unwrap_or_default()
    };
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in after.iter().enumerate().rev() {
            let length = if old == new {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (before.get(i), after.get(j)) {
            (Some(old), Some(new)) if old == new => {
                lines.push(same(old));
                (i, j) = (i + 1, j + 1);
            }
            (Some(old), Some(_)) if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) => {
                lines.push(removed(old));
                i += 1;
            }
            (Some(old), None) => {
                lines.push(removed(old));
                i += 1;
            }
            (_, Some(new)) => {
                lines.push(added(new));
                j += 1;
            }
            (None, None) => return,
        }
    }
}

/// Leaves out unchanged lines that are far from every change.
fn fold(lines: Vec<DiffLine>) -> Vec<DiffLine> {
    let is_change = |line: &DiffLine| !matches!(line, DiffLine::Same(_));
    let changes: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| is_change(line).then_some(at))
        .collect();
    let is_near = |at: usize| {
        let next = changes.partition_point(|change| *change < at);
        let near = |change: Option<&usize>| change.is_some_and(|c| c.abs_diff(at) <= CONTEXT);
        near(changes.get(next)) || near(next.checked_sub(1).and_then(|before| changes.get(before)))
    };
    let mut folded = Vec::new();
    let mut hidden: Vec<DiffLine> = Vec::new();
    for (at, line) in lines.into_iter().enumerate() {
        if is_near(at) {
            put_hidden(&mut hidden, &mut folded);
            folded.push(line);
        } else {
            hidden.push(line);
        }
    }
    put_hidden(&mut hidden, &mut folded);
    folded
}

/// A fold of one line would take as much room as the line.
fn put_hidden(hidden: &mut Vec<DiffLine>, lines: &mut Vec<DiffLine>) {
    match hidden.len() {
        0 => {}
        1 => lines.append(hidden),
        count => {
            lines.push(DiffLine::Folded(count));
            hidden.clear();
        }
    }
}

// The property tests' crate is there natively only.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_line_is_removed_and_added_with_its_neighbours_around() {
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
    fn equal_texts_and_far_lines_are_folded() {
        let text = "x\n".repeat(40);
        assert_eq!(diff(&text, &text), [DiffLine::Folded(41)]);
        let lines = diff(&text, &format!("{text}y"));
        assert_eq!(lines.first(), Some(&DiffLine::Folded(37)));
    }

    #[test]
    fn two_long_texts_without_a_common_line_are_still_compared_at_once() {
        let (before, after) = ("a\n".repeat(9_000), "b\n".repeat(9_000));
        let lines = diff(&before, &after);
        assert!(lines.len() >= 18_000);
    }

    proptest! {
        #[test]
        fn the_two_texts_can_be_read_back_from_what_is_not_folded(
            before in "[ab\n]{0,12}",
            after in "[ab\n]{0,12}",
        ) {
            let lines = diff(&before, &after);
            let read = |keep: fn(&DiffLine) -> Option<&str>| {
                lines.iter().filter_map(keep).map(str::to_owned).collect::<Vec<_>>()
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

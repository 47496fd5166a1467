//! Headers and queries as lines of text.

use std::collections::{BTreeMap, BTreeSet};

/// Reads lines such as `Name: value` or `name=value`, divided by the first `separator`. Empty lines are
/// skipped.
///
/// # Errors
/// The number of the line, from 1, that has no separator, no name, or a name that an earlier line has;
/// of headers, also of a line without a value.
pub(super) fn read_pairs(text: &str, separator: char) -> Result<BTreeMap<String, String>, usize> {
    let mut pairs = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let pair = line.split_once(separator);
        let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        match pair {
            // A header without a value says nothing; a query parameter may.
            Some((_, value)) if separator == ':' && value.is_empty() => return Err(index + 1),
            Some((name, value)) if !name.is_empty() && !pairs.contains_key(&name) => {
                pairs.insert(name, value);
            }
            _ => return Err(index + 1),
        }
    }
    Ok(pairs)
}

/// Writes pairs as lines, with the text `between` name and value.
pub(super) fn write_pairs(pairs: &BTreeMap<String, String>, between: &str) -> String {
    let lines = pairs
        .iter()
        .map(|(name, value)| format!("{name}{between}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads names that are separated by commas or white space.
pub(super) fn read_names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Writes names, separated by commas.
pub(super) fn write_names(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let pairs = [("A", "1: 2"), ("B", "3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let pairs = BTreeMap::from(pairs);
        for (separator, between) in [(':', ": "), ('=', "=")] {
            let text = write_pairs(&pairs, between);
            assert_eq!(read_pairs(&text, separator), Ok(pairs.clone()), "{text}");
        }
        let names = read_names(" X-A,X-B\n X-C ");
        assert_eq!(write_names(&names), "X-A, X-B, X-C");
    }

    #[test]
    fn a_line_that_is_no_pair_is_named() {
        for (text, line) in [
            ("A", 1),
            ("A: 1\n\n: 2", 3),
            ("A: 1\nA: 2", 2),
            ("A: 1\nB:", 2),
        ] {
            assert_eq!(read_pairs(text, ':'), Err(line), "{text}");
        }
        assert!(read_pairs("a=", '=').is_ok());
    }
}

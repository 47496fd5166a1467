//! Finds titles that are nearly the same: with the words in another order or form, different
//! punctuation, or a typo. Titles with different numbers are never similar.

use std::collections::HashMap;

/// Words that are ignored.
const STOP_WORDS: [&str; 18] = [
    "a", "an", "the", "of", "for", "to", "and", "or", "in", "on", "at", "with", "by", "from", "is",
    "are", "be", "its",
];

/// Minimum length in characters of words that may differ by a typo.
const MIN_TYPO_LENGTH: usize = 6;

/// Returns the groups of two or more similar titles. Each group is in ascending order, and the
/// groups are ordered by their first title.
pub(super) fn groups(titles: &[Option<&str>]) -> Vec<Vec<usize>> {
    let mut sets = Sets::new(titles.len());
    let mut first_with: HashMap<String, usize> = HashMap::new();
    for (index, title) in titles.iter().enumerate() {
        for variant in title.map(variants_of).unwrap_or_default() {
            match first_with.get(&variant) {
                Some(other) => sets.join(index, *other),
                None => {
                    first_with.insert(variant, index);
                }
            }
        }
    }
    sets.groups()
}

/// The variants of a title; none if it has no word.
pub(super) fn variants_of(title: &str) -> Vec<String> {
    let words = meaningful_words(title);
    if words.is_empty() {
        return Vec::new();
    }
    variants(&words)
}

/// The words of a title in lower case, singular and alphabetical order, without stop words.
fn meaningful_words(title: &str) -> Vec<String> {
    let lower = title.to_lowercase();
    let all: Vec<&str> = lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut words: Vec<String> = all
        .iter()
        .filter(|word| !STOP_WORDS.contains(word))
        .map(|word| singular(word))
        .collect();
    if words.is_empty() {
        words = all.iter().map(|word| (*word).to_owned()).collect();
    }
    words.sort_unstable();
    words
}

fn singular(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 3 && !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// The joined words, and variants of them with one letter of one longer word left out: two titles
/// that differ in one letter share a variant. A variant contains the shortened word after a
/// separator, and the complete word is a variant too, so that an inserted letter is found as well.
fn variants(words: &[String]) -> Vec<String> {
    let mut variants = vec![words.join(" ")];
    for (place, word) in words.iter().enumerate() {
        let letters = word.chars().count();
        if letters < MIN_TYPO_LENGTH || word.chars().any(char::is_numeric) {
            continue;
        }
        let others: Vec<&str> = words
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != place)
            .map(|(_, word)| word.as_str())
            .collect();
        let others = others.join(" ");
        // Equals a variant of a title in which this word has one more letter.
        variants.push(format!("{others}|{word}"));
        if letters > MIN_TYPO_LENGTH {
            for left_out in 0..letters {
                let shorter: String = word
                    .chars()
                    .enumerate()
                    .filter(|(index, _)| *index != left_out)
                    .map(|(_, letter)| letter)
                    .collect();
                variants.push(format!("{others}|{shorter}"));
            }
        }
    }
    variants.sort_unstable();
    variants.dedup();
    variants
}

/// Disjoint sets with path halving.
struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Sets {
            parents: (0..count).collect(),
        }
    }

    fn root(&mut self, mut node: usize) -> usize {
        loop {
            let parent = self.parents.get(node).copied().unwrap_or(node);
            if parent == node {
                return node;
            }
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(node) {
                *slot = above;
            }
            node = above;
        }
    }

    /// Joins two sets; the smaller root becomes the root of both.
    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        if let Some(slot) = self.parents.get_mut(left.max(right)) {
            *slot = left.min(right);
        }
    }

    fn groups(mut self) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.parents.len()];
        for node in 0..self.parents.len() {
            let root = self.root(node);
            if let Some(group) = members.get_mut(root) {
                group.push(node);
            }
        }
        members.retain(|group| group.len() > 1);
        members
    }
}

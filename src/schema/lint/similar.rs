//! Titles that say the same in other letters: another order or form of the same words, another
//! punctuation, a slip of the pen. Two titles with different numbers are never the same.

use std::collections::HashMap;

/// Words that carry no meaning of their own.
const EMPTY: [&str; 18] = [
    "a", "an", "the", "of", "for", "to", "and", "or", "in", "on", "at", "with", "by", "from", "is",
    "are", "be", "its",
];

/// Words shorter than this are not taken for slips of each other.
const SHORTEST_SLIP: usize = 6;

/// The groups of two or more titles that are nearly the same, each in order, the groups by their
/// first title.
pub(super) fn groups(titles: &[Option<&str>]) -> Vec<Vec<usize>> {
    let mut sets = Sets::new(titles.len());
    let mut first_with: HashMap<String, usize> = HashMap::new();
    for (index, title) in titles.iter().enumerate() {
        let words = title.map(meaningful_words).unwrap_or_default();
        if words.is_empty() {
            continue;
        }
        for variant in variants(&words) {
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

/// The words of a title in lower case and in order of the alphabet, without empty ones, plurals
/// folded to singulars.
fn meaningful_words(title: &str) -> Vec<String> {
    let lower = title.to_lowercase();
    let all: Vec<&str> = lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut words: Vec<String> = all
        .iter()
        .filter(|word| !EMPTY.contains(word))
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

/// The text of the words, and that text with one letter of one longer word left out, for each
/// such letter: two texts that differ in one letter share a variant. The variants stand apart
/// from the text itself by the word they come from, so that an insertion is found too.
fn variants(words: &[String]) -> Vec<String> {
    let mut variants = vec![words.join(" ")];
    for (place, word) in words.iter().enumerate() {
        let letters = word.chars().count();
        if letters < SHORTEST_SLIP || word.chars().any(char::is_numeric) {
            continue;
        }
        let others: Vec<&str> = words
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != place)
            .map(|(_, word)| word.as_str())
            .collect();
        let others = others.join(" ");
        // The whole word stands for the other title's word with the additional letter taken out.
        variants.push(format!("{others}|{word}"));
        if letters > SHORTEST_SLIP {
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

    fn top(&mut self, mut node: usize) -> usize {
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

    /// The smaller index becomes the top of both.
    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.top(left), self.top(right));
        if let Some(slot) = self.parents.get_mut(left.max(right)) {
            *slot = left.min(right);
        }
    }

    fn groups(mut self) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.parents.len()];
        for node in 0..self.parents.len() {
            let top = self.top(node);
            if let Some(group) = members.get_mut(top) {
                group.push(node);
            }
        }
        members.retain(|group| group.len() > 1);
        members
    }
}

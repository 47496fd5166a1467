//! Regular expressions: a parser for the subset of ECMA-262 that schemas use, a matcher, and a
//! generator of matching strings.
//!
//! Supported are literals, `.`, classes, `\d \w \s` and their negations, `\p{…}` for the common
//! categories, escapes, groups, alternation, greedy and lazy quantifiers, `^ $ \b \B` and
//! lookahead. Backreferences, lookbehind and inline flags are refused.
//!
//! Hand-written, although the validator brings a regex crate: `strict::nulls` matches patterns on
//! every task's path, and the tables of a regex crate must stay out of the module's first file once
//! the validator has a file of its own.

use crate::random::SeededRng;

mod parser;

/// Attempts to generate a string before giving up on a pattern.
const ATTEMPTS: u32 = 60;
/// Nodes written in all attempts together before giving up on a pattern.
const GENERATE_STEPS: u32 = 200_000;
/// Steps of the matcher after which a string counts as not matching.
const MATCH_STEPS: u32 = 200_000;
/// Maximum recursion of the matcher into repeated groups.
const MATCH_DEPTH: u32 = 400;
/// Characters that a string may have beyond the minimum, unless `maxLength` is lower.
const EXTRA_CHARACTERS: usize = 24;

/// A node of a regular expression.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Start,
    End,
    Boundary { negated: bool },
    Set(Set),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, usize, Option<usize>),
    Lookahead { node: Box<Node>, negated: bool },
}

/// A set of characters.
#[derive(Clone, Debug, Default, PartialEq)]
struct Set {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Set {
    fn contains(&self, character: char) -> bool {
        let listed = self
            .ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character));
        listed != self.negated
    }

    /// The characters to generate from: the printable ASCII characters in the set if there are any,
    /// else the first characters of each range.
    fn characters(&self) -> Vec<char> {
        let printable: Vec<char> = (' '..='~').filter(|it| self.contains(*it)).collect();
        if !printable.is_empty() {
            return printable;
        }
        self.ranges
            .iter()
            .flat_map(|(first, last)| (*first..=*last).take(64))
            .filter(|it| self.contains(*it))
            .collect()
    }
}

/// A parsed regular expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    node: Node,
}

impl Pattern {
    /// Parses a regular expression.
    ///
    /// # Errors
    /// A description of what is unsupported or malformed.
    pub(crate) fn parse(source: &str) -> Result<Pattern, String> {
        parser::parse(source).map(|node| Pattern { node })
    }

    /// Whether the expression matches anywhere in the text, as `pattern` requires (JSON Schema
    /// validation, 6.3.3). Returns false if matching takes too many steps.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let mut matcher = Matcher {
            characters: &characters,
            steps: MATCH_STEPS,
        };
        (0..=characters.len()).any(|at| matcher.run(&self.node, at, 0, &mut |_, _| true))
    }

    /// Generates a matching string of `min` to `max` characters; `None` if none was found.
    pub(crate) fn generate(
        &self,
        random: &mut SeededRng,
        min: usize,
        max: Option<usize>,
    ) -> Option<String> {
        let shortest = shortest(&self.node);
        let missing = min.saturating_sub(shortest);
        let most_extra = missing.saturating_add(EXTRA_CHARACTERS);
        let room = max.map_or(most_extra, |max| max.saturating_sub(shortest));
        let mut steps = GENERATE_STEPS;
        (0..ATTEMPTS).find_map(|attempt| {
            let mut generator = Generator {
                random: &mut *random,
                missing,
                room: room.min(most_extra),
                greedy: attempt % 2 == 1,
                steps: &mut steps,
                text: String::new(),
            };
            generator.write(&self.node)?;
            let mut text = generator.text;
            // Pad the text; patterns without an end anchor still match.
            for _ in text.chars().count()..min {
                text.push(random.pick(&['a', 'e', 'n', 'r', 's', 't']).copied()?);
            }
            let length = text.chars().count();
            let fits = length >= min && max.is_none_or(|max| length <= max);
            (fits && self.matches(&text)).then_some(text)
        })
    }
}

/// The length of the shortest string that a node matches.
fn shortest(node: &Node) -> usize {
    match node {
        Node::Start | Node::End | Node::Boundary { .. } | Node::Lookahead { .. } => 0,
        Node::Set(_) => 1,
        Node::Sequence(nodes) => nodes
            .iter()
            .fold(0, |sum, node| sum.saturating_add(shortest(node))),
        Node::Either(nodes) => nodes.iter().map(shortest).min().unwrap_or(0),
        Node::Repeat(node, min, _) => shortest(node).saturating_mul(*min),
    }
}

/// Generates one string. Anchors and lookaheads are ignored here; the matcher verifies the result.
struct Generator<'r> {
    random: &'r mut SeededRng,
    /// Characters still missing to reach the minimum length.
    missing: usize,
    /// Characters that may still be added.
    room: usize,
    /// Whether the first repetition adds all missing characters.
    greedy: bool,
    /// Nodes that may still be written, in this and later attempts.
    steps: &'r mut u32,
    text: String,
}

impl Generator<'_> {
    fn write(&mut self, node: &Node) -> Option<()> {
        *self.steps = self.steps.checked_sub(1)?;
        match node {
            Node::Start | Node::End | Node::Boundary { .. } | Node::Lookahead { .. } => {}
            Node::Set(set) => {
                let characters = set.characters();
                // Prefer letters and digits to punctuation.
                let plain: Vec<char> = characters
                    .iter()
                    .copied()
                    .filter(char::is_ascii_alphanumeric)
                    .collect();
                let lower: Vec<char> = plain
                    .iter()
                    .copied()
                    .filter(char::is_ascii_lowercase)
                    .collect();
                let from = if !lower.is_empty() && self.random.chance(3, 4) {
                    &lower
                } else if !plain.is_empty() && self.random.chance(7, 8) {
                    &plain
                } else {
                    &characters
                };
                self.text.push(*self.random.pick(from)?);
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.write(node)?;
                }
            }
            Node::Either(nodes) => {
                let min = shortest(node);
                let fitting: Vec<(&Node, usize)> = nodes
                    .iter()
                    .map(|node| (node, shortest(node) - min))
                    .filter(|(_, extra)| *extra <= self.room)
                    .collect();
                let (chosen, extra) = *self.random.pick(&fitting)?;
                self.room -= extra;
                self.missing = self.missing.saturating_sub(extra);
                self.write(chosen)?;
            }
            Node::Repeat(node, min, max) => {
                let unit = shortest(node).max(1);
                let extra = self.extra(unit, max.map(|max| max.saturating_sub(*min)));
                self.room = self.room.saturating_sub(extra.saturating_mul(unit));
                self.missing = self.missing.saturating_sub(extra.saturating_mul(unit));
                for _ in 0..min.saturating_add(extra) {
                    self.write(node)?;
                }
            }
        }
        Some(())
    }

    /// The number of repetitions to add beyond the minimum.
    fn extra(&mut self, unit: usize, allowed: Option<usize>) -> usize {
        let cap = allowed.unwrap_or(usize::MAX).min(self.room / unit);
        let wanted = self.missing.div_ceil(unit).min(cap);
        if self.greedy {
            return wanted;
        }
        let upper = cap.min(wanted.saturating_add(6));
        usize::try_from(self.random.below(upper as u64 + 1)).unwrap_or(0)
    }
}

/// A continuation: whether everything after a node matches from a position.
type Rest<'r> = &'r mut dyn FnMut(&mut Matcher<'_>, usize) -> bool;

/// A backtracking matcher with a bounded number of steps.
struct Matcher<'t> {
    characters: &'t [char],
    steps: u32,
}

impl Matcher<'_> {
    fn run(&mut self, node: &Node, at: usize, depth: u32, rest: Rest<'_>) -> bool {
        let Some(steps) = self.steps.checked_sub(1) else {
            return false;
        };
        self.steps = steps;
        if depth > MATCH_DEPTH {
            return false;
        }
        match node {
            Node::Start => at == 0 && rest(self, at),
            Node::End => at == self.characters.len() && rest(self, at),
            Node::Boundary { negated } => {
                let word = |index: Option<usize>| {
                    index
                        .and_then(|index| self.characters.get(index))
                        .is_some_and(|it| it.is_ascii_alphanumeric() || *it == '_')
                };
                let boundary = word(at.checked_sub(1)) != word(Some(at));
                boundary != *negated && rest(self, at)
            }
            Node::Set(set) => {
                self.characters
                    .get(at)
                    .is_some_and(|character| set.contains(*character))
                    && rest(self, at + 1)
            }
            Node::Sequence(nodes) => self.sequence(nodes, at, depth, rest),
            Node::Either(nodes) => nodes.iter().any(|node| self.run(node, at, depth + 1, rest)),
            Node::Repeat(node, min, max) => match &**node {
                Node::Set(set) => self.run_of_set(set, *min, *max, at, rest),
                node => self.repeat(node, *min, *max, at, depth, rest),
            },
            Node::Lookahead { node, negated } => {
                self.run(node, at, depth + 1, &mut |_, _| true) != *negated && rest(self, at)
            }
        }
    }

    fn sequence(&mut self, nodes: &[Node], at: usize, depth: u32, rest: Rest<'_>) -> bool {
        match nodes.split_first() {
            None => rest(self, at),
            Some((first, others)) => self.run(first, at, depth + 1, &mut |matcher, at| {
                matcher.sequence(others, at, depth + 1, rest)
            }),
        }
    }

    /// Matches a repeated set without recursion: the longest run first, then shorter ones.
    fn run_of_set(
        &mut self,
        set: &Set,
        min: usize,
        max: Option<usize>,
        at: usize,
        rest: Rest<'_>,
    ) -> bool {
        let longest = self
            .characters
            .iter()
            .skip(at)
            .take(max.unwrap_or(usize::MAX))
            .take_while(|character| set.contains(**character))
            .count();
        (min..=longest).rev().any(|length| rest(self, at + length))
    }

    fn repeat(
        &mut self,
        node: &Node,
        min: usize,
        max: Option<usize>,
        at: usize,
        depth: u32,
        rest: Rest<'_>,
    ) -> bool {
        let more = max.is_none_or(|max| max > 0)
            && self.run(node, at, depth + 1, &mut |matcher, next| {
                // A round that consumes nothing would repeat forever.
                (next > at || min > 0)
                    && matcher.repeat(
                        node,
                        min.saturating_sub(1),
                        max.map(|max| max - 1),
                        next,
                        depth + 1,
                        rest,
                    )
            });
        more || (min == 0 && rest(self, at))
    }
}

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
#[cfg(test)]
mod tests;

/// Attempts to generate a string before giving up on a pattern.
const ATTEMPTS: u32 = 60;
/// Nodes written in all attempts together before giving up on a pattern.
const GENERATE_STEPS: u32 = 200_000;
/// Steps of the matcher after which a string counts as not matching.
const MATCH_STEPS: u32 = 200_000;
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
        (0..=characters.len()).any(|at| matcher.run(&self.node, at))
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

/// What is left to match.
#[derive(Clone, Copy)]
enum Goal<'p> {
    Node(&'p Node),
    Sequence(&'p [Node]),
    Repeat {
        node: &'p Node,
        /// Rounds still required.
        min: usize,
        /// Rounds still allowed.
        max: Option<usize>,
        /// Where the last round started if it need not have happened.
        optional_from: Option<usize>,
    },
}

/// A goal, and the index of the goal after it.
#[derive(Clone, Copy)]
struct Pending<'p> {
    goal: Goal<'p>,
    next: Option<usize>,
}

/// Notes a goal to match before `next`, and returns its index.
fn before<'p>(goals: &mut Vec<Pending<'p>>, goal: Goal<'p>, next: Option<usize>) -> Option<usize> {
    goals.push(Pending { goal, next });
    goals.len().checked_sub(1)
}

/// Where to continue if what was tried does not match.
struct Alternative<'p> {
    at: usize,
    choice: Choice<'p>,
    next: Option<usize>,
    /// Goals that existed when this was noted. Later ones are not needed any more.
    goals: usize,
}

enum Choice<'p> {
    /// Match this goal, then the next.
    Goal(Goal<'p>),
    /// Continue with the next goal.
    Skip,
    /// A run of `length` characters of a set, or a shorter one of `min` at least.
    Run { min: usize, length: usize },
}

/// A backtracking matcher. The number of its steps is bounded, and so is its memory. Only
/// lookahead is matched by recursion, as deep as the parser lets groups nest.
struct Matcher<'t> {
    characters: &'t [char],
    steps: u32,
}

impl Matcher<'_> {
    /// Takes a number of steps; false if there are not enough.
    fn step(&mut self, count: u32) -> bool {
        match self.steps.checked_sub(count) {
            Some(steps) => {
                self.steps = steps;
                true
            }
            None => {
                self.steps = 0;
                false
            }
        }
    }

    /// Whether `node` matches from `at`. False if that takes too many steps.
    fn run(&mut self, node: &Node, at: usize) -> bool {
        let mut goals: Vec<Pending<'_>> = Vec::new();
        let mut alternatives = vec![Alternative {
            at,
            choice: Choice::Goal(Goal::Node(node)),
            next: None,
            goals: 0,
        }];
        while let Some(alternative) = alternatives.pop() {
            goals.truncate(alternative.goals);
            let mut at = alternative.at;
            let mut next = alternative.next;
            match alternative.choice {
                Choice::Goal(goal) => {
                    next = before(&mut goals, goal, next);
                }
                Choice::Skip => {}
                Choice::Run { min, length } => {
                    if length > min {
                        alternatives.push(Alternative {
                            choice: Choice::Run {
                                min,
                                length: length - 1,
                            },
                            ..alternative
                        });
                    }
                    at += length;
                }
            }
            loop {
                if !self.step(1) {
                    return false;
                }
                let Some(pending) = next.and_then(|index| goals.get(index)).copied() else {
                    // Nothing is left to match.
                    return true;
                };
                next = pending.next;
                let state = (&mut at, &mut next);
                if !self.advance(pending.goal, state, &mut goals, &mut alternatives) {
                    break;
                }
            }
        }
        false
    }

    /// Matches one goal, or replaces it by smaller ones before `next`. False if it does not match.
    fn advance<'p>(
        &mut self,
        goal: Goal<'p>,
        (at, next): (&mut usize, &mut Option<usize>),
        goals: &mut Vec<Pending<'p>>,
        alternatives: &mut Vec<Alternative<'p>>,
    ) -> bool {
        match goal {
            Goal::Sequence(nodes) => {
                if let Some((first, others)) = nodes.split_first() {
                    let rest = match others {
                        [] => *next,
                        others => before(goals, Goal::Sequence(others), *next),
                    };
                    *next = before(goals, Goal::Node(first), rest);
                }
                true
            }
            Goal::Repeat {
                node,
                min,
                max,
                optional_from,
            } => {
                // A round that consumes nothing would repeat forever.
                if optional_from == Some(*at) {
                    return false;
                }
                let skip = *next;
                if min == 0 && max == Some(0) {
                    return true;
                }
                if max == Some(0) {
                    return false;
                }
                if min == 0 {
                    alternatives.push(Alternative {
                        at: *at,
                        choice: Choice::Skip,
                        next: skip,
                        goals: goals.len(),
                    });
                }
                let again = Goal::Repeat {
                    node,
                    min: min.saturating_sub(1),
                    max: max.map(|max| max.saturating_sub(1)),
                    optional_from: (min == 0).then_some(*at),
                };
                let after = before(goals, again, skip);
                *next = before(goals, Goal::Node(node), after);
                true
            }
            Goal::Node(node) => match node {
                Node::Start => *at == 0,
                Node::End => *at == self.characters.len(),
                Node::Boundary { negated } => self.is_boundary(*at) != *negated,
                Node::Set(set) => {
                    let character = self.characters.get(*at);
                    let is_in_set = character.is_some_and(|it| set.contains(*it));
                    *at += 1;
                    is_in_set
                }
                Node::Sequence(nodes) => {
                    *next = before(goals, Goal::Sequence(nodes), *next);
                    true
                }
                Node::Either(nodes) => {
                    let Some((first, others)) = nodes.split_first() else {
                        return false;
                    };
                    let kept = goals.len();
                    alternatives.extend(others.iter().rev().map(|node| Alternative {
                        at: *at,
                        choice: Choice::Goal(Goal::Node(node)),
                        next: *next,
                        goals: kept,
                    }));
                    *next = before(goals, Goal::Node(first), *next);
                    true
                }
                Node::Repeat(node, min, max) => match &**node {
                    Node::Set(set) => match self.longest_run(set, *max, *at) {
                        Some(longest) if longest >= *min => {
                            if longest > *min {
                                alternatives.push(Alternative {
                                    at: *at,
                                    choice: Choice::Run {
                                        min: *min,
                                        length: longest - 1,
                                    },
                                    next: *next,
                                    goals: goals.len(),
                                });
                            }
                            *at += longest;
                            true
                        }
                        _ => false,
                    },
                    node => {
                        let repeat = Goal::Repeat {
                            node,
                            min: *min,
                            max: *max,
                            optional_from: None,
                        };
                        *next = before(goals, repeat, *next);
                        true
                    }
                },
                Node::Lookahead { node, negated } => self.run(node, *at) != *negated,
            },
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        let is_word = |index: Option<usize>| {
            index
                .and_then(|index| self.characters.get(index))
                .is_some_and(|it| it.is_ascii_alphanumeric() || *it == '_')
        };
        is_word(at.checked_sub(1)) != is_word(Some(at))
    }

    /// The number of characters of a set from `at`; `None` if counting them takes too many steps.
    fn longest_run(&mut self, set: &Set, max: Option<usize>, at: usize) -> Option<usize> {
        /// Characters that are compared in the time of one step.
        const CHARACTERS_OF_A_STEP: usize = 8;
        let longest = self
            .characters
            .iter()
            .skip(at)
            .take(max.unwrap_or(usize::MAX))
            .take_while(|character| set.contains(**character))
            .count();
        let steps = u32::try_from(longest / CHARACTERS_OF_A_STEP).unwrap_or(u32::MAX);
        self.step(steps).then_some(longest)
    }
}

//! Strings that match a regular expression: a reader for the subset of ECMA-262 that schemas use,
//! a generator, and a matcher that checks what was generated.
//!
//! Read are: literals, `.`, classes, `\d \w \s` and their opposites, `\p{…}` for the common
//! categories, escapes, groups, alternation, quantifiers (lazy ones too), `^ $ \b \B` and
//! look-aheads. Back-references, look-behinds and inline flags are refused.

use crate::random::SeededRng;

mod reader;

/// How often a string is made before the pattern is given up.
const TRIES: u32 = 60;
/// Nodes written, in all tries together, after which a pattern is given up.
const MAKE_STEPS: u32 = 200_000;
/// Steps of the matcher after which a string counts as not matching.
const MATCH_STEPS: u32 = 200_000;
/// How deep the matcher goes into groups that repeat.
const MATCH_DEPTH: u32 = 400;
/// Characters a string may have beyond what it must have, where no `maxLength` says less.
const SPARE: usize = 24;

/// One node of a regular expression.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Start,
    End,
    Boundary { negated: bool },
    Set(Set),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, usize, Option<usize>),
    Ahead { node: Box<Node>, negated: bool },
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

    /// The characters a generated string takes from the set: printable ASCII where there is any,
    /// else the beginning of the first range.
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

/// A regular expression that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    node: Node,
}

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What it holds that is not understood, in words.
    pub(crate) fn parse(source: &str) -> Result<Pattern, String> {
        reader::read(source).map(|node| Pattern { node })
    }

    /// Whether the expression matches somewhere in the text, as `pattern` asks (JSON Schema
    /// validation, 6.3.3). A match that takes too many steps to find counts as none.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let mut matcher = Matcher {
            characters: &characters,
            steps: MATCH_STEPS,
        };
        (0..=characters.len()).any(|at| matcher.run(&self.node, at, 0, &mut |_, _| true))
    }

    /// Makes a string of `least` to `most` characters that matches; `None` where none was found.
    pub(crate) fn generate(
        &self,
        random: &mut SeededRng,
        least: usize,
        most: Option<usize>,
    ) -> Option<String> {
        let shortest = shortest(&self.node);
        let missing = least.saturating_sub(shortest);
        let room = most.map_or(missing.saturating_add(SPARE), |most| {
            most.saturating_sub(shortest)
        });
        let mut steps = MAKE_STEPS;
        (0..TRIES).find_map(|attempt| {
            let mut maker = Maker {
                random: &mut *random,
                missing,
                room: room.min(missing.saturating_add(SPARE)),
                greedy: attempt % 2 == 1,
                steps: &mut steps,
                text: String::new(),
            };
            maker.write(&self.node)?;
            let mut text = maker.text;
            // What is not anchored at its end may go on.
            for _ in text.chars().count()..least {
                text.push(random.pick(&['a', 'e', 'n', 'r', 's', 't']).copied()?);
            }
            let length = text.chars().count();
            let fits = length >= least && most.is_none_or(|most| length <= most);
            (fits && self.matches(&text)).then_some(text)
        })
    }
}

/// The length of the shortest string a node takes.
fn shortest(node: &Node) -> usize {
    match node {
        Node::Start | Node::End | Node::Boundary { .. } | Node::Ahead { .. } => 0,
        Node::Set(_) => 1,
        Node::Sequence(nodes) => nodes
            .iter()
            .fold(0, |sum, node| sum.saturating_add(shortest(node))),
        Node::Either(nodes) => nodes.iter().map(shortest).min().unwrap_or(0),
        Node::Repeat(node, least, _) => shortest(node).saturating_mul(*least),
    }
}

/// Writes one string. Anchors and look-aheads write nothing: the matcher has the last word.
struct Maker<'r> {
    random: &'r mut SeededRng,
    /// How many characters are still to be added to reach the least length.
    missing: usize,
    /// How many characters may still be added.
    room: usize,
    /// Whether the first repetition adds all that is missing.
    greedy: bool,
    /// How many nodes may still be written, in this try and those after it.
    steps: &'r mut u32,
    text: String,
}

impl Maker<'_> {
    fn write(&mut self, node: &Node) -> Option<()> {
        *self.steps = self.steps.checked_sub(1)?;
        match node {
            Node::Start | Node::End | Node::Boundary { .. } | Node::Ahead { .. } => {}
            Node::Set(set) => {
                let characters = set.characters();
                // Letters and digits read better than punctuation, where there is a choice.
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
                let least = shortest(node);
                let fitting: Vec<(&Node, usize)> = nodes
                    .iter()
                    .map(|node| (node, shortest(node) - least))
                    .filter(|(_, extra)| *extra <= self.room)
                    .collect();
                let (chosen, extra) = *self.random.pick(&fitting)?;
                self.room -= extra;
                self.missing = self.missing.saturating_sub(extra);
                self.write(chosen)?;
            }
            Node::Repeat(node, least, most) => {
                let unit = shortest(node).max(1);
                let extra = self.extra(unit, most.map(|most| most.saturating_sub(*least)));
                self.room = self.room.saturating_sub(extra.saturating_mul(unit));
                self.missing = self.missing.saturating_sub(extra.saturating_mul(unit));
                for _ in 0..least.saturating_add(extra) {
                    self.write(node)?;
                }
            }
        }
        Some(())
    }

    /// How many repetitions to add beyond the least number.
    fn extra(&mut self, unit: usize, spare: Option<usize>) -> usize {
        let cap = spare.unwrap_or(usize::MAX).min(self.room / unit);
        let wanted = self.missing.div_ceil(unit).min(cap);
        let upper = if self.greedy {
            return wanted;
        } else {
            cap.min(wanted.saturating_add(6))
        };
        usize::try_from(self.random.below(upper as u64 + 1)).unwrap_or(0)
    }
}

/// What comes after a node: whether the rest matches from a position.
type Rest<'r> = &'r mut dyn FnMut(&mut Matcher<'_>, usize) -> bool;

/// A backtracking matcher with bounded steps.
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
            Node::Repeat(node, least, most) => match &**node {
                Node::Set(set) => self.run_of_set(set, *least, *most, at, rest),
                node => self.repeat(node, *least, *most, at, depth, rest),
            },
            Node::Ahead { node, negated } => {
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

    /// A repeated set needs no recursion: the longest run first, then shorter ones.
    fn run_of_set(
        &mut self,
        set: &Set,
        least: usize,
        most: Option<usize>,
        at: usize,
        rest: Rest<'_>,
    ) -> bool {
        let longest = self
            .characters
            .iter()
            .skip(at)
            .take(most.unwrap_or(usize::MAX))
            .take_while(|character| set.contains(**character))
            .count();
        (least..=longest)
            .rev()
            .any(|length| rest(self, at + length))
    }

    fn repeat(
        &mut self,
        node: &Node,
        least: usize,
        most: Option<usize>,
        at: usize,
        depth: u32,
        rest: Rest<'_>,
    ) -> bool {
        let more = most.is_none_or(|most| most > 0)
            && self.run(node, at, depth + 1, &mut |matcher, next| {
                // A round that takes nothing would go on for ever.
                (next > at || least > 0)
                    && matcher.repeat(
                        node,
                        least.saturating_sub(1),
                        most.map(|most| most - 1),
                        next,
                        depth + 1,
                        rest,
                    )
            });
        more || (least == 0 && rest(self, at))
    }
}

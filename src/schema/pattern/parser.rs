//! Reads the text of a regular expression into nodes.

use std::iter::Peekable;
use std::str::Chars;

use super::{Node, Set};

/// Patterns longer than this are not read.
const MOST_CHARACTERS: usize = 4_000;
/// Groups inside groups.
const MOST_DEPTH: u32 = 40;
/// Repetitions a quantifier may ask for.
const MOST_REPETITIONS: usize = 20_000;

/// Reads a whole regular expression.
///
/// # Errors
/// What it holds that is not understood, in words.
pub(super) fn read(source: &str) -> Result<Node, String> {
    if source.chars().count() > MOST_CHARACTERS {
        return Err(format!("it is longer than {MOST_CHARACTERS} characters"));
    }
    let mut reader = Reader {
        rest: source.chars().peekable(),
    };
    let node = reader.either(0)?;
    match reader.rest.next() {
        None => Ok(node),
        Some(character) => Err(format!("{character:?} closes nothing")),
    }
}

struct Reader<'s> {
    rest: Peekable<Chars<'s>>,
}

impl Reader<'_> {
    fn either(&mut self, depth: u32) -> Result<Node, String> {
        if depth > MOST_DEPTH {
            return Err("its groups are nested too deeply".to_owned());
        }
        let mut branches = vec![self.sequence(depth)?];
        while self.take('|') {
            branches.push(self.sequence(depth)?);
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => Node::Either(branches.into_iter().chain(last).collect()),
        })
    }

    fn sequence(&mut self, depth: u32) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(character) = self.rest.peek().copied() {
            if matches!(character, '|' | ')') {
                break;
            }
            let atom = self.atom(depth)?;
            nodes.push(self.quantified(atom)?);
        }
        Ok(Node::Sequence(nodes))
    }

    fn atom(&mut self, depth: u32) -> Result<Node, String> {
        match self.rest.next() {
            Some('^') => Ok(Node::Start),
            Some('$') => Ok(Node::End),
            Some('.') => Ok(Node::Set(Set {
                ranges: vec![('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')],
                negated: true,
            })),
            Some('[') => self.class().map(Node::Set),
            Some('(') => self.group(depth),
            Some('\\') => self.escape(),
            Some(character @ ('*' | '+' | '?')) => Err(format!("{character:?} repeats nothing")),
            Some(character) => Ok(single(character)),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn group(&mut self, depth: u32) -> Result<Node, String> {
        let mut ahead = None;
        if self.take('?') {
            match self.rest.next() {
                Some(':') => {}
                Some('=') => ahead = Some(false),
                Some('!') => ahead = Some(true),
                Some('P') if self.take('<') => self.name()?,
                Some('<') if !matches!(self.rest.peek(), Some('=' | '!')) => self.name()?,
                Some('<') => return Err("it looks behind".to_owned()),
                _ => return Err("it has inline flags or an unknown kind of group".to_owned()),
            }
        }
        let node = self.either(depth + 1)?;
        if !self.take(')') {
            return Err("a group is not closed".to_owned());
        }
        Ok(match ahead {
            Some(negated) => Node::Ahead {
                node: Box::new(node),
                negated,
            },
            None => node,
        })
    }

    fn name(&mut self) -> Result<(), String> {
        match self.rest.find(|character| *character == '>') {
            Some(_) => Ok(()),
            None => Err("a group's name is not closed".to_owned()),
        }
    }

    fn quantified(&mut self, atom: Node) -> Result<Node, String> {
        let (least, most) = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counted() {
                Some(counts) => counts,
                None => return Ok(atom),
            },
            _ => return Ok(atom),
        };
        if self.rest.peek() != Some(&'{') {
            self.rest.next();
        } else {
            self.rest.find(|character| *character == '}');
        }
        // A lazy quantifier takes the same strings.
        self.take('?');
        if least > MOST_REPETITIONS || most.is_some_and(|most| most < least) {
            return Err("a quantifier is out of range".to_owned());
        }
        Ok(Node::Repeat(Box::new(atom), least, most))
    }

    /// The numbers of a quantifier such as `{2,5}` that stands next, which is not taken yet.
    /// `None`: the brace is a literal one.
    fn counted(&self) -> Option<(usize, Option<usize>)> {
        let mut ahead = self.rest.clone();
        ahead.next();
        let mut inner = String::new();
        loop {
            match ahead.next()? {
                '}' => break,
                character => inner.push(character),
            }
        }
        match inner.split_once(',') {
            None => inner.parse().ok().map(|times| (times, Some(times))),
            Some((least, "")) => least.parse().ok().map(|least| (least, None)),
            Some((least, most)) => Some((least.parse().ok()?, Some(most.parse().ok()?))),
        }
    }

    fn escape(&mut self) -> Result<Node, String> {
        match self.rest.next() {
            Some('b') => Ok(Node::Boundary { negated: false }),
            Some('B') => Ok(Node::Boundary { negated: true }),
            Some('k' | '1'..='9') => Err("it refers back to a group".to_owned()),
            Some(character) => self.escaped(character).map(Node::Set),
            None => Err("it ends in a backslash".to_owned()),
        }
    }

    /// The set an escape means, in a class and outside of it.
    fn escaped(&mut self, character: char) -> Result<Set, String> {
        let one = |character: char| Set {
            ranges: vec![(character, character)],
            negated: false,
        };
        let class = |ranges: &[(char, char)], negated: bool| Set {
            ranges: ranges.to_vec(),
            negated,
        };
        Ok(match character {
            'd' | 'D' => class(&DIGITS, character == 'D'),
            'w' | 'W' => class(&WORD, character == 'W'),
            's' | 'S' => class(&SPACE, character == 'S'),
            'n' => one('\n'),
            'r' => one('\r'),
            't' => one('\t'),
            'f' => one('\u{c}'),
            'v' => one('\u{b}'),
            '0' => one('\0'),
            'c' => one(self.control()?),
            'x' => one(self.code_point(2)?),
            'u' if self.take('{') => {
                let mut digits = String::new();
                loop {
                    match self.rest.next() {
                        Some('}') => break,
                        Some(digit) => digits.push(digit),
                        None => return Err("an escape is not closed".to_owned()),
                    }
                }
                one(character_of(&digits)?)
            }
            'u' => one(self.code_point(4)?),
            'p' | 'P' => self.property(character == 'P')?,
            'A' | 'z' | 'Z' | 'G' => return Err(format!("\\{character} is not of ECMA-262")),
            other => one(other),
        })
    }

    fn control(&mut self) -> Result<char, String> {
        match self.rest.next() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                Ok(char::from(letter.to_ascii_uppercase() as u8 - b'@'))
            }
            _ => Err("\\c wants a letter".to_owned()),
        }
    }

    fn code_point(&mut self, length: usize) -> Result<char, String> {
        let digits: String = self.rest.by_ref().take(length).collect();
        if digits.chars().count() == length {
            character_of(&digits)
        } else {
            Err("an escape is too short".to_owned())
        }
    }

    /// `\p{…}` for the categories schemas use: the Latin part of each.
    fn property(&mut self, negated: bool) -> Result<Set, String> {
        if !self.take('{') {
            return Err("\\p wants a name in braces".to_owned());
        }
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(character) => name.push(character),
                None => return Err("an escape is not closed".to_owned()),
            }
        }
        let ranges: &[(char, char)] = match name.as_str() {
            "L" | "Letter" | "Alphabetic" => &[('A', 'Z'), ('a', 'z'), ('à', 'ö')],
            "Lu" | "Uppercase_Letter" | "Uppercase" => &[('A', 'Z'), ('À', 'Ö')],
            "Ll" | "Lowercase_Letter" | "Lowercase" => &[('a', 'z'), ('à', 'ö')],
            "N" | "Nd" | "Number" | "Decimal_Number" => &DIGITS,
            "ASCII" => &[('\0', '\u{7f}')],
            _ => return Err(format!("\\p{{{name}}} is not understood")),
        };
        Ok(Set {
            ranges: ranges.to_vec(),
            negated,
        })
    }

    /// A class, its opening bracket taken already.
    fn class(&mut self) -> Result<Set, String> {
        let negated = self.take('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let first = match self.rest.next() {
                None => return Err("a class is not closed".to_owned()),
                Some(']') => break,
                Some('\\') => match self.class_escape()? {
                    ClassItem::One(character) => character,
                    ClassItem::Many(many) => {
                        ranges.extend(many);
                        continue;
                    }
                },
                Some(character) => character,
            };
            let mut ahead = self.rest.clone();
            let is_range =
                ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']');
            if !is_range {
                ranges.push((first, first));
                continue;
            }
            self.rest = ahead;
            let last = match self.rest.next() {
                Some('\\') => match self.class_escape()? {
                    ClassItem::One(character) => character,
                    ClassItem::Many(many) => {
                        ranges.extend(many);
                        ranges.extend([(first, first), ('-', '-')]);
                        continue;
                    }
                },
                Some(character) => character,
                None => return Err("a class is not closed".to_owned()),
            };
            if last < first {
                return Err(format!("the range {first}-{last} is upside down"));
            }
            ranges.push((first, last));
        }
        Ok(Set { ranges, negated })
    }

    fn class_escape(&mut self) -> Result<ClassItem, String> {
        match self.rest.next() {
            None => Err("a class is not closed".to_owned()),
            Some('b') => Ok(ClassItem::One('\u{8}')),
            Some(character) => {
                let set = self.escaped(character)?;
                Ok(match set.ranges.as_slice() {
                    [(first, last)] if first == last && !set.negated => ClassItem::One(*first),
                    _ if set.negated => ClassItem::Many(outside(&set.ranges)),
                    _ => ClassItem::Many(set.ranges),
                })
            }
        }
    }

    fn take(&mut self, expected: char) -> bool {
        self.rest
            .next_if(|character| *character == expected)
            .is_some()
    }
}

/// What an escape in a class means.
enum ClassItem {
    One(char),
    Many(Vec<(char, char)>),
}

const DIGITS: [(char, char); 1] = [('0', '9')];
const WORD: [(char, char); 4] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: [(char, char); 6] = [
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{feff}', '\u{feff}'),
];

/// Every character that is in none of the ranges, which are in order and do not overlap.
fn outside(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let mut gaps = Vec::new();
    let mut next = Some('\0');
    for (first, last) in ranges {
        let before = ('\0'..*first).next_back();
        if let (Some(from), Some(to)) = (next, before)
            && from <= to
        {
            gaps.push((from, to));
        }
        next = (*last..=char::MAX).nth(1);
    }
    gaps.extend(next.map(|from| (from, char::MAX)));
    gaps
}

fn single(character: char) -> Node {
    Node::Set(Set {
        ranges: vec![(character, character)],
        negated: false,
    })
}

/// The character of a hexadecimal number.
fn character_of(digits: &str) -> Result<char, String> {
    u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("{digits:?} is no code point"))
}

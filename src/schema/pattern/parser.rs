//! Parses regular expressions.

use std::iter::Peekable;
use std::str::Chars;

use super::{Node, Set};

/// Maximum length of a pattern, in characters.
const MAX_CHARACTERS: usize = 4_000;
/// Maximum nesting of groups.
const MAX_DEPTH: u32 = 40;
/// Maximum lower bound of a quantifier.
const MAX_REPETITIONS: usize = 20_000;

/// Parses a complete regular expression.
///
/// # Errors
/// A description of what is unsupported or malformed.
pub(super) fn parse(source: &str) -> Result<Node, String> {
    if source.chars().count() > MAX_CHARACTERS {
        return Err(format!("it is longer than {MAX_CHARACTERS} characters"));
    }
    let mut parser = Parser {
        rest: source.chars().peekable(),
    };
    let node = parser.either(0)?;
    match parser.rest.next() {
        None => Ok(node),
        Some(character) => Err(format!("unmatched “{character}”")),
    }
}

struct Parser<'s> {
    rest: Peekable<Chars<'s>>,
}

impl Parser<'_> {
    fn either(&mut self, depth: u32) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err("groups are nested too deeply".to_owned());
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
            Some(character @ ('*' | '+' | '?')) => {
                Err(format!("nothing to repeat before “{character}”"))
            }
            Some(character) => Ok(single(character)),
            None => Err("it ends unexpectedly".to_owned()),
        }
    }

    fn group(&mut self, depth: u32) -> Result<Node, String> {
        let mut lookahead = None;
        if self.take('?') {
            match self.rest.next() {
                Some(':') => {}
                Some('=') => lookahead = Some(false),
                Some('!') => lookahead = Some(true),
                Some('P') if self.take('<') => self.name()?,
                Some('<') if !matches!(self.rest.peek(), Some('=' | '!')) => self.name()?,
                Some('<') => return Err("lookbehind is not supported".to_owned()),
                _ => {
                    return Err("inline flags and this kind of group are not supported".to_owned());
                }
            }
        }
        let node = self.either(depth + 1)?;
        if !self.take(')') {
            return Err("a group is not closed".to_owned());
        }
        Ok(match lookahead {
            Some(negated) => Node::Lookahead {
                node: Box::new(node),
                negated,
            },
            None => node,
        })
    }

    fn name(&mut self) -> Result<(), String> {
        match self.rest.find(|character| *character == '>') {
            Some(_) => Ok(()),
            None => Err("a group name is not closed".to_owned()),
        }
    }

    fn quantified(&mut self, atom: Node) -> Result<Node, String> {
        let (min, max) = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.peek_braces() {
                Some(bounds) => bounds,
                None => return Ok(atom),
            },
            _ => return Ok(atom),
        };
        if self.rest.peek() != Some(&'{') {
            self.rest.next();
        } else {
            self.rest.find(|character| *character == '}');
        }
        // A lazy quantifier matches the same strings.
        self.take('?');
        if min > MAX_REPETITIONS || max.is_some_and(|max| max < min) {
            return Err("a quantifier is out of range".to_owned());
        }
        Ok(Node::Repeat(Box::new(atom), min, max))
    }

    /// The bounds of a quantifier such as `{2,5}`, without consuming it. `None` if the brace is a
    /// literal.
    fn peek_braces(&self) -> Option<(usize, Option<usize>)> {
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
            Some((min, "")) => min.parse().ok().map(|min| (min, None)),
            Some((min, max)) => Some((min.parse().ok()?, Some(max.parse().ok()?))),
        }
    }

    fn escape(&mut self) -> Result<Node, String> {
        match self.rest.next() {
            Some('b') => Ok(Node::Boundary { negated: false }),
            Some('B') => Ok(Node::Boundary { negated: true }),
            Some('k' | '1'..='9') => Err("backreferences are not supported".to_owned()),
            Some(character) => self.escaped(character).map(Node::Set),
            None => Err("it ends with a backslash".to_owned()),
        }
    }

    /// The set that an escape describes, inside or outside a class.
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
                one(from_hex(&digits)?)
            }
            'u' => one(self.code_point(4)?),
            'p' | 'P' => self.property(character == 'P')?,
            'A' | 'z' | 'Z' | 'G' => return Err(format!("\\{character} is not part of ECMA-262")),
            other => one(other),
        })
    }

    fn control(&mut self) -> Result<char, String> {
        match self.rest.next() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                Ok(char::from(letter.to_ascii_uppercase() as u8 - b'@'))
            }
            _ => Err("\\c must be followed by a letter".to_owned()),
        }
    }

    fn code_point(&mut self, length: usize) -> Result<char, String> {
        let digits: String = self.rest.by_ref().take(length).collect();
        if digits.chars().count() == length {
            from_hex(&digits)
        } else {
            Err("an escape is too short".to_owned())
        }
    }

    /// `\p{…}` for the categories that schemas use, limited to the Latin part of each.
    fn property(&mut self, negated: bool) -> Result<Set, String> {
        if !self.take('{') {
            return Err("\\p must be followed by a name in braces".to_owned());
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
            _ => return Err(format!("\\p{{{name}}} is not supported")),
        };
        Ok(Set {
            ranges: ranges.to_vec(),
            negated,
        })
    }

    /// A class; its opening bracket has been consumed.
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
                return Err(format!("the range {first}-{last} is out of order"));
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

/// The meaning of an escape in a class.
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

/// The complement of ranges that are in order and do not overlap.
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

/// The character with the given hexadecimal code point.
fn from_hex(digits: &str) -> Result<char, String> {
    u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("“{digits}” is not a code point"))
}

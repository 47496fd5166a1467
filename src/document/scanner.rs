//! An incremental scanner for strict JSON (RFC 8259): takes text in pieces of any size and records
//! spans.
//!
//! Each byte is read once, and the scanner can stop and resume between any two characters. It does
//! not keep the text.

use std::sync::Arc;

use super::Document;
use super::error::{DocumentError, Fault};
use super::node::Kind;

/// Limits on the depth and length of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Maximum nesting of arrays and objects; a scalar has depth 0.
    pub depth: usize,
    /// Maximum length in bytes, counted from the first byte pushed.
    pub bytes: usize,
}

impl Default for ScanLimits {
    /// 64 levels, 32 MiB.
    fn default() -> Self {
        ScanLimits {
            depth: 64,
            bytes: 32 << 20,
        }
    }
}

/// The span of a value or member name. The records of a container's contents follow its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub kind: Kind,
    /// For a string: whether it contains escapes and must be decoded.
    pub escaped: bool,
    pub start: u32,
    pub end: u32,
    /// Index of the record after this value and its contents.
    pub next: u32,
    /// Number of members or items.
    pub children: u32,
}

impl Record {
    /// A `null` at the start of the text that has not been closed.
    pub const NULL: Record = Record {
        kind: Kind::Null,
        escaped: false,
        start: 0,
        end: 0,
        next: u32::MAX,
        children: 0,
    };
}

/// Whether the value is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanProgress {
    /// The piece was consumed; the value is not yet complete.
    More,
    /// The value is complete.
    Done {
        /// Bytes of the piece that were consumed. The rest was not read.
        consumed: usize,
    },
}

#[derive(Debug, Clone, Copy)]
enum State {
    Value,
    ValueOrEnd,
    NameOrEnd,
    Name,
    Colon,
    AfterValue,
    Text {
        is_name: bool,
    },
    Escape {
        is_name: bool,
    },
    /// Inside `\uXXXX`: digits left, their value so far, and whether a low surrogate must result.
    Hex {
        is_name: bool,
        left: u8,
        unit: u16,
        low: bool,
    },
    /// Expects the backslash, then the `u`, of the second half of a surrogate pair.
    LowBackslash {
        is_name: bool,
    },
    LowU {
        is_name: bool,
    },
    Number(NumberPart),
    Literal {
        rest: &'static [u8],
    },
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberPart {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl NumberPart {
    fn may_end(self) -> bool {
        matches!(
            self,
            NumberPart::Zero
                | NumberPart::Integer
                | NumberPart::Fraction
                | NumberPart::ExponentDigits
        )
    }

    fn after(self, byte: u8) -> Option<NumberPart> {
        use NumberPart::{
            Exponent, ExponentDigits, ExponentSign, Fraction, Integer, Minus, Point, Zero,
        };
        Some(match (self, byte) {
            (Minus, b'0') => Zero,
            (Minus, b'1'..=b'9') | (Integer, b'0'..=b'9') => Integer,
            (Zero | Integer, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Integer | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => ExponentSign,
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => ExponentDigits,
            _ => return None,
        })
    }
}

/// Scans one JSON value that arrives in pieces.
#[derive(Debug, Clone)]
pub struct Scanner {
    limits: ScanLimits,
    state: State,
    /// Indices of the records of the open containers, innermost last.
    open: Vec<u32>,
    records: Vec<Record>,
    /// Bytes consumed before the current piece.
    position: usize,
}

impl Scanner {
    /// Creates a scanner at the start of a value.
    #[must_use]
    pub fn new(limits: ScanLimits) -> Self {
        Scanner {
            limits,
            state: State::Value,
            open: Vec::new(),
            records: Vec::new(),
            position: 0,
        }
    }

    /// Resets the scanner for another text, keeping its memory.
    pub(super) fn reset(&mut self) {
        self.state = State::Value;
        self.open.clear();
        self.records.clear();
        self.position = 0;
    }

    /// The records scanned so far.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Scans the next piece. After [`ScanProgress::Done`], further pieces are not consumed.
    ///
    /// # Errors
    /// [`DocumentError`] with an offset counted from the first byte pushed. The scanner must not be
    /// used afterwards.
    pub fn push(&mut self, piece: &str) -> Result<ScanProgress, DocumentError> {
        let bytes = piece.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.state {
                State::Text { is_name } => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let stop = plain_run(rest);
                    at += stop;
                    match rest.get(stop) {
                        None => break,
                        Some(b'"') => {
                            at += 1;
                            self.close_leaf(at);
                            let rest = bytes.get(at..).unwrap_or_default();
                            at += if is_name {
                                self.after_name(rest, at)
                            } else {
                                self.after_text(rest, at)
                            };
                        }
                        Some(b'\\') => {
                            at += 1;
                            if let Some(record) = self.records.last_mut() {
                                record.escaped = true;
                            }
                            self.state = State::Escape { is_name };
                        }
                        _ => return Err(self.fault(Fault::ControlCharacter, at)),
                    }
                }
                State::Done => return Ok(self.done(at)),
                _ => {
                    if self.step(byte, at)? {
                        at += 1;
                    }
                }
            }
            if matches!(self.state, State::AfterValue) && self.open.is_empty() {
                self.state = State::Done;
                self.check_length(at)?;
                return Ok(self.done(at));
            }
        }
        self.check_length(at)?;
        self.position += at;
        Ok(match self.state {
            State::Done => ScanProgress::Done { consumed: at },
            _ => ScanProgress::More,
        })
    }

    /// Ends the input: completes a number at the root, which has no closing character.
    ///
    /// # Errors
    /// [`Fault::Empty`] or [`Fault::Unfinished`] if the value is not complete.
    pub fn finish(&mut self) -> Result<(), DocumentError> {
        match self.state {
            State::Done => Ok(()),
            State::Number(part) if part.may_end() && self.open.is_empty() => {
                self.close_leaf(0);
                self.state = State::Done;
                Ok(())
            }
            State::Value if self.records.is_empty() => Err(self.fault(Fault::Empty, 0)),
            _ => Err(self.fault(Fault::Unfinished, 0)),
        }
    }

    /// Builds the document. `text` must be all pieces pushed so far, joined; text around the value
    /// is dropped.
    ///
    /// # Errors
    /// [`Fault::Empty`] or [`Fault::Unfinished`] if the value is not complete or `text` is not the
    /// text that was pushed.
    pub fn into_document(self, text: &str) -> Result<Document, DocumentError> {
        let (value, records) = self.into_value(text)?;
        Ok(Document::from_records(Arc::from(value), records))
    }

    /// The value's text within `text`, which must be the text that was pushed, and the value's
    /// spans. Errors as for [`Scanner::into_document`].
    pub(super) fn into_value(mut self, text: &str) -> Result<(&str, Vec<Record>), DocumentError> {
        self.finish()?;
        let root = self.records.first().copied().unwrap_or(Record::NULL);
        let value = text
            .get(root.start as usize..root.end as usize)
            .ok_or_else(|| self.fault(Fault::Unfinished, 0))?;
        if root.start > 0 {
            for record in &mut self.records {
                record.start -= root.start;
                record.end -= root.start;
            }
        }
        self.records.shrink_to_fit();
        Ok((value, self.records))
    }

    fn done(&mut self, consumed: usize) -> ScanProgress {
        self.position += consumed;
        ScanProgress::Done { consumed }
    }

    fn fault(&self, fault: Fault, at: usize) -> DocumentError {
        DocumentError::new(fault, self.position + at)
    }

    fn check_length(&self, at: usize) -> Result<(), DocumentError> {
        if self.position + at > self.limits.bytes {
            return Err(self.fault(Fault::TooLong(self.limits.bytes), 0));
        }
        Ok(())
    }

    /// Fast path after a member name: consumes a colon, and the opening quote of a string, if no
    /// whitespace precedes them. `rest` begins at byte `at` of the current piece. Returns the number
    /// of bytes consumed.
    fn after_name(&mut self, rest: &[u8], at: usize) -> usize {
        match rest {
            [b':', b'"', ..] => {
                self.begin_value(Kind::String, at + 1);
                self.state = State::Text { is_name: false };
                2
            }
            [b':', ..] => {
                self.state = State::Value;
                1
            }
            _ => {
                self.state = State::Colon;
                0
            }
        }
    }

    /// Fast path after a string: consumes a comma and the opening quote of the next name or string.
    fn after_text(&mut self, rest: &[u8], at: usize) -> usize {
        match (self.innermost(), rest) {
            (Some(Kind::Object), [b',', b'"', ..]) => {
                self.begin(Kind::String, at + 1);
                self.state = State::Text { is_name: true };
                2
            }
            (Some(_), [b',', b'"', ..]) => {
                self.begin_value(Kind::String, at + 1);
                self.state = State::Text { is_name: false };
                2
            }
            _ => {
                self.state = State::AfterValue;
                0
            }
        }
    }

    /// The kind of the innermost open container.
    fn innermost(&self) -> Option<Kind> {
        let index = self.open.last()?;
        self.records.get(*index as usize).map(|record| record.kind)
    }

    /// Processes one byte outside the plain run of a string. Returns whether the byte was consumed:
    /// a number ends at a byte that belongs to the next token.
    fn step(&mut self, byte: u8, at: usize) -> Result<bool, DocumentError> {
        match self.state {
            State::Number(part) => {
                if let Some(part) = part.after(byte) {
                    self.state = State::Number(part);
                    return Ok(true);
                }
                if !part.may_end() {
                    return Err(self.fault(Fault::Expected("a digit"), at));
                }
                self.close_leaf(at);
                self.state = State::AfterValue;
                return Ok(false);
            }
            State::Literal { rest } => {
                return match rest.split_first() {
                    Some((expected, left)) if *expected == byte => {
                        if left.is_empty() {
                            self.close_leaf(at + 1);
                            self.state = State::AfterValue;
                        } else {
                            self.state = State::Literal { rest: left };
                        }
                        Ok(true)
                    }
                    _ => Err(self.fault(Fault::Expected("true, false or null"), at)),
                };
            }
            State::Escape { .. }
            | State::Hex { .. }
            | State::LowBackslash { .. }
            | State::LowU { .. } => {
                self.escape(byte, at)?;
                return Ok(true);
            }
            _ => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(true);
        }
        match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::NameOrEnd, b'}') => self.close(at),
            (State::Value | State::ValueOrEnd, _) => self.value(byte, at)?,
            (State::NameOrEnd | State::Name, b'"') => {
                self.begin(Kind::String, at);
                self.state = State::Text { is_name: true };
            }
            (State::NameOrEnd, _) => {
                return Err(self.fault(Fault::Expected("a member name in double quotes or }"), at));
            }
            (State::Name, _) => {
                return Err(self.fault(Fault::Expected("a member name in double quotes"), at));
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::Colon, _) => return Err(self.fault(Fault::Expected("a colon"), at)),
            (State::AfterValue, _) => self.after_value(byte, at)?,
            _ => {}
        }
        Ok(true)
    }

    fn value(&mut self, byte: u8, at: usize) -> Result<(), DocumentError> {
        self.state = match byte {
            b'{' | b'[' => {
                if self.open.len() >= self.limits.depth {
                    return Err(self.fault(Fault::TooDeep(self.limits.depth), at));
                }
                let (kind, state) = match byte {
                    b'{' => (Kind::Object, State::NameOrEnd),
                    _ => (Kind::Array, State::ValueOrEnd),
                };
                let index = self.begin_value(kind, at);
                self.open.push(index);
                state
            }
            b'"' => {
                self.begin_value(Kind::String, at);
                State::Text { is_name: false }
            }
            b'-' | b'0'..=b'9' => {
                self.begin_value(Kind::Number, at);
                State::Number(match byte {
                    b'-' => NumberPart::Minus,
                    b'0' => NumberPart::Zero,
                    _ => NumberPart::Integer,
                })
            }
            b't' => self.literal(Kind::Boolean, b"rue", at),
            b'f' => self.literal(Kind::Boolean, b"alse", at),
            b'n' => self.literal(Kind::Null, b"ull", at),
            _ => return Err(self.fault(Fault::Expected("a JSON value"), at)),
        };
        Ok(())
    }

    fn literal(&mut self, kind: Kind, rest: &'static [u8], at: usize) -> State {
        self.begin_value(kind, at);
        State::Literal { rest }
    }

    fn after_value(&mut self, byte: u8, at: usize) -> Result<(), DocumentError> {
        match (self.innermost(), byte) {
            (Some(Kind::Object), b',') => self.state = State::Name,
            (Some(Kind::Array), b',') => self.state = State::Value,
            (Some(Kind::Object), b'}') | (Some(Kind::Array), b']') => self.close(at),
            (Some(Kind::Object), _) => {
                return Err(self.fault(Fault::Expected("a comma or }"), at));
            }
            _ => return Err(self.fault(Fault::Expected("a comma or ]"), at)),
        }
        Ok(())
    }

    fn escape(&mut self, byte: u8, at: usize) -> Result<(), DocumentError> {
        self.state = match self.state {
            State::Escape { is_name } => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::Text { is_name },
                b'u' => State::Hex {
                    is_name,
                    left: 4,
                    unit: 0,
                    low: false,
                },
                _ => {
                    return Err(self.fault(
                        Fault::Expected("one of \" \\ / b f n r t u after a backslash"),
                        at,
                    ));
                }
            },
            State::Hex {
                is_name,
                left,
                unit,
                low,
            } => {
                let digit = char::from(byte)
                    .to_digit(16)
                    .and_then(|digit| u16::try_from(digit).ok())
                    .ok_or_else(|| {
                        self.fault(Fault::Expected("four hexadecimal digits after \\u"), at)
                    })?;
                let unit = (unit << 4) | digit;
                let is_low = (0xDC00..=0xDFFF).contains(&unit);
                match (left - 1, low) {
                    (0, true) if !is_low => return Err(self.fault(Fault::LoneSurrogate, at)),
                    (0, false) if is_low => return Err(self.fault(Fault::LoneSurrogate, at)),
                    (0, false) if (0xD800..=0xDBFF).contains(&unit) => {
                        State::LowBackslash { is_name }
                    }
                    (0, _) => State::Text { is_name },
                    (left, low) => State::Hex {
                        is_name,
                        left,
                        unit,
                        low,
                    },
                }
            }
            State::LowBackslash { is_name } if byte == b'\\' => State::LowU { is_name },
            State::LowU { is_name } if byte == b'u' => State::Hex {
                is_name,
                left: 4,
                unit: 0,
                low: true,
            },
            _ => return Err(self.fault(Fault::LoneSurrogate, at)),
        };
        Ok(())
    }

    /// Opens the record of a value at byte `at` of the current piece and counts it in the innermost
    /// container.
    fn begin_value(&mut self, kind: Kind, at: usize) -> u32 {
        let container = self.open.last().copied();
        if let Some(record) = container.and_then(|index| self.records.get_mut(index as usize)) {
            record.children += 1;
        }
        self.begin(kind, at)
    }

    /// Opens a record at byte `at` of the current piece.
    fn begin(&mut self, kind: Kind, at: usize) -> u32 {
        let index = offset(self.records.len());
        self.records.push(Record {
            kind,
            start: offset(self.position + at),
            ..Record::NULL
        });
        index
    }

    /// Ends the last record at byte `at` (exclusive) of the current piece.
    fn close_leaf(&mut self, at: usize) {
        let next = offset(self.records.len());
        let end = offset(self.position + at);
        if let Some(record) = self.records.last_mut() {
            record.end = end;
            record.next = next;
        }
    }

    /// Closes the innermost container, whose closing bracket is byte `at` of the current piece.
    fn close(&mut self, at: usize) {
        let next = offset(self.records.len());
        let end = offset(self.position + at + 1);
        let index = self.open.pop();
        if let Some(record) = index.and_then(|index| self.records.get_mut(index as usize)) {
            record.end = end;
            record.next = next;
        }
        self.state = State::AfterValue;
    }
}

/// The number of bytes before the first quote, backslash or control character.
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    // Most strings are short. For long ones the compiler turns each block into a few vector
    // comparisons.
    let Some((first, rest)) = bytes.split_at_checked(16) else {
        return plain_words(bytes);
    };
    let run = plain_words(first);
    if run < first.len() {
        return run;
    }
    let (blocks, _) = rest.as_chunks::<16>();
    let plain = 16 * blocks.iter().take_while(|block| is_plain(block)).count();
    run + plain + plain_words(rest.get(plain..).unwrap_or_default())
}

fn is_plain(block: &[u8; 16]) -> bool {
    // Reads all bytes: an early exit would prevent vectorization.
    !block.iter().fold(false, |stops, byte| {
        stops | (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\')
    })
}

/// Like [`plain_run`], eight bytes at a time.
fn plain_words(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // Sets the highest bit of each byte below `limit`, which is at most 0x80. After the first such
    // byte, a borrow may also set it for other bytes.
    let below = |word: u64, limit: u64| word.wrapping_sub(limit * ONES) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut run = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let stops = below(word, 0x20)
            | below(word ^ (u64::from(b'"') * ONES), 1)
            | below(word ^ (u64::from(b'\\') * ONES), 1);
        if stops != 0 {
            return run + stops.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    run + rest.iter().position(stop).unwrap_or(rest.len())
}

/// Offsets are stored in 32 bits; the limits keep texts far below that.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

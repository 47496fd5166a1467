//! Reads the number of tokens from a passing response, whatever its size: a JSON document, or events
//! of Chat Completions or Responses.
//!
//! It looks for the member `usage` with an object as value. Inside a JSON string, every quotation mark
//! is escaped, so nothing that a model writes can look like that member.

use serde::Deserialize;

/// What comes before the object, apart from white space and the colon.
const NAME: &[u8] = b"\"usage\"";
/// The largest object that is read, in bytes.
const MAX_OBJECT_BYTES: usize = 4 << 10;
/// What comes before the data of an event.
const DATA: &[u8] = b"data:";

/// Reads a response piece by piece, in constant memory.
#[derive(Debug, Default)]
pub struct UsageScan {
    state: State,
    /// How much of [`DATA`] the current line begins with; `None` if it begins with something else.
    line: Option<usize>,
    events: u64,
    bytes: u64,
    total: Option<u64>,
}

#[derive(Debug, Default)]
enum State {
    /// This many bytes of [`NAME`] were read.
    #[default]
    Outside,
    Name(usize),
    /// After the name: white space, the colon, white space.
    AfterName,
    AfterColon,
    Object {
        text: Vec<u8>,
        depth: u32,
        in_string: bool,
        is_escaped: bool,
    },
}

/// The members of `usage` in the two APIs.
#[derive(Deserialize)]
struct Counts {
    total_tokens: Option<u64>,
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
}

impl UsageScan {
    /// Begins a response.
    #[must_use]
    pub fn new() -> Self {
        Self {
            line: Some(0),
            ..Self::default()
        }
    }

    /// Reads the next piece.
    pub fn read(&mut self, piece: &[u8]) {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        for byte in piece {
            self.count_event(*byte);
            self.step(*byte);
        }
    }

    /// The tokens of the request and the response together, as the endpoint last reported them.
    #[must_use]
    pub fn reported(&self) -> Option<u64> {
        self.total
    }

    /// An estimate of the tokens of the response so far: one for each event, or one for each four bytes
    /// if there are no events.
    #[must_use]
    pub fn estimated_output(&self) -> u64 {
        if self.events > 0 {
            self.events
        } else {
            self.bytes.div_ceil(4)
        }
    }

    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn count_event(&mut self, byte: u8) {
        if byte == b'\n' || byte == b'\r' {
            self.line = Some(0);
            return;
        }
        self.line = match self.line {
            Some(read) if DATA.get(read) == Some(&byte) => {
                let read = read.saturating_add(1);
                if read == DATA.len() {
                    self.events = self.events.saturating_add(1);
                    None
                } else {
                    Some(read)
                }
            }
            _ => None,
        };
    }

    fn step(&mut self, byte: u8) {
        self.state = match std::mem::take(&mut self.state) {
            State::Outside if byte == b'"' => State::Name(1),
            State::Outside => State::Outside,
            State::Name(read) if NAME.get(read) == Some(&byte) => {
                let read = read.saturating_add(1);
                if read == NAME.len() {
                    State::AfterName
                } else {
                    State::Name(read)
                }
            }
            // The quotation mark may be the one that begins the name.
            State::Name(_) if byte == b'"' => State::Name(1),
            State::Name(_) => State::Outside,
            State::AfterName => match byte {
                b' ' | b'\t' | b'\r' | b'\n' => State::AfterName,
                b':' => State::AfterColon,
                b'"' => State::Name(1),
                _ => State::Outside,
            },
            State::AfterColon => match byte {
                b' ' | b'\t' | b'\r' | b'\n' => State::AfterColon,
                b'{' => State::Object {
                    text: vec![b'{'],
                    depth: 1,
                    in_string: false,
                    is_escaped: false,
                },
                b'"' => State::Name(1),
                _ => State::Outside,
            },
            State::Object {
                mut text,
                mut depth,
                mut in_string,
                mut is_escaped,
            } => {
                text.push(byte);
                if in_string {
                    in_string = byte != b'"' || is_escaped;
                    is_escaped = byte == b'\\' && !is_escaped;
                } else {
                    match byte {
                        b'"' => in_string = true,
                        b'{' => depth = depth.saturating_add(1),
                        b'}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                }
                if depth == 0 {
                    self.total = total(&text).or(self.total);
                    State::Outside
                } else if text.len() >= MAX_OBJECT_BYTES {
                    State::Outside
                } else {
                    State::Object {
                        text,
                        depth,
                        in_string,
                        is_escaped,
                    }
                }
            }
        };
    }
}

fn total(object: &[u8]) -> Option<u64> {
    let counts: Counts = serde_json::from_slice(object).ok()?;
    counts.total_tokens.or_else(|| {
        let input = counts.input_tokens?;
        Some(input.saturating_add(counts.output_tokens.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The scan of a text in pieces of this size.
    fn scan(text: &str, size: usize) -> UsageScan {
        let mut scan = UsageScan::new();
        for piece in text.as_bytes().chunks(size) {
            scan.read(piece);
        }
        scan
    }

    #[test]
    fn usage_is_found_in_every_form_and_wherever_a_piece_ends() {
        for (text, expected) in [
            (
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#,
                Some(7),
            ),
            (
                "data: {\"usage\":null}\n\ndata: {\"usage\": {\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n",
                Some(7),
            ),
            (
                r#"data: {"type":"response.completed","response":{"usage" : {"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"total_tokens":15}}}"#,
                Some(15),
            ),
            // The last report counts.
            (
                "{\"usage\":{\"total_tokens\":1}}{\"usage\":{\"total_tokens\":2}}",
                Some(2),
            ),
            (
                r#"{"x":"","usage":{"total_tokens":9,"note":"a } \" {"}}"#,
                Some(9),
            ),
            (r#"{"x":"usage","y":{"total_tokens":9}}"#, None),
            (r#"{"usage":{"total_tokens":"many"}}"#, None),
            (r#"{"usage":[{"total_tokens":1}]}"#, None),
            ("", None),
        ] {
            for size in [1, 2, 3, 7, 1000] {
                assert_eq!(scan(text, size).reported(), expected, "{size} {text}");
            }
        }
    }

    #[test]
    fn a_model_cannot_write_usage_into_its_text() {
        let written = serde_json::json!({ "content": "x\"usage\":{\"total_tokens\":1}" });
        assert_eq!(scan(&written.to_string(), 5).reported(), None);
    }

    #[test]
    fn an_object_that_is_too_large_is_left_out() {
        let text = format!("{{\"usage\":{{\"x\":\"{}", "y".repeat(100_000));
        let mut scan = scan(&text, 1000);
        assert!(matches!(scan.state, State::Outside));
        scan.read(b"\"}} {\"usage\":{\"total_tokens\":3}}");
        assert_eq!(scan.reported(), Some(3));
    }

    proptest! {
        #[test]
        fn the_cuts_between_pieces_do_not_matter(
            parts in proptest::collection::vec(
                "\"usage\"|:|\\{|\\}|\"total_tokens\":[0-9]{1,3}|data:|\n|\\\\|\"| ", 0..40,
            ),
            size in 1_usize..20,
        ) {
            let text = parts.concat();
            let (whole, cut) = (scan(&text, usize::MAX), scan(&text, size));
            prop_assert_eq!(whole.reported(), cut.reported());
            prop_assert_eq!(whole.estimated_output(), cut.estimated_output());
        }
    }

    #[test]
    fn the_estimate_counts_events_or_else_bytes() {
        for size in [1, 4, 1000] {
            let events = "data: {}\n\n: comment\ndata:{}\r\nevent: x data:\rdata: {}\n";
            assert_eq!(scan(events, size).estimated_output(), 3);
            assert_eq!(scan("{\"data:\":12345}", size).estimated_output(), 4);
        }
        assert_eq!(scan("", 1).estimated_output(), 0);
    }
}

//! The markers that models and chat templates write around reasoning in the text of a response.
//!
//! The opening marker is often part of the template, so that only the closing one is in the text:
//! what precedes it is reasoning. In the Harmony format, a header names the channel of each message;
//! only the channel `final` is the response.

/// A way to mark reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    opening: &'static str,
    closing: &'static str,
}

/// The known styles. Letters are compared without regard to case.
const STYLES: [Style; 14] = [
    tags("<think>", "</think>"),
    tags("<thinking>", "</thinking>"),
    tags("<thought>", "</thought>"),
    tags("<thoughts>", "</thoughts>"),
    tags("<reasoning>", "</reasoning>"),
    tags("<reflection>", "</reflection>"),
    tags("<scratchpad>", "</scratchpad>"),
    tags("<seed:think>", "</seed:think>"),
    tags("[think]", "[/think]"),
    tags("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
    tags("<|begin_of_thought|>", "<|end_of_thought|>"),
    tags("<|start_thinking|>", "<|end_thinking|>"),
    tags("<|think|>", "<|/think|>"),
    tags("<|channel>thought", "<channel|>"),
];

/// The Harmony format. Its messages end at `<|end|>`, or where the header of another one begins.
const HARMONY: Style = tags("<|channel|>", "<|end|>");

const fn tags(opening: &'static str, closing: &'static str) -> Style {
    Style { opening, closing }
}

/// The end of a header in the Harmony format.
const HEADER_END: &str = "<|message|>";
/// Longest header, in bytes.
const MAX_HEADER_BYTES: usize = 128;

/// Control tokens that a template leaves around a message.
const TOKENS: [&str; 12] = [
    "<|start|>assistant",
    "<|start|>",
    "<|message|>",
    "<|return|>",
    "<|end|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "</s>",
];

/// The end of reasoning in the Harmony format whose control tokens were removed.
const BARE_FINAL: &str = "assistantfinal";

/// A marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// Reasoning follows.
    Opening(Style),
    /// What precedes is reasoning.
    Closing,
    /// A control token without a meaning for the response.
    Token,
}

/// What a text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// No marker.
    None,
    /// The start of a marker, perhaps: more text is needed.
    Unfinished,
    /// A marker of this length.
    Marker(Marker, usize),
}

/// Whether a marker may begin with this byte.
pub(super) fn may_begin(byte: u8) -> bool {
    // 0xE2 begins the triangle, and "a" the only word.
    matches!(byte, b'<' | b'[' | 0xE2 | b'a')
}

/// The marker at the start of `text`.
pub(super) fn at_start(text: &str) -> Match {
    if text.starts_with('a') {
        return match compare(text, BARE_FINAL) {
            Compared::Equal => Match::Marker(Marker::Closing, BARE_FINAL.len()),
            Compared::Prefix => Match::Unfinished,
            Compared::Different => Match::None,
        };
    }
    let mut result = header(text);
    let mut add = |literal: &str, marker: Marker| match (compare(text, literal), result) {
        // A longer marker that has the same start takes precedence, and comes first.
        (Compared::Equal, Match::None) => result = Match::Marker(marker, literal.len()),
        (Compared::Prefix, Match::None) => result = Match::Unfinished,
        _ => {}
    };
    for style in STYLES {
        add(style.opening, Marker::Opening(style));
        add(style.closing, Marker::Closing);
    }
    for token in TOKENS {
        add(token, Marker::Token);
    }
    result
}

/// Whether the reasoning of this style ends at the start of `text`.
pub(super) fn ends(style: Style, text: &str) -> Match {
    if style == HARMONY
        && let header @ (Match::Unfinished | Match::Marker(..)) = header(text)
    {
        return header;
    }
    match compare(text, style.closing) {
        Compared::Equal => Match::Marker(Marker::Closing, style.closing.len()),
        Compared::Prefix => Match::Unfinished,
        Compared::Different => Match::None,
    }
}

/// The first byte of what ends reasoning of this style.
pub(super) fn first_byte_of_end(style: Style) -> u8 {
    style.closing.as_bytes().first().copied().unwrap_or(b'<')
}

/// A header of the Harmony format: `<|channel|>final<|message|>`.
fn header(text: &str) -> Match {
    match compare(text, HARMONY.opening) {
        Compared::Different => return Match::None,
        Compared::Prefix => return Match::Unfinished,
        Compared::Equal => {}
    }
    let rest = text.get(HARMONY.opening.len()..).unwrap_or_default();
    let most = MAX_HEADER_BYTES + HEADER_END.len();
    let start = rest.as_bytes().get(..most).unwrap_or(rest.as_bytes());
    let Some(end) = memchr::memmem::find(start, HEADER_END.as_bytes()) else {
        return match rest.len() < most {
            true => Match::Unfinished,
            false => Match::None,
        };
    };
    let channel = rest.get(..end).unwrap_or_default().trim_start();
    let marker = match channel.starts_with("final") {
        true => Marker::Closing,
        false => Marker::Opening(HARMONY),
    };
    Match::Marker(marker, HARMONY.opening.len() + end + HEADER_END.len())
}

enum Compared {
    /// The text begins with the literal.
    Equal,
    /// The text is the start of the literal.
    Prefix,
    Different,
}

fn compare(text: &str, literal: &str) -> Compared {
    let (text, literal) = (text.as_bytes(), literal.as_bytes());
    let common = text.len().min(literal.len());
    let is_same = text
        .iter()
        .zip(literal)
        .all(|(one, other)| one.eq_ignore_ascii_case(other));
    match (is_same, common == literal.len()) {
        (false, _) => Compared::Different,
        (true, true) => Compared::Equal,
        (true, false) => Compared::Prefix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_and_other_text_is_not() {
        use Marker::{Closing, Token};
        let opening = |text| matches!(at_start(text), Match::Marker(Marker::Opening(_), _));
        for text in [
            "<think>",
            "<Think>so",
            "[THINK]",
            "\u{25c1}think\u{25b7}",
            "<|channel|>analysis<|message|>",
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}",
            "<|START_THINKING|>",
            "<|channel>thought\n",
        ] {
            assert!(opening(text), "{text}");
        }
        for (text, expected) in [
            ("</think>", Match::Marker(Closing, 8)),
            ("</THINK>{", Match::Marker(Closing, 8)),
            ("<|channel|>final<|message|>{", Match::Marker(Closing, 27)),
            (
                "<|channel|>final <|constrain|>json<|message|>",
                Match::Marker(Closing, 45),
            ),
            ("<|start|>assistant<|", Match::Marker(Token, 18)),
            ("</s>", Match::Marker(Token, 4)),
            ("<", Match::Unfinished),
            ("</thi", Match::Unfinished),
            ("<|channel|>fin", Match::Unfinished),
            ("[", Match::Unfinished),
            ("<b>", Match::None),
            ("[{", Match::None),
            ("{", Match::None),
        ] {
            assert_eq!(at_start(text), expected, "{text}");
        }
        let endless = format!("<|channel|>{}", "x".repeat(200));
        assert_eq!(at_start(&endless), Match::None);
    }

    #[test]
    fn reasoning_ends_at_the_marker_of_its_own_style() {
        for (text, end, is_end) in [
            ("<think>", "</think>", true),
            ("<think>", "</thinking>", false),
            ("[THINK]", "[/THINK]", true),
            ("<|channel|>analysis<|message|>", "<|end|>", true),
            (
                "<|channel|>analysis<|message|>",
                "<|channel|>final<|message|>",
                true,
            ),
            ("<think>", "<|end|>", false),
        ] {
            let Match::Marker(Marker::Opening(style), _) = at_start(text) else {
                panic!("{text}");
            };
            let found = matches!(ends(style, end), Match::Marker(..));
            assert_eq!(found, is_end, "{text} {end}");
        }
    }
}

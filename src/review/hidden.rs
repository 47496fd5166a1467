//! Characters that a reader does not see: invisible ones, and those that change the order of the text
//! around them. They can hide text from the operator that an agent reads.

use std::fmt::Write as _;

/// How many code points of one run of hidden characters are named.
const MAX_NAMED: usize = 4;

/// A piece of a text as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPiece<'t> {
    /// Characters that are shown as they are.
    Text(&'t str),
    /// A run of hidden characters, shown by this mark, such as `U+202E`.
    Hidden(String),
}

/// Divides a text into pieces that are shown as they are and runs of hidden characters.
///
/// Not hidden are characters that shape visible ones: joiners between letters or symbols that are not
/// ASCII, and variation selectors after such a character or in a keycap.
#[must_use]
pub fn pieces(text: &str) -> Vec<TextPiece<'_>> {
    let mut pieces = Vec::new();
    let mut shown_from = 0;
    let mut run: Vec<char> = Vec::new();
    let mut run_from = 0;
    let mut before: Option<char> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map(|(_, next)| *next);
        if is_hidden(before, character, after) {
            if run.is_empty() {
                run_from = at;
            }
            run.push(character);
        } else if !run.is_empty() {
            push(&mut pieces, text, shown_from..run_from, &run);
            run.clear();
            shown_from = at;
        }
        before = Some(character);
    }
    if run.is_empty() {
        run_from = text.len();
    }
    push(&mut pieces, text, shown_from..run_from, &run);
    pieces
}

fn push<'t>(
    pieces: &mut Vec<TextPiece<'t>>,
    text: &'t str,
    shown: std::ops::Range<usize>,
    run: &[char],
) {
    let shown = text.get(shown).unwrap_or_default();
    if !shown.is_empty() {
        pieces.push(TextPiece::Text(shown));
    }
    if run.is_empty() {
        return;
    }
    let mut mark = String::new();
    for character in run.iter().take(MAX_NAMED) {
        let space = if mark.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(mark, "{space}U+{:04X}", u32::from(*character));
    }
    if run.len() > MAX_NAMED {
        let _ = write!(mark, " and {} more", run.len() - MAX_NAMED);
    }
    pieces.push(TextPiece::Hidden(mark));
}

/// Whether a character is hidden between these neighbours.
fn is_hidden(before: Option<char>, character: char, after: Option<char>) -> bool {
    let shapes = |neighbour: Option<char>| {
        neighbour.is_some_and(|neighbour| {
            !neighbour.is_ascii() && (!is_invisible(neighbour) || is_variation_selector(neighbour))
        })
    };
    match character {
        // A carriage return before a line feed is a line break.
        '\r' => after != Some('\n'),
        '\n' | '\t' => false,
        '\u{200c}' | '\u{200d}' => !(shapes(before) && shapes(after)),
        '\u{fe00}'..='\u{fe0f}' => !(shapes(before) || after == Some('\u{20e3}')),
        character => is_invisible(character),
    }
}

fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}')
}

/// Whether a character has no width of its own or changes the direction of the text (Unicode's
/// `Default_Ignorable_Code_Point` and `Bidi_Control`, controls, and blanks that are not spaces).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with each mark in brackets.
    fn shown(text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                TextPiece::Text(text) => text.to_owned(),
                TextPiece::Hidden(mark) => format!("[{mark}]"),
            })
            .collect()
    }

    #[test]
    fn hidden_characters_are_named_and_all_others_stay() {
        for (text, expected) in [
            ("", ""),
            ("plain\ttext\nand é 漢 𝄞", "plain\ttext\nand é 漢 𝄞"),
            (
                "lines\r\nof Windows\rof old",
                "lines\r\nof Windows[U+000D]of old",
            ),
            ("pay\u{200b}load", "pay[U+200B]load"),
            ("\u{202e}txt.exe\u{202c}", "[U+202E]txt.exe[U+202C]"),
            ("a\u{2066}b\u{2069}", "a[U+2066]b[U+2069]"),
            ("bell\u{7}", "bell[U+0007]"),
            ("soft\u{ad}hyphen", "soft[U+00AD]hyphen"),
            ("\u{feff}first", "[U+FEFF]first"),
            (
                "x\u{e0041}\u{e0042}\u{e0043}\u{e0044}\u{e0045}\u{e0046}",
                "x[U+E0041 U+E0042 U+E0043 U+E0044 and 2 more]",
            ),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn characters_that_shape_visible_ones_are_not_hidden() {
        for text in [
            "👩\u{200d}🚀",
            "❤\u{fe0f}",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("a\u{200d}b\u{fe0f}"), "a[U+200D]b[U+FE0F]");
    }

    #[test]
    fn no_character_of_a_text_is_lost() {
        let text = "a\u{200b}b\u{200b}\u{200b}c";
        let count: usize = pieces(text)
            .iter()
            .map(|piece| match piece {
                TextPiece::Text(text) => text.chars().count(),
                TextPiece::Hidden(mark) => mark.split(' ').count(),
            })
            .sum();
        assert_eq!(count, text.chars().count());
    }
}

//! Cutting text that others wrote to a size that fits a message.

/// The most of an endpoint's own words that a message repeats: 2,000 bytes.
pub const MAX_MESSAGE_BYTES: usize = 2000;

/// The most of a body that is kept to be shown: 4 KiB.
pub const MAX_EXCERPT_BYTES: usize = 4096;

/// At most `limit` bytes of `text`, cut between characters, with an ellipsis where something was
/// left out.
#[must_use]
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The same for bytes that may not be text: what is no UTF-8 is shown as U+FFFD.
#[must_use]
pub(super) fn cut_bytes(bytes: &[u8], limit: usize) -> String {
    let head = bytes.get(..limit).unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(head).into_owned();
    if head.len() < bytes.len() {
        // The cut may have gone through a character.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_goes_through_a_character() {
        let table = [
            ("abc", 3, "abc"),
            ("abcd", 3, "abc…"),
            ("aé", 2, "a…"),
            ("é", 1, "…"),
        ];
        for (text, limit, expected) in table {
            assert_eq!(cut(text, limit), expected);
            assert_eq!(cut_bytes(text.as_bytes(), limit), expected);
        }
        assert_eq!(cut_bytes(b"a\xFFb", 9), "a\u{FFFD}b");
    }
}

//! Text helpers: capitalisation, truncation, plurals, number grouping and durations.

/// Returns at most `limit` bytes of `text`, cut at a character boundary, followed by an ellipsis
/// if anything was removed.
#[must_use]
pub fn truncate_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    // `str::floor_char_boundary` needs Rust 1.91.
    let end = (0..=limit)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Like [`truncate_bytes`], for bytes that may not be UTF-8: invalid sequences become U+FFFD.
#[must_use]
pub fn truncate_lossy(bytes: &[u8], limit: usize) -> String {
    let head = bytes.get(..limit).unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(head).into_owned();
    if head.len() < bytes.len() {
        // The limit may fall inside a character.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        text.push('…');
    }
    text
}

/// Returns at most `limit` characters of `text`, followed by an ellipsis if anything was removed.
#[must_use]
pub fn truncate_chars(text: &str, limit: usize) -> String {
    let mut cut: String = text.chars().take(limit).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// Returns at most `max` characters of `text`, cut between words if that leaves at least `min`
/// characters and half of `max`. Adds no ellipsis.
#[must_use]
pub fn truncate_at_word(text: &str, max: usize, min: usize) -> String {
    let beginning: String = text.chars().take(max).collect();
    let at_word = beginning
        .rsplit_once(' ')
        .map(|(before, _)| before.trim_end_matches([' ', ':', ',', ';']).to_owned())
        .filter(|before| {
            let length = before.chars().count();
            length >= min && length * 2 >= max
        });
    at_word.unwrap_or(beginning)
}

/// A count with its noun: `1 task`, `4,102 bytes`. Only for nouns whose plural ends in "s".
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with thousands separators, as formatted by `Intl.NumberFormat("en")`.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size with its unit, such as "512 bytes", "12 kB" or "3.4 MB". Units are powers of 1,000.
#[must_use]
pub fn bytes(size: u64) -> String {
    match size {
        0..1_000 => counted(usize::try_from(size).unwrap_or(usize::MAX), "byte"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

/// Returns `text` with its first letter capitalised. A name such as `config.json` or `base_url` at
/// the beginning stays as it is.
#[must_use]
pub fn capitalize(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let word = word.trim_end_matches(['.', ',', ':', ';']);
    let is_name = word.contains(['.', '_', '/', '=']);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !is_name => first.to_uppercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

/// Makes a heading from a message: capitalised, without a full stop at the end.
#[must_use]
pub fn heading(message: &str) -> String {
    let message = message.trim_end();
    capitalize(message.strip_suffix('.').unwrap_or(message))
}

/// Joins a message and its hint into sentences. Adds a full stop to the message if it has none.
#[must_use]
pub fn sentences(message: &str, hint: &str) -> String {
    let message = capitalize(message.trim_end());
    let stop = if message.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{message}{stop} {hint}").trim_end().to_owned()
}

/// The last `limit` characters of a text on one line: control characters such as line breaks and
/// tabs become spaces.
#[must_use]
pub fn tail_on_one_line(text: &str, limit: usize) -> String {
    let skipped = text.chars().count().saturating_sub(limit);
    text.chars()
        .skip(skipped)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// Joins items for a sentence: `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The text inside a code fence of Markdown, if there is one around it; else the text.
#[must_use]
pub fn without_fence(text: &str) -> &str {
    let inner = text
        .trim()
        .strip_prefix("```")
        .and_then(|rest| rest.split_once('\n'))
        .and_then(|(_, inner)| inner.trim_end().strip_suffix("```"));
    inner.map_or(text, str::trim)
}

/// The text of a file in UTF-8, or in UTF-16 with a byte order mark (Unicode, section 23.8), without that
/// mark; `None` if it is in neither.
#[must_use]
pub fn decoded(bytes: Vec<u8>) -> Option<String> {
    let utf_16 = |pairs: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = pairs.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, pairs @ ..] => utf_16(pairs, u16::from_le_bytes),
        [0xFE, 0xFF, pairs @ ..] => utf_16(pairs, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// The text without the characters that are [hidden](is_hidden), for places that show plain text only.
#[must_use]
pub fn without_hidden(text: &str) -> String {
    text.chars().filter(|it| !is_hidden(*it)).collect()
}

/// Whether a character is not seen, or changes how others are seen: control and format characters
/// (Unicode, general categories Cc and Cf) that occur in texts meant to deceive.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// An approximate duration for a sentence: `about 4 minutes`.
#[must_use]
pub fn about(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1_000);
    let plural = |count: u64, noun: &str| match count {
        1 => format!("about one {noun}"),
        _ => format!("about {count} {noun}s"),
    };
    match seconds {
        0..8 => "a few seconds".to_owned(),
        8..55 => format!("about {} seconds", seconds.next_multiple_of(5)),
        55..3_300 => plural((seconds + 30) / 60, "minute"),
        3_300..84_600 => plural((seconds + 1_800) / 3_600, "hour"),
        _ => "a day or more".to_owned(),
    }
}

/// The remaining time of a countdown: `9 s`, `1 min 30 s`, `2 h 5 min`.
#[must_use]
pub fn countdown(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1_000);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_decoded_from_utf_8_and_marked_utf_16_and_nothing_else() {
        for bytes in [
            "Caf\u{e9}".as_bytes(),
            b"\xEF\xBB\xBFCaf\xC3\xA9",
            b"\xFF\xFEC\0a\0f\0\xE9\0",
            b"\xFE\xFF\0C\0a\0f\0\xE9",
        ] {
            assert_eq!(
                decoded(bytes.to_vec()).as_deref(),
                Some("Caf\u{e9}"),
                "{bytes:?}"
            );
        }
        for bytes in [
            b"Caf\xE9".as_slice(),
            b"\xFF\xFEC",
            b"\xFF\xFE\0\xD8",
            b"\x89PNG\r\n",
        ] {
            assert_eq!(decoded(bytes.to_vec()), None, "{bytes:?}");
        }
    }

    #[test]
    fn truncation_never_splits_a_character() {
        let table = [
            ("abc", 3, "abc"),
            ("abcd", 3, "abc…"),
            ("aé", 2, "a…"),
            ("é", 1, "…"),
        ];
        for (text, limit, expected) in table {
            assert_eq!(truncate_bytes(text, limit), expected);
            assert_eq!(truncate_lossy(text.as_bytes(), limit), expected);
        }
        assert_eq!(truncate_lossy(b"a\xFFb", 9), "a\u{FFFD}b");
        assert_eq!(truncate_chars("aéb", 2), "aé…");
        assert_eq!(truncate_chars("aé", 2), "aé");
    }

    #[test]
    fn truncation_at_a_word_keeps_at_least_half_of_the_text() {
        assert_eq!(truncate_at_word("Draft the notes", 12, 0), "Draft the");
        assert_eq!(truncate_at_word("Draft: the", 8, 0), "Draft");
        assert_eq!(truncate_at_word("A verylongword", 10, 0), "A verylong");
        assert_eq!(truncate_at_word("Draft the notes", 12, 10), "Draft the no");
    }

    #[test]
    fn counts_have_thousands_separators_and_the_right_plural() {
        for (count, text) in [
            (0, "0 tasks"),
            (1, "1 task"),
            (999, "999 tasks"),
            (1_000, "1,000 tasks"),
            (1_234_567, "1,234,567 tasks"),
        ] {
            assert_eq!(counted(count, "task"), text);
        }
    }

    #[test]
    fn headings_are_capitalised_and_have_no_full_stop() {
        for (message, expected) in [
            ("", ""),
            (
                "the response is not complete",
                "The response is not complete",
            ),
            ("No task is approved.", "No task is approved"),
            ("élan", "Élan"),
            ("config.json is invalid", "config.json is invalid"),
            ("base_url: missing", "base_url: missing"),
            ("stopped. then failed.", "Stopped. then failed"),
        ] {
            assert_eq!(heading(message), expected);
        }
    }

    #[test]
    fn a_message_and_its_hint_are_joined_with_one_full_stop() {
        for (message, hint, expected) in [
            ("not found", "Try again.", "Not found. Try again."),
            ("Not found.", "Try again.", "Not found. Try again."),
            ("Not found", "", "Not found."),
        ] {
            assert_eq!(sentences(message, hint), expected);
        }
    }

    #[test]
    fn the_tail_of_a_stream_stays_on_one_line() {
        assert_eq!(tail_on_one_line("{\n\t\"ключ\": 1", 9), "\"ключ\": 1");
        assert_eq!(tail_on_one_line("a\nb", 9), "a b");
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&items), "a, b and c");
        assert_eq!(listed(&items[..2]), "a and b");
        assert_eq!(listed(&items[..1]), "a");
        assert_eq!(listed(&[]), "");
    }

    #[test]
    fn durations_are_rounded_for_a_sentence() {
        for (milliseconds, text) in [
            (0, "a few seconds"),
            (7_000, "a few seconds"),
            (7_001, "about 10 seconds"),
            (41_000, "about 45 seconds"),
            (54_001, "about one minute"),
            (89_000, "about one minute"),
            (90_000, "about 2 minutes"),
            (54 * 60_000, "about 54 minutes"),
            (55 * 60_000, "about one hour"),
            (90 * 60_000, "about 2 hours"),
            (23 * 3_600_000, "about 23 hours"),
            (24 * 3_600_000, "a day or more"),
            (u64::MAX, "a day or more"),
        ] {
            assert_eq!(about(milliseconds), text, "{milliseconds}");
        }
    }

    #[test]
    fn countdowns_show_seconds_below_an_hour() {
        for (milliseconds, text) in [
            (0, "0 s"),
            (1, "1 s"),
            (9_000, "9 s"),
            (60_000, "1 min"),
            (89_100, "1 min 30 s"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(countdown(milliseconds), text, "{milliseconds}");
        }
    }
}

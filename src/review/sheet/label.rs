//! Member names in readable form.

use crate::text::{capitalize, truncate_chars};

/// Longest label, in characters.
const MAX_CHARACTERS: usize = 80;

/// A member name as words: `depends_on` and `dependsOn` become "Depends on". A name without letters or
/// digits stays as it is.
pub(in crate::review) fn readable(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().take(MAX_CHARACTERS + 1).collect();
    for (at, character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| characters.get(before));
        let after = characters.get(at + 1);
        // "dueDate" and "APIKey" have two words each.
        let begins_word = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins_word {
            words.push(std::mem::take(&mut word));
        }
        word.push(*character);
    }
    words.push(word);
    let words: Vec<String> = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| {
            let is_abbreviation = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
            if is_abbreviation {
                word
            } else {
                word.to_lowercase()
            }
        })
        .collect();
    let label = if words.is_empty() {
        name.to_owned()
    } else {
        capitalize(&words.join(" "))
    };
    as_written(&label)
}

/// A member name as it is, if there is anything to see and up to a limit of characters.
pub(in crate::review) fn as_written(name: &str) -> String {
    if name.trim().is_empty() {
        return "(no name)".to_owned();
    }
    truncate_chars(name, MAX_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn names_in_any_convention_become_words() {
        for (name, label) in [
            ("title", "Title"),
            ("depends_on", "Depends on"),
            ("dependsOn", "Depends on"),
            ("depends-on", "Depends on"),
            ("DependsOn", "Depends on"),
            ("Depends on", "Depends on"),
            ("__private__", "Private"),
            ("taskID", "Task ID"),
            ("APIKey", "API key"),
            ("URL", "URL"),
            ("x-api-key", "X api key"),
            ("sha256Sum", "Sha256 sum"),
            ("größe", "Größe"),
            ("$ref", "Ref"),
            ("", "(no name)"),
            ("  ", "(no name)"),
            ("→", "→"),
        ] {
            assert_eq!(readable(name), label, "{name:?}");
        }
        assert!(readable(&"long_".repeat(1_000_000)).chars().count() <= 81);
    }
}

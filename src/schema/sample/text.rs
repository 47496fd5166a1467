//! Generates strings from the format, the pattern or the member's name.

use super::hints::Hints;
use super::{SampleError, formats};
use crate::random::SeededRng;
use crate::schema::conjunction::{Subschema, counts, strings};
use crate::schema::pattern::Pattern;
use crate::schema::roles::TextKind;
use crate::text::truncate_at_word;

/// Attempts to generate a string within its constraints.
const ATTEMPTS: u32 = 24;
/// Maximum length of a generated string, in characters.
const MAX_CHARACTERS: usize = 100_000;

/// The constraints on a string.
struct Constraints<'a> {
    patterns: Vec<(Pattern, String)>,
    formats: Vec<(&'a str, String)>,
    min: usize,
    max: Option<usize>,
}

impl Constraints<'_> {
    fn length_fits(&self, text: &str) -> bool {
        let length = text.chars().count();
        length >= self.min && self.max.is_none_or(|max| length <= max)
    }

    fn patterns_fit(&self, text: &str) -> bool {
        self.patterns
            .iter()
            .all(|(pattern, _)| pattern.matches(text))
    }
}

/// Generates a string that satisfies the lengths and patterns of all parts and the first known
/// format. `name` is the member's name, or that of the enclosing array; `is_title` marks the task's
/// title.
///
/// # Errors
/// A pattern is not supported, or no string was found.
pub(super) fn text(
    parts: &[Subschema<'_>],
    name: &str,
    is_title: bool,
    hints: &Hints,
    random: &mut SeededRng,
) -> Result<String, SampleError> {
    let limits = constraints(parts)?;
    if let Some((format, pointer)) = limits.formats.first() {
        return by_format(&limits, format, pointer, random);
    }
    if limits.patterns.is_empty() {
        let text = by_name(name, is_title, hints, random);
        return Ok(fit_length(text, &limits, hints, random));
    }
    // A word that happens to match reads better than a string generated from the pattern.
    for attempt in 0..6 {
        let candidate = match attempt {
            0 => by_name(name, is_title, hints, random),
            1 | 2 => hints.slug(random),
            _ => hints.word(random),
        };
        if limits.length_fits(&candidate) && limits.patterns_fit(&candidate) {
            return Ok(candidate);
        }
    }
    // A string that matches one of several patterns may also match the others.
    let rounds = if limits.patterns.len() > 1 {
        ATTEMPTS
    } else {
        1
    };
    for _ in 0..rounds {
        for (pattern, _) in &limits.patterns {
            let text = pattern
                .generate(random, limits.min, limits.max)
                .filter(|text| limits.patterns_fit(text));
            if let Some(text) = text {
                return Ok(text);
            }
        }
    }
    let pointer = limits.patterns.first().map(|(_, pointer)| pointer.clone());
    Err(SampleError::Unsupported {
        pointer: pointer.unwrap_or_default(),
        keyword: "pattern".to_owned(),
        why: "no matching string of the required length was found".to_owned(),
    })
}

fn constraints<'a>(parts: &[Subschema<'a>]) -> Result<Constraints<'a>, SampleError> {
    let mut patterns = Vec::new();
    for (source, pointer) in strings(parts, "pattern") {
        match Pattern::parse(source) {
            Ok(pattern) => patterns.push((pattern, pointer)),
            Err(why) => {
                return Err(SampleError::Unsupported {
                    pointer,
                    keyword: "pattern".to_owned(),
                    why,
                });
            }
        }
    }
    let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let min = counts(parts, "minLength").into_iter().max().map_or(0, size);
    let max = counts(parts, "maxLength").into_iter().min().map(size);
    if min > MAX_CHARACTERS || max.is_some_and(|max| max < min) {
        return Err(SampleError::Contradiction {
            pointer: parts
                .iter()
                .find(|part| part.map.contains_key("minLength"))
                .map_or_else(String::new, |part| part.pointer.clone()),
            keyword: "minLength".to_owned(),
            why: "it exceeds maxLength or the generator's limit".to_owned(),
        });
    }
    let formats = strings(parts, "format")
        .into_iter()
        .filter(|(format, _)| formats::is_known(format))
        .collect();
    Ok(Constraints {
        patterns,
        formats,
        min,
        max,
    })
}

fn by_format(
    limits: &Constraints<'_>,
    format: &str,
    pointer: &str,
    random: &mut SeededRng,
) -> Result<String, SampleError> {
    for attempt in 0..ATTEMPTS {
        let text = formats::text(format, random);
        if limits.length_fits(&text) && limits.patterns_fit(&text) {
            return Ok(text);
        }
        // The pattern may be stricter than the format; the schema check verifies the format.
        let from_pattern = limits
            .patterns
            .first()
            .filter(|_| attempt * 2 >= ATTEMPTS)
            .and_then(|(pattern, _)| pattern.generate(random, limits.min, limits.max));
        if let Some(text) = from_pattern.filter(|text| limits.patterns_fit(text)) {
            return Ok(text);
        }
    }
    Err(SampleError::Unsupported {
        pointer: pointer.to_owned(),
        keyword: "format".to_owned(),
        why: format!("no {format} was found that also satisfies the pattern and the lengths"),
    })
}

/// Generates a string of the kind that the member's name suggests.
fn by_name(name: &str, is_title: bool, hints: &Hints, random: &mut SeededRng) -> String {
    if is_title {
        return hints.title.clone();
    }
    let choose = |random: &mut SeededRng, from: &[&str]| {
        random
            .pick(from)
            .map_or_else(String::new, |it| (*it).to_owned())
    };
    match TextKind::of(name) {
        TextKind::Title => hints.title.clone(),
        TextKind::Prose => hints.prose(random),
        TextKind::Statement => hints.statement(random),
        TextKind::Key => hints.slug(random),
        TextKind::Agent => choose(random, &["writer", "researcher", "reviewer", "editor"]),
        TextKind::Address => format!("https://example.com/{}", hints.slug(random)),
        TextKind::Mail => formats::text("email", random),
        TextKind::File => format!("{}.md", hints.slug(random)),
        TextKind::Word => hints.word(random),
    }
}

/// Truncates or extends a text to the required length.
fn fit_length(
    text: String,
    limits: &Constraints<'_>,
    hints: &Hints,
    random: &mut SeededRng,
) -> String {
    let mut text = text;
    let mut length = text.chars().count();
    while length < limits.min {
        if length > 0 {
            text.push(' ');
            length += 1;
        }
        let more = if limits.min.saturating_sub(length) > 40 {
            hints.prose(random)
        } else {
            hints.word(random)
        };
        text.push_str(&more);
        length += more.chars().count();
    }
    match limits.max {
        Some(max) if length > max => truncate_at_word(&text, max, limits.min),
        _ => text,
    }
}

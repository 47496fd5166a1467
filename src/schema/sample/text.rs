//! Strings: by format, by pattern, by what the member's name says.

use super::hints::Hints;
use super::{SampleError, formats};
use crate::random::SeededRng;
use crate::schema::conjunction::{Subschema, counts, strings};
use crate::schema::pattern::Pattern;
use crate::schema::roles::TextKind;
use crate::text::truncate_at_word;

/// How often a string is made before its limits are given up.
const TRIES: u32 = 24;
/// The longest string that is made.
const MOST_CHARACTERS: usize = 100_000;

/// What a string has to meet.
struct Limits<'a> {
    patterns: Vec<(Pattern, String)>,
    formats: Vec<(&'a str, String)>,
    least: usize,
    most: Option<usize>,
}

impl Limits<'_> {
    fn length_fits(&self, text: &str) -> bool {
        let length = text.chars().count();
        length >= self.least && self.most.is_none_or(|most| length <= most)
    }

    fn patterns_fit(&self, text: &str) -> bool {
        self.patterns
            .iter()
            .all(|(pattern, _)| pattern.matches(text))
    }
}

/// Makes a string that meets the lengths and patterns of all parts and the first known format.
/// `name` is the member it is for, or that of the array it stands in; `title` says that it is the
/// task's own title.
///
/// # Errors
/// A pattern that is not understood, or limits no string was found for.
pub(super) fn text(
    parts: &[Subschema<'_>],
    name: &str,
    title: bool,
    hints: &Hints,
    random: &mut SeededRng,
) -> Result<String, SampleError> {
    let limits = limits(parts)?;
    if let Some((format, pointer)) = limits.formats.first() {
        return by_format(&limits, format, pointer, random);
    }
    if limits.patterns.is_empty() {
        let text = by_name(name, title, hints, random);
        return Ok(fitted(text, &limits, hints, random));
    }
    // A word that happens to match reads better than what the pattern alone would give.
    for attempt in 0..6 {
        let candidate = match attempt {
            0 => by_name(name, title, hints, random),
            1 | 2 => hints.slug(random),
            _ => hints.word(random),
        };
        if limits.length_fits(&candidate) && limits.patterns_fit(&candidate) {
            return Ok(candidate);
        }
    }
    // What matches one of several patterns may match the others.
    let rounds = if limits.patterns.len() > 1 { TRIES } else { 1 };
    for _ in 0..rounds {
        for (pattern, _) in &limits.patterns {
            let made = pattern
                .generate(random, limits.least, limits.most)
                .filter(|made| limits.patterns_fit(made));
            if let Some(made) = made {
                return Ok(made);
            }
        }
    }
    let pointer = limits.patterns.first().map(|(_, pointer)| pointer.clone());
    Err(SampleError::Unsupported {
        pointer: pointer.unwrap_or_default(),
        keyword: "pattern".to_owned(),
        why: "no string was found that it matches and that has the right length".to_owned(),
    })
}

fn limits<'a>(parts: &[Subschema<'a>]) -> Result<Limits<'a>, SampleError> {
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
    let least = counts(parts, "minLength").into_iter().max().map_or(0, size);
    let most = counts(parts, "maxLength").into_iter().min().map(size);
    if least > MOST_CHARACTERS || most.is_some_and(|most| most < least) {
        return Err(SampleError::Contradiction {
            pointer: parts
                .iter()
                .find(|part| part.map.contains_key("minLength"))
                .map_or_else(String::new, |part| part.pointer.clone()),
            keyword: "minLength".to_owned(),
            why: "it asks for more characters than are allowed or can be made".to_owned(),
        });
    }
    let formats = strings(parts, "format")
        .into_iter()
        .filter(|(format, _)| formats::is_known(format))
        .collect();
    Ok(Limits {
        patterns,
        formats,
        least,
        most,
    })
}

fn by_format(
    limits: &Limits<'_>,
    format: &str,
    pointer: &str,
    random: &mut SeededRng,
) -> Result<String, SampleError> {
    for attempt in 0..TRIES {
        let made = formats::text(format, random);
        if limits.length_fits(&made) && limits.patterns_fit(&made) {
            return Ok(made);
        }
        // The pattern may be the narrower of the two; the check decides about the format.
        let from_pattern = limits
            .patterns
            .first()
            .filter(|_| attempt * 2 >= TRIES)
            .and_then(|(pattern, _)| pattern.generate(random, limits.least, limits.most));
        if let Some(made) = from_pattern.filter(|made| limits.patterns_fit(made)) {
            return Ok(made);
        }
    }
    Err(SampleError::Unsupported {
        pointer: pointer.to_owned(),
        keyword: "format".to_owned(),
        why: format!("no {format} was found that also meets the pattern and the lengths"),
    })
}

/// A string of the kind the member's name speaks of.
fn by_name(name: &str, title: bool, hints: &Hints, random: &mut SeededRng) -> String {
    if title {
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

/// Cuts or lengthens a text to its limits.
fn fitted(text: String, limits: &Limits<'_>, hints: &Hints, random: &mut SeededRng) -> String {
    let mut text = text;
    let mut length = text.chars().count();
    while length < limits.least {
        if length > 0 {
            text.push(' ');
            length += 1;
        }
        let more = if limits.least.saturating_sub(length) > 40 {
            hints.prose(random)
        } else {
            hints.word(random)
        };
        text.push_str(&more);
        length += more.chars().count();
    }
    match limits.most {
        Some(most) if length > most => truncate_at_word(&text, most, limits.least),
        _ => text,
    }
}

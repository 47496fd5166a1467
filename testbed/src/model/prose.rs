//! Words that make generated tasks look as if they were about the goal.
//!
//! A schema says that a title is a string; it does not say what a title is. This module knows the
//! usual names of a task's members and proposes a value for each. A proposal that the schema does
//! not accept is dropped by the caller, so nothing here has to fit.

use serde_json::{Map, Value, json};

/// The longest goal that is quoted in a title, in characters.
const QUOTE_LIMIT: usize = 60;

/// A step of nearly any piece of work: what its title begins with, a word for its key and label,
/// who does it, and what is to be done.
struct Step {
    title: &'static str,
    word: &'static str,
    role: &'static str,
    work: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        title: "Clarify the scope",
        word: "scope",
        role: "analyst",
        work: "List what belongs to it, what does not, and what nobody has decided yet.",
    },
    Step {
        title: "Collect what is known",
        word: "collect",
        role: "researcher",
        work: "Gather documents, owners and earlier attempts, and note where each was found.",
    },
    Step {
        title: "Write the plan",
        word: "plan",
        role: "planner",
        work: "Name the steps, who takes each, and how one sees that a step is done.",
    },
    Step {
        title: "Draft a first version",
        word: "draft",
        role: "writer",
        work: "Make something small that works from beginning to end, and mark what is missing.",
    },
    Step {
        title: "Prepare the checks",
        word: "checks",
        role: "tester",
        work: "Write down what must hold, and a check for each that can fail.",
    },
    Step {
        title: "Review the draft",
        word: "review",
        role: "reviewer",
        work: "Read it with the checks beside you. Separate what is wrong from what is taste.",
    },
    Step {
        title: "Measure before and after",
        word: "measure",
        role: "analyst",
        work: "Choose one number that should change, and take it the same way twice.",
    },
    Step {
        title: "Inform those concerned",
        word: "inform",
        role: "writer",
        work: "Say what changes, when, and whom to ask, in at most ten sentences.",
    },
    Step {
        title: "Rehearse the way back",
        word: "rehearse",
        role: "operator",
        work: "Undo it once on a copy, and write down how long it took.",
    },
    Step {
        title: "Carry it out",
        word: "carry-out",
        role: "operator",
        work: "Follow the plan, note every departure from it, and stop where a check fails.",
    },
    Step {
        title: "Look after it for a week",
        word: "look-after",
        role: "operator",
        work: "Watch the number that was measured and collect what people report.",
    },
    Step {
        title: "Write down what was learned",
        word: "lessons",
        role: "writer",
        work: "Note what was expected, what came, and what to do differently.",
    },
];

const PRIORITIES: &[&str] = &["high", "normal", "normal", "low", "normal", "urgent"];

/// What a step looks at in particular, from the second round through the steps on.
const ASPECTS: &[&str] = &[
    "data",
    "interfaces",
    "people",
    "costs",
    "security",
    "documents",
    "operations",
    "deadlines",
    "suppliers",
    "training",
    "equipment",
];

/// The words for one goal.
#[derive(Clone, Debug)]
pub struct Prose {
    goal: String,
    quote: String,
}

impl Prose {
    /// Words for a goal.
    #[must_use]
    pub fn new(goal: &str) -> Self {
        let goal = goal.trim().trim_end_matches(['.', '!', '?']).to_owned();
        Self {
            quote: quote(&goal),
            goal,
        }
    }

    /// The key of the task at a place: no two of the first hundred places have the same.
    #[must_use]
    pub fn key(&self, place: usize) -> String {
        let word = step(place).map_or("task", |step| step.word);
        let words = match aspect(place) {
            Some(aspect) => format!("{word}-{aspect}-{}", self.quote),
            None => format!("{word}-{}", self.quote),
        };
        slug(&words, 60)
    }

    /// Proposes members for the task at a place: for each name one value. `previous_key` is that
    /// of the task before it, on which it may depend.
    #[must_use]
    pub fn members(&self, place: usize, previous_key: Option<&str>) -> Map<String, Value> {
        let Some(step) = step(place) else {
            return Map::new();
        };
        let (title, focus) = match aspect(place) {
            Some(aspect) => (
                format!("{}, {aspect}: {}", step.title, self.quote),
                format!(" Look at the {aspect} only."),
            ),
            None => (format!("{}: {}", step.title, self.quote), String::new()),
        };
        let key = self.key(place);
        let instructions = format!(
            "{}{focus}\n\nThe goal: {}.\n\nWhen you are done, say what you did and what is still \
             open.",
            step.work, self.goal
        );
        let depends_on: Vec<&str> = match previous_key {
            Some(key) if !place.is_multiple_of(3) => vec![key],
            _ => Vec::new(),
        };
        let priority = PRIORITIES.get(place % PRIORITIES.len());
        let proposals = [
            ("key", json!(key)),
            ("id", json!(key)),
            ("title", json!(title)),
            ("name", json!(title)),
            ("task_name", json!(title)),
            ("summary", json!(title)),
            ("task", json!(title)),
            ("instructions", json!(instructions)),
            ("description", json!(instructions)),
            ("details", json!(instructions)),
            ("prompt", json!(instructions)),
            ("priority", json!(priority)),
            ("role", json!(step.role)),
            ("target_role", json!(step.role)),
            ("inputs", json!([{"name": "goal", "value": self.goal}])),
            (
                "acceptance",
                json!([
                    "Someone who was not there can follow it.",
                    "What is still open is named."
                ]),
            ),
            ("labels", json!([step.word])),
            ("tags", json!([step.word])),
            ("depends_on", json!(depends_on)),
            ("due", Value::Null),
        ];
        proposals
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// The step of a place: one after the other, again and again.
fn step(place: usize) -> Option<&'static Step> {
    STEPS.get(place % STEPS.len())
}

/// The aspect of a place; there is none in the first round.
fn aspect(place: usize) -> Option<&'static str> {
    let round = (place / STEPS.len()).checked_sub(1)?;
    ASPECTS.get(round % ASPECTS.len()).copied()
}

/// The goal as it stands in a title: one line, not too long, cut between words.
fn quote(goal: &str) -> String {
    let mut quote = String::new();
    let mut length = 0;
    for word in goal.split_whitespace() {
        let more = word.chars().count() + usize::from(!quote.is_empty());
        if length + more > QUOTE_LIMIT {
            if quote.is_empty() {
                quote = word.chars().take(QUOTE_LIMIT).collect();
            }
            quote.push('…');
            break;
        }
        if !quote.is_empty() {
            quote.push(' ');
        }
        quote.push_str(word);
        length += more;
    }
    quote
}

/// Lower-case ASCII words joined by hyphens, at most so many characters.
fn slug(text: &str, limit: usize) -> String {
    let mut slug = String::new();
    for word in text
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if slug.len() + word.len() + 1 > limit && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(
            word.chars()
                .take(limit)
                .map(|letter| letter.to_ascii_lowercase()),
        );
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn titles_quote_the_goal_and_keys_differ() {
        let prose = Prose::new("Migrate the billing service to Postgres 16.");
        let mut keys = HashSet::new();
        for place in 0..500 {
            let members = prose.members(place, None);
            let title = members["title"].as_str().unwrap();
            assert!(title.contains(": Migrate the billing service to Postgres 16"));
            assert!(title.chars().count() <= 120);
            let key = members["key"].as_str().unwrap();
            assert_eq!(key, prose.key(place));
            assert!(key.len() <= 60, "{key}");
            if place < 100 {
                assert!(keys.insert(key.to_owned()), "{key} comes twice");
            }
        }
    }

    #[test]
    fn any_goal_gives_a_key_and_a_short_quote() {
        for goal in ["", "   ", "日本語の目標", &"x".repeat(5_000), "a\nb\u{0}c"] {
            let members = Prose::new(goal).members(3, Some("before"));
            let key = members["key"].as_str().unwrap();
            assert!(!key.is_empty() && key.len() <= 64);
            assert!(
                key.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            );
            assert!(members["title"].as_str().unwrap().chars().count() <= 120);
        }
    }

    #[test]
    fn a_slug_ends_with_a_whole_word() {
        assert_eq!(
            slug("Plan: move it, to Postgres-16!", 20),
            "plan-move-it-to"
        );
        assert_eq!(slug("", 20), "");
        assert_eq!(slug(&"a".repeat(50), 20), "a".repeat(20));
    }
}

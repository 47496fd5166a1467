//! Sample titles derived from the brief's goal: "Write release notes for v2" becomes, for example,
//! "Draft release notes for v2: outline".

use crate::random::SeededRng;

/// Verbs for titles, each with the aspects of the goal that a task may cover.
const STAGES: [(&str, [&str; 3]); 12] = [
    ("Draft", ["outline", "first version", "main points"]),
    ("Research", ["sources", "background", "earlier work"]),
    ("Plan", ["milestones", "scope", "order of work"]),
    ("Review", ["open questions", "structure", "consistency"]),
    ("Check", ["facts", "figures", "names and dates"]),
    ("Complete", ["missing parts", "examples", "references"]),
    ("Refine", ["wording", "tone", "headings"]),
    ("Compare", ["alternatives", "last version", "similar cases"]),
    ("Test", ["edge cases", "instructions", "assumptions"]),
    ("Summarise", ["results", "key decisions", "short form"]),
    ("Document", ["decisions", "limits", "next steps"]),
    ("Hand over", ["checklist", "contacts", "archive"]),
];

/// Verbs at the beginning of a goal that a title replaces.
const VERBS: [&str; 26] = [
    "write",
    "create",
    "make",
    "build",
    "draft",
    "prepare",
    "produce",
    "generate",
    "develop",
    "plan",
    "design",
    "implement",
    "review",
    "compile",
    "collect",
    "organise",
    "organize",
    "update",
    "improve",
    "complete",
    "finish",
    "compose",
    "research",
    "do",
    "set",
    "document",
];

/// Maximum length of the part of the goal used in a title, in characters.
const SUBJECT_CHARACTERS: usize = 64;

/// The title of the task at position `ordinal`, from 0. No two positions share a title.
pub(super) fn title(goal: &str, ordinal: usize, random: &mut SeededRng) -> String {
    let stage = STAGES.get(ordinal % STAGES.len());
    let (verb, aspects) = stage.map_or(("Draft", &[] as &[&str]), |(verb, aspects)| {
        (*verb, aspects.as_slice())
    });
    let aspect = random.pick(aspects).copied().unwrap_or("outline");
    let object = object(goal);
    let round = ordinal / STAGES.len();
    if round == 0 {
        format!("{verb} {object}: {aspect}")
    } else {
        format!("{verb} {object}: {aspect}, part {}", round + 1)
    }
}

/// The first sentence of the goal, truncated for use in a title and without its full stop.
pub(super) fn subject(goal: &str) -> String {
    let line = goal
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("the work at hand");
    let sentence = line.split(". ").next().unwrap_or(line);
    let sentence = sentence.trim_end_matches(['.', '!', '?', ':', ';', ',', ' ']);
    if sentence.chars().count() <= SUBJECT_CHARACTERS {
        return sentence.to_owned();
    }
    let beginning: String = sentence.chars().take(SUBJECT_CHARACTERS).collect();
    beginning
        .rsplit_once(' ')
        .map_or(beginning.as_str(), |(words, _)| words)
        .trim_end_matches([',', ';', ':', ' '])
        .to_owned()
}

/// The subject of the goal without its leading verb.
fn object(goal: &str) -> String {
    let subject = subject(goal);
    match subject.split_once(' ') {
        Some((first, rest)) if VERBS.contains(&first.to_lowercase().as_str()) => {
            rest.trim_start().to_owned()
        }
        _ => subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_contains_the_object_of_the_goal() {
        let mut random = SeededRng::new(0);
        let first = title("Write release notes for v2", 0, &mut random);
        assert!(first.starts_with("Draft release notes for v2: "), "{first}");
    }

    #[test]
    fn no_two_positions_share_a_title() {
        let mut random = SeededRng::new(0);
        let titles: std::collections::HashSet<String> = (0..500)
            .map(|ordinal| title("Tidy the wiki", ordinal, &mut random))
            .collect();
        assert_eq!(titles.len(), 500);
    }

    #[test]
    fn a_long_goal_is_truncated_between_words() {
        let goal = "Write down everything we know about the migration of the billing system, with dates. More.";
        let subject = subject(goal);
        assert!(goal.starts_with(&subject) && subject.chars().count() <= 64);
        assert!(!subject.ends_with(','));
        assert_eq!(super::subject("  \n\n"), "the work at hand");
    }
}

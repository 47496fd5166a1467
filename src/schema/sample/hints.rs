//! Words that make samples look as if somebody had meant them.

use crate::random::SeededRng;

/// What samples speak of. Hints never decide whether a sample is valid, only how it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// The title of the task, for the member that plays the title's role and for members that are
    /// named like one.
    pub title: String,
    /// What the whole batch is for, woven into longer texts.
    pub goal: String,
    /// The member that is the title, at the top of the sample.
    pub title_member: Option<String>,
    /// Optional members at the top of the sample that are to be there.
    pub include: Vec<String>,
}

impl Default for Hints {
    fn default() -> Self {
        Hints::for_goal("Prepare the example report")
    }
}

impl Hints {
    /// Hints from one line that says what is wanted.
    #[must_use]
    pub fn for_goal(goal: &str) -> Self {
        Hints {
            title: goal.to_owned(),
            goal: goal.to_owned(),
            title_member: None,
            include: Vec::new(),
        }
    }

    /// Two or three sentences.
    pub(super) fn prose(&self, random: &mut SeededRng) -> String {
        let title = self.title.trim_end_matches(['.', '!', '?']);
        let goal = self.goal.trim_end_matches(['.', '!', '?']);
        let begin = [
            format!("{title}."),
            format!("This task is about one thing: {title}."),
            format!("Read what is there, then take this on: {title}."),
        ];
        let middle = [
            format!("It serves the goal \"{goal}\"."),
            format!("Keep the goal in view: {goal}."),
            "Work in small steps and write down each decision.".to_owned(),
        ];
        let end = [
            "Hand over the result with a short note on what is still open.",
            "Stop and report if something that is needed is missing.",
            "Leave the result where the next agent finds it.",
        ];
        let first = random.pick(&begin).map_or("", String::as_str);
        let second = random.pick(&middle).map_or("", String::as_str);
        let third = random.pick(&end).copied().unwrap_or("");
        format!("{first} {second} {third}")
    }

    /// One sentence that can be checked.
    pub(super) fn statement(&self, random: &mut SeededRng) -> String {
        let word = self.word(random);
        let statements = [
            format!("The part about {word} is complete and free of placeholders."),
            "Every claim names where it comes from.".to_owned(),
            "A second reader has nothing left to ask.".to_owned(),
            format!("Nothing that was said about {word} is missing."),
            "The result is stored and its place is written down.".to_owned(),
            "Open questions are listed, each with an owner.".to_owned(),
        ];
        random.pick(&statements).cloned().unwrap_or_default()
    }

    /// One word in lower case, ASCII letters and digits only: from the goal where it has any.
    pub(super) fn word(&self, random: &mut SeededRng) -> String {
        let own = words(&self.goal);
        if !own.is_empty() && random.chance(2, 3) {
            return random.pick(&own).cloned().unwrap_or_default();
        }
        let others = [
            "draft", "source", "outline", "review", "notes", "summary", "figures", "examples",
            "archive", "handover",
        ];
        random
            .pick(&others)
            .map_or_else(String::new, |word| (*word).to_owned())
    }

    /// Two words in lower case, joined by a hyphen.
    pub(super) fn slug(&self, random: &mut SeededRng) -> String {
        let first = self.word(random);
        for _ in 0..4 {
            let second = self.word(random);
            if second != first {
                return format!("{first}-{second}");
            }
        }
        first
    }
}

/// The words of a text that carry meaning: lower case, ASCII letters and digits, three characters
/// or more.
fn words(text: &str) -> Vec<String> {
    const EMPTY: [&str; 16] = [
        "the", "and", "for", "with", "that", "this", "from", "into", "are", "all", "our", "your",
        "each", "has", "have", "please",
    ];
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| word.is_ascii() && word.len() >= 3)
        .map(str::to_ascii_lowercase)
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .collect()
}

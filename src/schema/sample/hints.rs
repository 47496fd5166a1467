//! Texts that make samples look plausible.

use crate::random::SeededRng;

/// Texts to use in samples. Hints affect how a sample reads, never whether it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// The task's title, for the title member and members with a similar name.
    pub title: String,
    /// The goal of the batch, used in longer texts.
    pub goal: String,
    /// The top-level member that is the title.
    pub title_member: Option<String>,
    /// Optional top-level members to include.
    pub include: Vec<String>,
}

impl Default for Hints {
    fn default() -> Self {
        Hints::for_goal("Prepare the example report")
    }
}

impl Hints {
    /// Creates hints from a goal, given as one line.
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
            format!("Read the existing material, then start: {title}."),
        ];
        let middle = [
            format!("It serves the goal \"{goal}\"."),
            format!("Keep the goal in view: {goal}."),
            "Work in small steps and write down each decision.".to_owned(),
        ];
        let end = [
            "Hand over the result with a short note on open points.",
            "Stop and report if anything you need is missing.",
            "Leave the result where the next agent will find it.",
        ];
        let first = random.pick(&begin).map_or("", String::as_str);
        let second = random.pick(&middle).map_or("", String::as_str);
        let third = random.pick(&end).copied().unwrap_or("");
        format!("{first} {second} {third}")
    }

    /// One verifiable sentence.
    pub(super) fn statement(&self, random: &mut SeededRng) -> String {
        let word = self.word(random);
        let statements = [
            format!("The part about {word} is complete and free of placeholders."),
            "Every claim names its source.".to_owned(),
            "A second reader has no open questions.".to_owned(),
            format!("Every requirement about {word} is covered."),
            "The result is stored and its location is recorded.".to_owned(),
            "Open questions are listed, each with an owner.".to_owned(),
        ];
        random.pick(&statements).cloned().unwrap_or_default()
    }

    /// One lower-case word of ASCII letters and digits, often from the goal.
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

    /// Two lower-case words joined by a hyphen.
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

/// The words of a text in lower case, without stop words: ASCII letters and digits, three
/// characters or more.
fn words(text: &str) -> Vec<String> {
    const STOP_WORDS: [&str; 16] = [
        "the", "and", "for", "with", "that", "this", "from", "into", "are", "all", "our", "your",
        "each", "has", "have", "please",
    ];
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| word.is_ascii() && word.len() >= 3)
        .map(str::to_ascii_lowercase)
        .filter(|word| !STOP_WORDS.contains(&word.as_str()))
        .collect()
}

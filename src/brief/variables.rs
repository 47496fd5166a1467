//! Variables of a saved brief: `{{name}}` in its texts, replaced when the brief is used.

use super::BriefForm;
use crate::text::is_hidden;

/// Maximum number of variables of a brief.
pub const MAX_VARIABLES: usize = 30;
/// Maximum length of a name, in characters. What is longer stays text.
const MAX_NAME: usize = 60;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// A stretch of a text.
enum Piece<'t> {
    Text(&'t str),
    /// A variable: its name, and how it is written.
    Variable(&'t str, &'t str),
}

/// The names of the variables in a brief, each once, in the order in which they occur.
#[must_use]
pub fn names(brief: &BriefForm) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts(brief) {
        for piece in pieces(text) {
            if let Piece::Variable(name, _) = piece
                && names.len() < MAX_VARIABLES
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The brief with values in place of its variables, which come as pairs of name and value. A variable
/// without a value stays as it is written. Values are inserted as they are: a variable in a value is
/// text.
#[must_use]
pub fn filled(brief: &BriefForm, values: &[(String, String)]) -> BriefForm {
    let fill = |text: &str| {
        let value_of = |name: &str| values.iter().find(|(known, _)| known == name);
        pieces(text)
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Variable(name, written) => {
                    value_of(name).map_or(written, |(_, value)| value.as_str())
                }
            })
            .collect()
    };
    let [goal, context, rules, count] = texts(brief).map(fill);
    BriefForm {
        goal,
        context,
        rules,
        count,
    }
}

fn texts(brief: &BriefForm) -> [&str; 4] {
    [&brief.goal, &brief.context, &brief.rules, &brief.count]
}

/// Cuts a text into variables and what is between them. Together they are the text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(start) = rest.find(OPEN) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        let (before, from_open) = rest.split_at(start);
        if !before.is_empty() {
            rest = from_open;
            return Some(Piece::Text(before));
        }
        if let Some((name, length)) = variable(from_open) {
            let (written, after) = from_open.split_at(length);
            rest = after;
            return Some(Piece::Variable(name, written));
        }
        // One brace at a time: in `{{{name}}` the variable begins at the second one.
        let (brace, after) = from_open.split_at(1);
        rest = after;
        Some(Piece::Text(brace))
    })
}

/// The name of the variable that begins a text, and the length in bytes of how it is written.
fn variable(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix(OPEN)?;
    // No name is longer, so no more is searched.
    let longest = inner
        .char_indices()
        .nth(MAX_NAME + 2 * CLOSE.len())
        .map_or(inner.len(), |(at, _)| at);
    let end = inner.get(..longest)?.find(CLOSE)?;
    let name = inner.get(..end)?.trim();
    let is_name = |c: char| c != '{' && c != '}' && !is_hidden(c);
    (!name.is_empty() && name.chars().count() <= MAX_NAME && name.chars().all(is_name))
        .then_some((name, OPEN.len() + end + CLOSE.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn brief(goal: &str) -> BriefForm {
        BriefForm {
            goal: goal.to_owned(),
            ..BriefForm::default()
        }
    }

    #[test]
    fn each_variable_is_named_once_in_the_order_of_the_texts() {
        let brief = BriefForm {
            goal: "Migrate {{ service }} to {{target version}}, {{service}} first".to_owned(),
            context: "{{größe}} {{}} {{ }} {{a\nb}} {{unfinished".to_owned(),
            rules: "{{{name}}} and {{a{b}}".to_owned(),
            count: "{{count}}".to_owned(),
        };
        assert_eq!(
            names(&brief),
            ["service", "target version", "größe", "name", "count"]
        );
        let long = format!("{{{{{}}}}}", "x".repeat(MAX_NAME + 1));
        assert_eq!(names(&super::tests::brief(&long)), [""; 0]);
    }

    #[test]
    fn values_replace_variables_once_and_the_rest_stays_as_it_is_written() {
        let values = [
            ("service".to_owned(), "{{target}} $1".to_owned()),
            ("empty".to_owned(), String::new()),
        ];
        for (goal, expected) in [
            ("{{service}}", "{{target}} $1"),
            ("a {{ service }}b", "a {{target}} $1b"),
            ("{{{service}}}", "{{{target}} $1}"),
            ("[{{empty}}]", "[]"),
            ("{{ other }}", "{{ other }}"),
            ("{{", "{{"),
        ] {
            assert_eq!(filled(&brief(goal), &values).goal, expected, "{goal}");
        }
    }

    proptest! {
        #[test]
        fn a_brief_without_values_is_unchanged(goal in "[{} a\u{e4}\u{200b}\n]{0,40}") {
            let brief = brief(&goal);
            prop_assert_eq!(filled(&brief, &[]), brief);
        }

        #[test]
        fn every_variable_that_is_named_can_be_filled(goal in "[{} ab]{0,40}") {
            let brief = brief(&goal);
            let values: Vec<_> = names(&brief).into_iter().map(|name| (name, "X".to_owned())).collect();
            for (name, _) in &values {
                let one = [(name.clone(), String::new())];
                prop_assert!(filled(&brief, &one).goal.len() < goal.len());
            }
        }
    }
}

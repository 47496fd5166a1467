//! The placeholders of a body template, and how they are found outside the strings of its text.

use std::ops::Range;

/// What takes the place of a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// `$task`: the task.
    Task,
    /// `...$task`: the members of the task.
    Members {
        /// Those that the template sets itself.
        own: Vec<OwnMember>,
    },
    /// `$task.outer.inner`: the value of a member.
    Member(Vec<String>),
    /// `$uuid`: a UUID of the task.
    Uuid,
    /// `$number`: the position of the task in its run.
    Number,
    /// `$run`: the identifier of the run.
    Run,
    /// `$time`: when the run was started.
    Time,
}

/// A member that a template sets beside those of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnMember {
    /// Its name.
    pub name: String,
    /// The member of the task that its value is, if it is nothing else.
    pub from: Option<Vec<String>>,
}

/// Why a dollar sign begins no placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PlaceholderProblem {
    /// There is no placeholder of this name.
    Unknown(String),
    /// This placeholder is inside a string.
    InString(String),
}

/// Finds the first placeholder outside a string, and where it is.
pub(super) fn next_placeholder(
    text: &str,
) -> Result<Option<(Range<usize>, Placeholder)>, PlaceholderProblem> {
    let bytes = text.as_bytes();
    let mut is_in_string = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if is_in_string => at += 1,
            b'"' => is_in_string = !is_in_string,
            b'$' => {
                let length = name_length(text.get(at + 1..).unwrap_or_default());
                let end = at + 1 + length;
                let name = text.get(at..end).unwrap_or_default();
                match (named(name), is_in_string) {
                    (Some(_), true) => return Err(PlaceholderProblem::InString(name.to_owned())),
                    (None, false) => return Err(PlaceholderProblem::Unknown(name.to_owned())),
                    // A price, say.
                    (None, true) => {}
                    (Some(placeholder), false) => {
                        let dots = text.get(..at).filter(|before| before.ends_with("..."));
                        return Ok(Some(match (placeholder, dots) {
                            (Placeholder::Task, Some(before)) => (
                                before.len() - 3..end,
                                Placeholder::Members { own: Vec::new() },
                            ),
                            (placeholder, _) => (at..end, placeholder),
                        }));
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(None)
}

/// The length in bytes of the name at the start of a text: words of letters and digits of any language,
/// with dots between them. A dot at the end is not part of it.
fn name_length(text: &str) -> usize {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    name.trim_end_matches('.').len()
}

/// The placeholder of this name, which begins with a dollar sign.
fn named(name: &str) -> Option<Placeholder> {
    Some(match name {
        "$task" => Placeholder::Task,
        "$uuid" => Placeholder::Uuid,
        "$number" => Placeholder::Number,
        "$run" => Placeholder::Run,
        "$time" => Placeholder::Time,
        _ => {
            let path: Vec<String> = name
                .strip_prefix("$task.")?
                .split('.')
                .map(str::to_owned)
                .collect();
            if path.iter().any(String::is_empty) {
                return None;
            }
            Placeholder::Member(path)
        }
    })
}

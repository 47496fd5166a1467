//! The text that the model generates for a request.

use serde_json::Value;

use super::error::ApiError;
use super::request::ModelRequest;
use super::tasks;
use crate::script::{Defect, ModelReply, Shape, Source, TaskOptions};

/// The approximate number of characters in a token. The public service documents the same number for
/// English text.
const CHARACTERS_PER_TOKEN: usize = 4;

/// The generated text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOutput {
    /// Reasoning before the content.
    pub reasoning: String,
    /// The content.
    pub content: String,
    /// A refusal.
    pub refusal: Option<String>,
    /// The text of a second choice.
    pub second_choice: Option<String>,
    /// Why the model stopped; absent if the response does not say so.
    pub finish_reason: Option<String>,
    /// Tokens of the request.
    pub prompt_tokens: usize,
}

impl ModelOutput {
    /// Generates the text: that of the script, or tasks for the request.
    ///
    /// # Errors
    /// When the requested tasks cannot be made.
    pub fn new(reply: &ModelReply, request: &ModelRequest, seed: u64) -> Result<Self, ApiError> {
        let text = &reply.text;
        let source = match &text.source {
            Source::Verbatim(verbatim) => verbatim.clone(),
            Source::Tasks(options) => generate(options, request, seed)?,
        };
        let mut content = format!("{}{source}{}", text.before, text.after);
        if let Some(share) = text.share {
            content = first_share(&content, share);
        }
        let mut finish_reason = reply.finish_reason.clone();
        let limit = request
            .token_limit
            .and_then(|tokens| usize::try_from(tokens).ok())
            .map(|tokens| tokens.saturating_mul(CHARACTERS_PER_TOKEN));
        if let Some(limit) = limit
            && content.chars().count() > limit
        {
            content = content.chars().take(limit).collect();
            finish_reason = finish_reason.map(|_| "length".to_owned());
        }
        Ok(Self {
            reasoning: text.reasoning.clone(),
            content,
            refusal: text.refusal.clone(),
            second_choice: text.second_choice.clone(),
            finish_reason,
            prompt_tokens: request.messages.iter().map(|(_, text)| tokens(text)).sum(),
        })
    }

    /// Tokens of the response.
    #[must_use]
    pub fn completion_tokens(&self) -> usize {
        tokens(&self.content) + tokens(&self.reasoning) + self.refusal.as_deref().map_or(0, tokens)
    }
}

/// The approximate number of tokens in a text.
pub(super) fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(CHARACTERS_PER_TOKEN)
}

/// Splits a text into pieces of `size` characters; the last one may be shorter.
pub(super) fn pieces(text: &str, size: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut characters = text.chars().peekable();
    while characters.peek().is_some() {
        pieces.push(characters.by_ref().take(size.max(1)).collect());
    }
    pieces
}

/// The first `share` of the characters of a text.
fn first_share(text: &str, share: f64) -> String {
    let all = text.chars().count();
    // The cast saturates, so a share out of range keeps nothing or everything.
    let kept = (all as f64 * share) as usize;
    text.chars().take(kept).collect()
}

/// Makes tasks and writes them as text.
fn generate(options: &TaskOptions, request: &ModelRequest, seed: u64) -> Result<String, ApiError> {
    let made = tasks::make(request, options.count_off_by, seed)?;
    let mut tasks = made.tasks;
    add_defects(&mut tasks, &options.defects);
    let mut texts: Vec<String> = tasks
        .iter()
        .map(|task| json(task, options.pretty))
        .collect();
    add_duplicate_members(&mut texts, &options.defects);
    Ok(match options.shape {
        Shape::Envelope => envelope(&made.envelope, &made.member, &texts, options.pretty),
        Shape::Array => array(&texts),
        Shape::Single => texts.into_iter().next().unwrap_or_default(),
        Shape::Lines => texts.join("\n"),
    })
}

fn json(value: &Value, pretty: bool) -> String {
    if pretty {
        format!("{value:#}")
    } else {
        value.to_string()
    }
}

fn array(texts: &[String]) -> String {
    format!("[{}]", texts.join(","))
}

/// The envelope as text. `texts` are its tasks.
fn envelope(envelope: &Value, member: &str, texts: &[String], pretty: bool) -> String {
    let members: Vec<String> = envelope
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = if name == member {
                array(texts)
            } else {
                json(value, pretty)
            };
            format!("{}:{value}", json(&Value::from(name.as_str()), false))
        })
        .collect();
    if pretty {
        format!("{{\n{}\n}}", members.join(",\n"))
    } else {
        format!("{{{}}}", members.join(","))
    }
}

/// Adds the defects that a value can have.
fn add_defects(tasks: &mut [Value], defects: &[Defect]) {
    for defect in defects {
        match defect {
            Defect::Remove { task, member } => {
                if let Some(object) = tasks.get_mut(*task).and_then(Value::as_object_mut) {
                    object.shift_remove(member);
                }
            }
            Defect::Set { task, member, to } => {
                if let Some(object) = tasks.get_mut(*task).and_then(Value::as_object_mut) {
                    object.insert(member.clone(), to.clone());
                }
            }
            Defect::Copy { task, member, from } => {
                let copied = tasks
                    .get(*from)
                    .and_then(|other| other.get(member))
                    .cloned();
                if let Some(object) = tasks.get_mut(*task).and_then(Value::as_object_mut)
                    && let Some(copied) = copied
                {
                    object.insert(member.clone(), copied);
                }
            }
            // A value cannot have duplicate members; see `add_duplicate_members`.
            Defect::Repeat { .. } => {}
        }
    }
}

/// Adds duplicate members, which only text can have.
fn add_duplicate_members(texts: &mut [String], defects: &[Defect]) {
    for defect in defects {
        if let Defect::Repeat { task, member, with } = defect
            && let Some(text) = texts.get_mut(*task)
            && let Some(rest) = text.strip_prefix('{')
        {
            *text = format!("{{{}:{with},{rest}", Value::from(member.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_counted_in_characters_and_keep_the_whole_text() {
        assert_eq!(pieces("aßc🦀e", 2), ["aß", "c🦀", "e"]);
        assert_eq!(pieces("", 2), Vec::<String>::new());
        assert_eq!(pieces("abc", usize::MAX), ["abc"]);
    }
}

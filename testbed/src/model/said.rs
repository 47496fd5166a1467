//! What the model says in answer to one request, before it is put into events.

use serde_json::Value;

use super::error::ApiError;
use super::request::ModelRequest;
use super::tasks;
use crate::script::{Answer, Batch, Shape, Source, Spoil};

/// About so many characters are a token; the public service's documentation uses the same number
/// for English text.
const CHARACTERS_PER_TOKEN: usize = 4;

/// What the model says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Reasoning before the answer.
    pub reasoning: String,
    /// The answer.
    pub content: String,
    /// A refusal.
    pub refusal: Option<String>,
    /// The text of a second choice.
    pub second_choice: Option<String>,
    /// Why the model stopped; absent when it never says so.
    pub finish_reason: Option<String>,
    /// Tokens of the request.
    pub prompt_tokens: usize,
}

impl Said {
    /// Works out what is said: the script's text, or tasks made for the request.
    ///
    /// # Errors
    /// When the request asks for tasks that cannot be made.
    pub fn new(answer: &Answer, request: &ModelRequest, seed: u64) -> Result<Self, ApiError> {
        let text = &answer.text;
        let source = match &text.source {
            Source::Verbatim(verbatim) => verbatim.clone(),
            Source::Tasks(batch) => written(batch, request, seed)?,
        };
        let mut content = format!("{}{source}{}", text.before, text.after);
        if let Some(share) = text.share {
            content = first_share(&content, share);
        }
        let mut finish_reason = answer.finish_reason.clone();
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

    /// Tokens of the answer.
    #[must_use]
    pub fn completion_tokens(&self) -> usize {
        tokens(&self.content) + tokens(&self.reasoning) + self.refusal.as_deref().map_or(0, tokens)
    }
}

/// About how many tokens a text has.
pub(super) fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(CHARACTERS_PER_TOKEN)
}

/// A text in pieces of so many characters; the last one may be shorter.
pub(super) fn pieces(text: &str, size: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut characters = text.chars().peekable();
    while characters.peek().is_some() {
        pieces.push(characters.by_ref().take(size.max(1)).collect());
    }
    pieces
}

/// The first part of a text, in characters.
fn first_share(text: &str, share: f64) -> String {
    let all = text.chars().count();
    // A share out of its range means nothing or everything: the cast saturates.
    let kept = (all as f64 * share) as usize;
    text.chars().take(kept).collect()
}

/// The tasks of a batch as text.
fn written(batch: &Batch, request: &ModelRequest, seed: u64) -> Result<String, ApiError> {
    let made = tasks::make(request, batch.count_off_by, seed)?;
    let mut tasks = made.tasks;
    spoil(&mut tasks, &batch.spoil);
    let mut texts: Vec<String> = tasks.iter().map(|task| json(task, batch.pretty)).collect();
    repeat(&mut texts, &batch.spoil);
    Ok(match batch.shape {
        Shape::Envelope => envelope(&made.envelope, &made.member, &texts, batch.pretty),
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

/// The envelope as text, its tasks being the texts as they are.
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

/// Changes values of tasks.
fn spoil(tasks: &mut [Value], changes: &[Spoil]) {
    for change in changes {
        match change {
            Spoil::Remove { task, member } => {
                if let Some(object) = tasks.get_mut(*task).and_then(Value::as_object_mut) {
                    object.shift_remove(member);
                }
            }
            Spoil::Set { task, member, to } => {
                if let Some(object) = tasks.get_mut(*task).and_then(Value::as_object_mut) {
                    object.insert(member.clone(), to.clone());
                }
            }
            Spoil::Copy { task, member, from } => {
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
            // A value cannot hold a member twice; see `repeat`.
            Spoil::Repeat { .. } => {}
        }
    }
}

/// Adds members that are there already, which only text can express.
fn repeat(texts: &mut [String], changes: &[Spoil]) {
    for change in changes {
        if let Spoil::Repeat { task, member, with } = change
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
    fn pieces_are_counted_in_characters_and_lose_none() {
        assert_eq!(pieces("aßc🦀e", 2), ["aß", "c🦀", "e"]);
        assert_eq!(pieces("", 2), Vec::<String>::new());
        assert_eq!(pieces("abc", usize::MAX), ["abc"]);
    }
}

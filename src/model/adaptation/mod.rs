//! Adaptations: how a request changes after an endpoint has refused it.
//!
//! ```text
//! failure, body of the refusal ─→ evidence ─→ refusal (a table) ─→ Proposal ─→ Adaptations
//!                                                                                 │ request
//!                                                                                 │ memory
//! ```
//!
//! `evidence` collects what a refusal names, wherever an endpoint writes it. `refusal` finds the part
//! of the request that is meant, and the change that may help. [`Adaptations`] are the changes in
//! force; the request is built with them, and [`AdaptationMemory`] keeps them for an endpoint and
//! model. Whether to follow a proposal is up to the run.

mod evidence;
mod memory;
mod refusal;
mod schema;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use memory::AdaptationMemory;
pub use refusal::{Proposal, propose};
pub use schema::without_keywords;

use super::notice::{Notice, NoticeCode};
use super::response_format::ResponseFormat;

/// Maximum number of refused calls per request. After that, the refusal is the outcome.
pub const MAX_REFUSED_CALLS: usize = 5;

/// One change of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "change", content = "to", rename_all = "snake_case")]
pub enum Adaptation {
    /// Ask for this response format at most.
    ResponseFormat(ResponseFormat),
    /// Send the max output tokens under this name.
    TokenLimit(TokenLimitName),
    /// Leave out `stream_options`. The endpoint may then not report the usage.
    OmitStreamOptions,
    /// Leave out `store`.
    OmitStore,
    /// Ask for one document instead of a stream.
    NoStreaming,
    /// Put the system message before the user's text.
    MergeSystemMessage,
    /// Leave this keyword out of the schema for the model.
    OmitKeyword(String),
    /// Leave out this extra parameter.
    OmitParameter(String),
}

/// The names of the max output tokens in Chat Completions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitName {
    /// The current name.
    #[default]
    MaxCompletionTokens,
    /// The former name, which older servers know.
    MaxTokens,
}

impl TokenLimitName {
    /// The name of the member.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TokenLimitName::MaxCompletionTokens => "max_completion_tokens",
            TokenLimitName::MaxTokens => "max_tokens",
        }
    }
}

impl Adaptation {
    /// A stable name of the kind of change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Adaptation::ResponseFormat(_) => "response_format",
            Adaptation::TokenLimit(_) => "token_limit",
            Adaptation::OmitStreamOptions => "omit_stream_options",
            Adaptation::OmitStore => "omit_store",
            Adaptation::NoStreaming => "no_streaming",
            Adaptation::MergeSystemMessage => "merge_system_message",
            Adaptation::OmitKeyword(_) => "omit_keyword",
            Adaptation::OmitParameter(_) => "omit_parameter",
        }
    }

    /// The format, name or keyword that it is about.
    #[must_use]
    pub fn value(&self) -> Option<String> {
        match self {
            Adaptation::ResponseFormat(format) => Some(format.as_str().to_owned()),
            Adaptation::TokenLimit(name) => Some(name.as_str().to_owned()),
            Adaptation::OmitKeyword(name) | Adaptation::OmitParameter(name) => Some(name.clone()),
            Adaptation::OmitStreamOptions
            | Adaptation::OmitStore
            | Adaptation::NoStreaming
            | Adaptation::MergeSystemMessage => None,
        }
    }

    /// What is different, in one sentence for the operator.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Adaptation::ResponseFormat(ResponseFormat::JsonSchema) => {
                "The endpoint is asked to follow the schema.".to_owned()
            }
            Adaptation::ResponseFormat(ResponseFormat::JsonObject) => {
                "The endpoint is asked for a JSON object, with the schema in the prompt.".to_owned()
            }
            Adaptation::ResponseFormat(ResponseFormat::PromptOnly) => {
                "Only the prompt asks for JSON.".to_owned()
            }
            Adaptation::TokenLimit(name) => {
                format!("The max output tokens are sent as {}.", name.as_str())
            }
            Adaptation::OmitStreamOptions => {
                "stream_options is left out, so the endpoint may not report token usage.".to_owned()
            }
            Adaptation::OmitStore => {
                "store is left out, so the endpoint may store requests and responses.".to_owned()
            }
            Adaptation::NoStreaming => {
                "Responses are not streamed: all tasks of a response arrive at once.".to_owned()
            }
            Adaptation::MergeSystemMessage => {
                "The system message is sent as the beginning of the user message.".to_owned()
            }
            Adaptation::OmitKeyword(keyword) => {
                format!("The schema for the model is sent without {keyword}.")
            }
            Adaptation::OmitParameter(name) => format!("The parameter {name} is left out."),
        }
    }

    /// What the operator is told when the request is repeated with it.
    #[must_use]
    pub fn notice(&self) -> Notice {
        let (code, refused, repeated) = match self {
            Adaptation::ResponseFormat(format) => (
                NoticeCode::ResponseFormatFallback,
                "the response format".to_owned(),
                match format {
                    ResponseFormat::JsonSchema | ResponseFormat::JsonObject => {
                        "asking for a JSON object, with the schema in the prompt. This page checks \
                         every task against the schema in any case"
                            .to_owned()
                    }
                    ResponseFormat::PromptOnly => "with the schema in the prompt only. This page \
                         checks every task against the schema in any case"
                        .to_owned(),
                },
            ),
            Adaptation::TokenLimit(name) => {
                let refused = match name {
                    TokenLimitName::MaxCompletionTokens => TokenLimitName::MaxTokens,
                    TokenLimitName::MaxTokens => TokenLimitName::MaxCompletionTokens,
                };
                (
                    NoticeCode::Adapted,
                    refused.as_str().to_owned(),
                    format!("with {} instead", name.as_str()),
                )
            }
            Adaptation::OmitStreamOptions => (
                NoticeCode::Adapted,
                "stream_options".to_owned(),
                "without it. The endpoint may not report token usage".to_owned(),
            ),
            Adaptation::OmitStore => (
                NoticeCode::Adapted,
                "store".to_owned(),
                "without it. The endpoint may store requests and responses".to_owned(),
            ),
            Adaptation::NoStreaming => (
                NoticeCode::Adapted,
                "streaming".to_owned(),
                "without it. All tasks of a response arrive at once".to_owned(),
            ),
            Adaptation::MergeSystemMessage => (
                NoticeCode::Adapted,
                "the system message".to_owned(),
                "with its text at the beginning of the user message".to_owned(),
            ),
            Adaptation::OmitKeyword(keyword) => (
                NoticeCode::Adapted,
                format!("{keyword} in the schema"),
                "without it. This page checks every task against the complete schema".to_owned(),
            ),
            Adaptation::OmitParameter(name) => (
                NoticeCode::Adapted,
                format!("the parameter {name}"),
                "without it".to_owned(),
            ),
        };
        Notice::new(
            code,
            format!("The endpoint rejected {refused}. The request was repeated {repeated}."),
        )
    }
}

/// The changes in force for an endpoint and model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Adaptations(BTreeSet<Adaptation>);

impl Adaptations {
    /// With this response format at most, and nothing else.
    #[must_use]
    pub fn with_format(response_format: ResponseFormat) -> Adaptations {
        let mut adaptations = Adaptations::default();
        if response_format != ResponseFormat::default() {
            adaptations.add(Adaptation::ResponseFormat(response_format));
        }
        adaptations
    }

    /// Adds a change. It replaces another one of the same part, except that a response format never
    /// asks for more than before.
    pub fn add(&mut self, adaptation: Adaptation) {
        match adaptation {
            Adaptation::ResponseFormat(format) => {
                let format = format.max(self.response_format());
                self.0
                    .retain(|one| !matches!(one, Adaptation::ResponseFormat(_)));
                self.0.insert(Adaptation::ResponseFormat(format));
            }
            Adaptation::TokenLimit(_) => {
                self.0
                    .retain(|one| !matches!(one, Adaptation::TokenLimit(_)));
                self.0.insert(adaptation);
            }
            other => {
                self.0.insert(other);
            }
        }
    }

    /// Removes a change.
    pub fn remove(&mut self, adaptation: &Adaptation) {
        self.0.remove(adaptation);
    }

    /// Adds the changes of `later`.
    #[must_use]
    pub fn merged(mut self, later: &Adaptations) -> Adaptations {
        for adaptation in &later.0 {
            self.add(adaptation.clone());
        }
        self
    }

    /// Whether a request with these changes is the same as with the others.
    #[must_use]
    pub fn is_equivalent(&self, other: &Adaptations) -> bool {
        fn significant(all: &Adaptations) -> impl Iterator<Item = &Adaptation> {
            let unchanged = Adaptation::TokenLimit(TokenLimitName::default());
            all.iter().filter(move |one| **one != unchanged)
        }
        significant(self).eq(significant(other))
    }

    /// The changes in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Adaptation> {
        self.0.iter()
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The response format to ask for at most.
    #[must_use]
    pub fn response_format(&self) -> ResponseFormat {
        let formats = self.0.iter().filter_map(|one| match one {
            Adaptation::ResponseFormat(format) => Some(*format),
            _ => None,
        });
        formats.max().unwrap_or_default()
    }

    /// The name of the max output tokens.
    #[must_use]
    pub fn token_limit(&self) -> TokenLimitName {
        let mut names = self.0.iter().filter_map(|one| match one {
            Adaptation::TokenLimit(name) => Some(*name),
            _ => None,
        });
        names.next().unwrap_or_default()
    }

    /// Whether this change is in force.
    #[must_use]
    pub fn has(&self, adaptation: &Adaptation) -> bool {
        self.0.contains(adaptation)
    }

    /// The keywords to leave out of the schema for the model.
    pub fn omitted_keywords(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|one| match one {
            Adaptation::OmitKeyword(keyword) => Some(keyword.as_str()),
            _ => None,
        })
    }

    /// Whether an extra parameter is left out.
    #[must_use]
    pub fn omits_parameter(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|one| matches!(one, Adaptation::OmitParameter(omitted) if omitted == name))
    }
}

impl FromIterator<Adaptation> for Adaptations {
    fn from_iter<T: IntoIterator<Item = Adaptation>>(all: T) -> Adaptations {
        let mut adaptations = Adaptations::default();
        all.into_iter().for_each(|one| adaptations.add(one));
        adaptations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One of each kind.
    fn all() -> Vec<Adaptation> {
        vec![
            Adaptation::ResponseFormat(ResponseFormat::JsonObject),
            Adaptation::TokenLimit(TokenLimitName::MaxTokens),
            Adaptation::OmitStreamOptions,
            Adaptation::OmitStore,
            Adaptation::NoStreaming,
            Adaptation::MergeSystemMessage,
            Adaptation::OmitKeyword("pattern".to_owned()),
            Adaptation::OmitParameter("temperature".to_owned()),
        ]
    }

    #[test]
    fn every_change_is_described_noticed_and_stored() {
        for one in all() {
            assert!(one.description().ends_with('.'), "{one:?}");
            let notice = one.notice();
            assert!(
                notice.message.starts_with("The endpoint rejected "),
                "{one:?}"
            );
            assert!(notice.message.ends_with('.'), "{one:?}");
        }
        let adaptations: Adaptations = all().into_iter().collect();
        let stored = serde_json::to_value(&adaptations).unwrap();
        assert_eq!(
            stored[0],
            json!({"change": "response_format", "to": "json_object"})
        );
        let read: Adaptations = serde_json::from_value(stored).unwrap();
        assert_eq!(read, adaptations);
    }

    #[test]
    fn a_change_replaces_another_one_of_the_same_part() {
        let mut adaptations = Adaptations::default();
        for name in [
            TokenLimitName::MaxTokens,
            TokenLimitName::MaxCompletionTokens,
        ] {
            adaptations.add(Adaptation::TokenLimit(name));
            assert_eq!(adaptations.token_limit(), name);
        }
        for (format, expected) in [
            (ResponseFormat::JsonObject, ResponseFormat::JsonObject),
            (ResponseFormat::PromptOnly, ResponseFormat::PromptOnly),
            (ResponseFormat::JsonObject, ResponseFormat::PromptOnly),
        ] {
            adaptations.add(Adaptation::ResponseFormat(format));
            assert_eq!(adaptations.response_format(), expected);
        }
        assert_eq!(adaptations.iter().count(), 2);
        let later = Adaptations::from_iter([
            Adaptation::TokenLimit(TokenLimitName::MaxTokens),
            Adaptation::OmitParameter("top_p".to_owned()),
        ]);
        let merged = adaptations.merged(&later);
        assert_eq!(merged.token_limit(), TokenLimitName::MaxTokens);
        assert!(merged.omits_parameter("top_p") && !merged.omits_parameter("p"));
    }
}

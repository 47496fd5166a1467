//! Finds the part of a request that an endpoint refused, and the change that may help.
//!
//! A part counts as refused only if the request has it, so a refusal that mentions what to use instead
//! is understood. Where an endpoint names a place, the place decides; otherwise its words do. A refusal
//! that names nothing, and answers a request with a schema, is one attempt at the next response format.

use serde_json::{Map, Value};

use super::evidence::Evidence;
use super::schema::{formats, omissible_keywords};
use super::{Adaptation, TokenLimitName};
use crate::model::failure::{Failure, FailureKind};
use crate::model::response_format::ResponseFormat;

/// A change that may help against a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The change.
    pub adaptation: Adaptation,
    /// Whether the endpoint named what it refuses.
    pub is_named: bool,
    /// Whether it is worth remembering once the changed request has completed. If not, the refusal may
    /// have had another cause.
    pub is_lasting: bool,
}

/// What a refused part means for the request.
enum Verdict {
    /// This change may help.
    Change(Adaptation),
    /// No change helps: the operator has to decide.
    Incurable,
}

/// A refusable part of a request.
struct Part {
    /// Names of its place in the request.
    places: &'static [&'static str],
    /// Whether the words of the refusal mean it.
    is_meant: fn(&Evidence) -> bool,
    /// The change, if the request has the part.
    verdict: fn(&Sent<'_>, &Evidence) -> Option<Verdict>,
}

/// The request that was refused.
struct Sent<'a> {
    members: &'a Map<String, Value>,
}

/// The name of the max output tokens in Responses.
const MAX_OUTPUT_TOKENS: &str = "max_output_tokens";

/// The members that every request may have. All others are extra parameters.
const OWN_MEMBERS: [&str; 13] = [
    "model",
    "messages",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "store",
    "response_format",
    "text",
    "max_completion_tokens",
    "max_tokens",
    "max_output_tokens",
    "n",
];

impl Sent<'_> {
    fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The object that describes the response format.
    fn format(&self) -> Option<&Value> {
        let in_text = || self.members.get("text")?.get("format");
        self.members.get("response_format").or_else(in_text)
    }

    fn response_format(&self) -> ResponseFormat {
        let kind = self.format().and_then(|format| format.get("type"));
        match kind.and_then(Value::as_str) {
            Some("json_schema") => ResponseFormat::JsonSchema,
            Some(_) => ResponseFormat::JsonObject,
            None => ResponseFormat::PromptOnly,
        }
    }

    fn schema(&self) -> Option<&Value> {
        let format = self.format()?;
        format.get("json_schema").unwrap_or(format).get("schema")
    }

    fn has_system_message(&self) -> bool {
        let first = self
            .members
            .get("messages")
            .and_then(|messages| messages.get(0));
        let role = first.and_then(|message| message.get("role"));
        role.and_then(Value::as_str) == Some("system") || self.has("instructions")
    }

    fn extra_parameters(&self) -> impl Iterator<Item = &str> {
        let names = self.members.keys().map(String::as_str);
        names.filter(|name| !OWN_MEMBERS.contains(name))
    }
}

/// Words of a refusal. Common words such as "stream" mean a part only together with one of them.
const REFUSAL_WORDS: [&str; 31] = [
    "support",
    "allow",
    "permit",
    "accept",
    "unknown",
    "unrecogni",
    "unexpected",
    "extra",
    "invalid",
    "illegal",
    "available",
    "must",
    "verif",
    "disabled",
    "enabled",
    "implement",
    "cannot",
    "can't",
    "can not",
    "only",
    "reject",
    "refus",
    "forbid",
    "prohibit",
    "should",
    "expected",
    "lack",
    "does not",
    "doesn't",
    "has no",
    "without",
];

/// The parts, in the order in which words are tried: the most distinctive names come first.
const PARTS: [Part; 6] = [
    Part {
        places: &[
            "max_completion_tokens",
            "max_tokens",
            "maxtokens",
            MAX_OUTPUT_TOKENS,
        ],
        is_meant: |evidence| {
            evidence.has_name(&[
                "max_completion_tokens",
                "max_tokens",
                "max-tokens",
                "maxtokens",
                MAX_OUTPUT_TOKENS,
            ])
        },
        verdict: |sent, evidence| {
            let current = if sent.has("max_completion_tokens") {
                TokenLimitName::MaxCompletionTokens.as_str()
            } else if sent.has("max_tokens") {
                TokenLimitName::MaxTokens.as_str()
            } else if sent.has(MAX_OUTPUT_TOKENS) {
                MAX_OUTPUT_TOKENS
            } else {
                return None;
            };
            let other = match current {
                "max_completion_tokens" => Some(TokenLimitName::MaxTokens),
                "max_tokens" => Some(TokenLimitName::MaxCompletionTokens),
                _ => None,
            };
            // A limit that the model does not allow has the right name.
            let is_about_value = evidence.has_part(&[
                "too large",
                "too high",
                "too big",
                "too small",
                "too low",
                "at most",
                "at least",
                "exceed",
                "greater than",
                "less than",
                "between",
                "range",
                "maximum value",
                "minimum",
                "above_max",
                "below_min",
                "positive",
            ]);
            let is_replaced = other.is_some_and(|other| {
                evidence.has_name(&[other.as_str()]) && evidence.has_name(&[current])
            });
            Some(match (is_about_value && !is_replaced, other) {
                (true, _) => Verdict::Incurable,
                (false, Some(other)) => Verdict::Change(Adaptation::TokenLimit(other)),
                // Responses has no other name for it.
                (false, None) => Verdict::Change(Adaptation::OmitParameter(current.to_owned())),
            })
        },
    },
    Part {
        places: &["stream_options", "streamoptions", "include_usage"],
        is_meant: |evidence| {
            evidence.has_name(&[
                "stream_options",
                "streamoptions",
                "stream options",
                "include_usage",
            ])
        },
        verdict: |sent, _| {
            sent.has("stream_options")
                .then_some(Verdict::Change(Adaptation::OmitStreamOptions))
        },
    },
    Part {
        places: &["store"],
        is_meant: |evidence| {
            // To store is also a common word.
            evidence.has_quoted("store")
                || (evidence.has_name(&["store"])
                    && evidence.has_part(&[
                        "unsupported",
                        "not supported",
                        "unknown",
                        "unrecogni",
                        "unexpected",
                        "extra",
                        "not permitted",
                        "not allowed",
                    ]))
        },
        verdict: |sent, _| {
            sent.has("store")
                .then_some(Verdict::Change(Adaptation::OmitStore))
        },
    },
    Part {
        places: &[
            "response_format",
            "responseformat",
            "json_schema",
            "format",
            "text",
            "schema",
            "response_schema",
            "responseschema",
            "strict",
        ],
        is_meant: |evidence| {
            const CODES: [&str; 2] = ["json_validate_failed", "unsupported_schema"];
            evidence.has_name(&[
                "response_format",
                "responseformat",
                "response format",
                "response-format",
                "text.format",
                "json_schema",
                "jsonschema",
                "json schema",
                "json-schema",
                "json_object",
                "json object",
                "json mode",
                "json_mode",
                "json output",
                "structured output",
                "structured outputs",
                "structured_output",
                "structured_outputs",
                "output format",
                "guided_json",
                "guided decoding",
                "guided_decoding",
                "constrained decoding",
                "grammar",
                "grammars",
                "gbnf",
                "xgrammar",
                "llguidance",
                "outlines",
                "schema",
                "schemas",
                "response_schema",
                "minitems",
                "maxitems",
                "additionalproperties",
                "multipleof",
                "exclusiveminimum",
                "exclusivemaximum",
                "regex",
            ]) || evidence
                .codes
                .iter()
                .any(|code| CODES.contains(&code.as_str()))
        },
        verdict: |sent, evidence| {
            if let Some(keyword) = refused_keyword(sent, evidence) {
                return Some(Verdict::Change(Adaptation::OmitKeyword(keyword.to_owned())));
            }
            let next = sent.response_format().fallback()?;
            Some(Verdict::Change(Adaptation::ResponseFormat(next)))
        },
    },
    Part {
        places: &[
            "role",
            "system",
            "instructions",
            "system_instruction",
            "developer",
        ],
        is_meant: |evidence| {
            let is_system = evidence.has_name(&["system", "developer", "instructions"])
                && evidence.has_part(&["role", "message", "prompt", "instruction"])
                && evidence.has_part(&REFUSAL_WORDS);
            is_system
                || (evidence.has_part(&["alternat"]) && evidence.has_part(&["role"]))
                || evidence.has_part(&[
                    "user and assistant role",
                    "user or assistant",
                    "'user' or 'assistant'",
                    "unexpected role",
                    "unsupported role",
                    "unknown role",
                    "invalid role",
                    "must be a user message",
                    "start with a user message",
                ])
        },
        verdict: |sent, _| {
            sent.has_system_message()
                .then_some(Verdict::Change(Adaptation::MergeSystemMessage))
        },
    },
    Part {
        places: &["stream", "streaming"],
        is_meant: |evidence| {
            evidence.has_name(&[
                "stream",
                "streaming",
                "streamed",
                "streams",
                "sse",
                "server-sent",
            ]) && evidence.has_part(&REFUSAL_WORDS)
        },
        verdict: |sent, _| {
            let is_streamed = sent.members.get("stream") == Some(&Value::Bool(true));
            is_streamed.then_some(Verdict::Change(Adaptation::NoStreaming))
        },
    },
];

/// Other names of keywords in refusals, in lower case.
const KEYWORD_NAMES: [(&str, &[&str]); 4] = [
    (
        "pattern",
        &[
            "regex",
            "regexp",
            "regular expression",
            "regular expressions",
        ],
    ),
    (
        "minItems",
        &["min_items", "min items", "minimum number of items"],
    ),
    (
        "maxItems",
        &["max_items", "max items", "maximum number of items"],
    ),
    (
        "additionalProperties",
        &["additional_properties", "additional properties"],
    ),
];

/// The keyword of the schema that a refusal names.
fn refused_keyword(sent: &Sent<'_>, evidence: &Evidence) -> Option<&'static str> {
    let schema = sent.schema()?;
    let keywords = omissible_keywords(schema);
    let is_last_of_place = |keyword: &str| {
        let places = evidence.places.iter();
        let mut inside = places.filter(|place| place.iter().any(|part| part == "properties"));
        inside.any(|place| place.last().is_some_and(|last| last == keyword))
    };
    let is_named = |keyword: &str| match keyword {
        // Common words, which mean much else in a refusal.
        "format" => {
            evidence.has_part(&["format"])
                && formats(schema)
                    .iter()
                    .any(|format| evidence.has_name(&[&format.to_ascii_lowercase()]))
        }
        "title" | "description" | "default" | "minimum" | "maximum" => evidence.has_quoted(keyword),
        other => evidence.has_name(&[&other.to_ascii_lowercase()]),
    };
    let has_other_name = |keyword: &str| {
        let mut names = KEYWORD_NAMES.iter().filter(|(of, _)| *of == keyword);
        names.any(|(_, names)| evidence.has_name(names))
    };
    keywords.into_iter().find(|keyword| {
        is_last_of_place(&keyword.to_ascii_lowercase())
            || is_named(keyword)
            || has_other_name(keyword)
    })
}

/// Whether a failure of this kind may be a refusal of a part of the request. An endpoint that is
/// overloaded, or refuses the caller rather than the request, would refuse any other request as well.
fn may_be_refusal(failure: &Failure) -> bool {
    use FailureKind as K;
    let status = failure.status.or_else(|| {
        let code = failure.endpoint_code.as_deref()?;
        code.parse().ok()
    });
    matches!(
        failure.kind,
        K::ParameterRefused | K::RequestRefused | K::ServerError | K::EndpointError
    ) && !matches!(status, Some(401..=405 | 408 | 409 | 413 | 429 | 503 | 529))
}

/// Words of an endpoint that is overloaded, or refuses the caller or the model.
const OTHER_CAUSES: [&str; 31] = [
    "overload",
    "at capacity",
    "over capacity",
    "too busy",
    "is busy",
    "try again",
    "temporarily",
    "rate limit",
    "rate_limit",
    "too many requests",
    "quota",
    "billing",
    "credit",
    "balance",
    "payment",
    "api key",
    "api_key",
    "unauthorized",
    "authenticat",
    "permission",
    "access denied",
    "loading model",
    "model is loading",
    "out of memory",
    "model not found",
    "no such model",
    "unknown model",
    "invalid model",
    "model does not exist",
    "context length",
    "upstream",
];

/// The change that may help against this failure. `body` is the body of the refusal without secrets,
/// or empty for a failure inside a stream; `sent` is the body of the request.
#[must_use]
pub fn propose(failure: &Failure, body: &str, sent: &str) -> Option<Proposal> {
    if !may_be_refusal(failure) {
        return None;
    }
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(sent) else {
        return None;
    };
    let sent = Sent { members: &members };
    let evidence = Evidence::of(failure, body);
    // A model that wrote something invalid may do better the next time.
    let is_slip = evidence.codes.iter().any(|code| code.contains("validate"));
    let named = |adaptation| {
        Some(Proposal {
            adaptation,
            is_named: true,
            is_lasting: !is_slip,
        })
    };
    let by_place = |name: &str| evidence.has_place(&[name.to_ascii_lowercase().as_str()]);
    let by_name = |name: &str| evidence.has_name(&[name.to_ascii_lowercase().as_str()]);
    let extra = |is_meant: &dyn Fn(&str) -> bool| {
        let mut names = sent.extra_parameters();
        let name = names.find(|name| is_meant(name))?;
        Some(Adaptation::OmitParameter(name.to_owned()))
    };
    if let Some(adaptation) = extra(&by_place) {
        return named(adaptation);
    }
    let judge = |is_refused: &dyn Fn(&Part) -> bool| {
        let mut refused = PARTS.iter().filter(|part| is_refused(part));
        refused.find_map(|part| (part.verdict)(&sent, &evidence))
    };
    match judge(&|part| evidence.has_place(part.places)) {
        Some(Verdict::Change(adaptation)) => return named(adaptation),
        Some(Verdict::Incurable) => return None,
        None => {}
    }
    if let Some(adaptation) = extra(&by_name) {
        return named(adaptation);
    }
    match judge(&|part| (part.is_meant)(&evidence)) {
        Some(Verdict::Change(adaptation)) => named(adaptation),
        Some(Verdict::Incurable) => None,
        None => without_name(failure, &evidence, &sent),
    }
}

/// The attempt at the next response format after a refusal that names nothing.
fn without_name(failure: &Failure, evidence: &Evidence, sent: &Sent<'_>) -> Option<Proposal> {
    // Before any stream, and not with a wait that the endpoint asks for: then it is overloaded.
    let status = failure.status?;
    let is_refusal = matches!(status, 400 | 406 | 415 | 418 | 422 | 500 | 501);
    let may_recover = failure.retry_after.is_some() || failure.should_retry == Some(true);
    if !is_refusal
        || may_recover
        || !evidence.places.is_empty()
        || evidence.has_part(&OTHER_CAUSES)
        || sent.response_format() != ResponseFormat::JsonSchema
    {
        return None;
    }
    Some(Proposal {
        adaptation: Adaptation::ResponseFormat(ResponseFormat::JsonObject),
        is_named: false,
        // A server error may have had another cause.
        is_lasting: status < 500,
    })
}

#[cfg(test)]
mod tests;

//! The tokens that a request used, as counted by the endpoint.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::settings::{Amount, Prices};

/// Tokens of one request. A count that the endpoint omits is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the messages sent, including cached ones.
    pub input: u64,
    /// Tokens of the response, including reasoning.
    pub output: u64,
    /// Input tokens read from the endpoint's cache.
    pub cached: u64,
    /// Output tokens spent on reasoning outside the text of the response.
    pub reasoning: u64,
}

impl Usage {
    /// Adds the tokens of another request. Counts saturate.
    #[must_use]
    pub fn plus(self, other: Usage) -> Usage {
        Usage {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cached: self.cached.saturating_add(other.cached),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// The input and output tokens together.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// The cost at these prices, rounded up to a millionth of a unit.
    #[must_use]
    pub fn cost(self, prices: &Prices) -> Amount {
        let cached = self.cached.min(self.input);
        let cached_price = prices.cached_input.unwrap_or(prices.input);
        let parts = [
            (self.input - cached, prices.input),
            (cached, cached_price),
            (self.output, prices.output),
        ];
        let sum = parts.iter().fold(0_u128, |sum, (tokens, price)| {
            sum.saturating_add(u128::from(*tokens) * u128::from(price.millionths()))
        });
        let millionths = sum.div_ceil(1_000_000);
        Amount::from_millionths(u64::try_from(millionths).unwrap_or(u64::MAX))
    }
}

/// The `usage` object of a response. Chat Completions and Responses use different names for the same
/// counts, and some gateways send both.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: Count,
    input_tokens: Count,
    completion_tokens: Count,
    output_tokens: Count,
    prompt_tokens_details: Option<InputDetails>,
    input_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

/// The value of a `usage` member. What is no object of counts, such as `"null"`, counts nothing.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AnyUsage {
    /// An object of counts.
    Counts(WireUsage),
    /// Anything else.
    Other(de::IgnoredAny),
}

impl AnyUsage {
    /// The counts, if there are any.
    pub fn counts(self) -> Option<Usage> {
        match self {
            AnyUsage::Counts(wire) => Some(wire.into()),
            AnyUsage::Other(_) => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

/// Other names of the counts, without underscores and in lower case.
const INPUT: [&str; 7] = [
    "prompttokens",
    "inputtokens",
    "prompttokencount",
    "inputtokencount",
    "promptevalcount",
    "prompttokensused",
    "promptn",
];
const OUTPUT: [&str; 8] = [
    "completiontokens",
    "outputtokens",
    "candidatestokencount",
    "outputtokencount",
    "completiontokencount",
    "generatedtokens",
    "evalcount",
    "predictedn",
];
const CACHED: [&str; 6] = [
    "cachedtokens",
    "cachedcontenttokencount",
    "promptcachehittokens",
    "cachereadinputtokens",
    "cachereadinputtokencount",
    "cachen",
];
const REASONING: [&str; 3] = ["reasoningtokens", "thoughtstokencount", "thinkingtokens"];

/// How deep a count is searched, in levels of objects and arrays.
const MAX_DEPTH: usize = 8;

impl Usage {
    /// Finds the usage anywhere in an event or document, under any of its known names. `None` if
    /// there is none, or if it counts nothing.
    #[must_use]
    pub(super) fn find(json: &str) -> Option<Usage> {
        let value: Value = serde_json::from_str(json).ok()?;
        let mut usage = Usage::default();
        usage.search(&value, MAX_DEPTH);
        (usage.tokens() > 0).then_some(usage)
    }

    fn search(&mut self, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if let Some(count) = value.as_u64() {
                        self.take_count(name, count);
                    } else {
                        self.search(value, depth - 1);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.search(item, depth - 1)),
            _ => {}
        }
    }

    fn take_count(&mut self, name: &str, count: u64) {
        let name = name.replace('_', "").to_ascii_lowercase();
        let is = |names: &[&str]| names.contains(&name.as_str());
        let place = if is(&INPUT) {
            &mut self.input
        } else if is(&OUTPUT) {
            &mut self.output
        } else if is(&CACHED) {
            &mut self.cached
        } else if is(&REASONING) {
            &mut self.reasoning
        } else {
            return;
        };
        *place = count.max(*place);
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Usage {
        let cached = wire.prompt_tokens_details.or(wire.input_tokens_details);
        let reasoning = wire
            .completion_tokens_details
            .or(wire.output_tokens_details);
        Usage {
            input: wire.prompt_tokens.0.max(wire.input_tokens.0),
            output: wire.completion_tokens.0.max(wire.output_tokens.0),
            cached: cached.map_or(0, |details| details.cached_tokens.0),
            reasoning: reasoning.map_or(0, |details| details.reasoning_tokens.0),
        }
    }
}

/// A count of tokens that may be missing, null, or written as `12.0` by a gateway. A malformed count
/// must not cost a response, so it reads as 0.
#[derive(Debug, Default, Clone, Copy)]
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCount;

        impl<'de> Visitor<'de> for AnyCount {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of tokens")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
                Ok(Count(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
                Ok(Count(u64::try_from(value).unwrap_or(0)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
                // `as` saturates: a negative number or NaN becomes 0, a huge number `u64::MAX`.
                Ok(Count(value as u64))
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_str<E>(self, value: &str) -> Result<Count, E> {
                Ok(Count(value.parse().unwrap_or(0)))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                Ok(Count(0))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map
                    .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
                    .is_some()
                {}
                Ok(Count(0))
            }
        }

        deserializer.deserialize_any(AnyCount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_both_apis_give_the_same_counts() {
        let expected = Usage {
            input: 120,
            output: 45,
            cached: 64,
            reasoning: 12,
        };
        let table = [
            r#"{"prompt_tokens":120,"completion_tokens":45,"total_tokens":165,
                "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":12}}"#,
            r#"{"input_tokens":120,"input_tokens_details":{"cached_tokens":64},
                "output_tokens":45,"output_tokens_details":{"reasoning_tokens":12}}"#,
            r#"{"prompt_tokens":120,"input_tokens":120,"completion_tokens":45,"output_tokens":45,
                "prompt_tokens_details":{"cached_tokens":64},
                "output_tokens_details":{"reasoning_tokens":12}}"#,
        ];
        for text in table {
            let wire: WireUsage = serde_json::from_str(text).unwrap();
            assert_eq!(Usage::from(wire), expected, "{text}");
        }
    }

    #[test]
    fn a_malformed_count_is_zero_and_not_an_error() {
        let table = [
            ("{}", 0),
            (r#"{"prompt_tokens":null,"prompt_tokens_details":null}"#, 0),
            (r#"{"prompt_tokens":12.0}"#, 12),
            (r#"{"prompt_tokens":"12"}"#, 12),
            (r#"{"prompt_tokens":-1}"#, 0),
            (r#"{"prompt_tokens":1e300}"#, u64::MAX),
            (r#"{"prompt_tokens":[1,{"a":2}]}"#, 0),
            (r#"{"prompt_tokens":{"a":[2]}}"#, 0),
            (r#"{"prompt_tokens":true}"#, 0),
        ];
        for (text, input) in table {
            let wire: WireUsage = serde_json::from_str(text).unwrap();
            assert_eq!(Usage::from(wire).input, input, "{text}");
        }
    }

    #[test]
    fn the_cost_counts_each_token_once_at_its_price() {
        let usage = Usage {
            input: 1_000_000,
            output: 200_000,
            cached: 400_000,
            reasoning: 50_000,
        };
        let mut prices = Prices {
            input: "1.25".parse().unwrap(),
            cached_input: Some("0.125".parse().unwrap()),
            output: "10".parse().unwrap(),
        };
        // 600,000 at 1.25, 400,000 at 0.125, 200,000 at 10.
        assert_eq!(usage.cost(&prices).to_string(), "2.80");
        prices.cached_input = None;
        assert_eq!(usage.cost(&prices).to_string(), "3.25");
        let one = Usage {
            input: 1,
            cached: 7,
            ..Usage::default()
        };
        assert_eq!(one.cost(&prices).to_string(), "0.000002", "rounded up");
        let most = Usage {
            input: u64::MAX,
            output: u64::MAX,
            ..Usage::default()
        };
        assert!(most.cost(&prices) > usage.cost(&prices));
        assert_eq!(most.tokens(), u64::MAX);
    }

    #[test]
    fn sums_saturate() {
        let most = Usage {
            input: u64::MAX,
            output: 1,
            ..Usage::default()
        };
        let sum = most.plus(most);
        assert_eq!((sum.input, sum.output), (u64::MAX, 2));
    }
}

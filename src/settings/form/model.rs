//! The fields of the model endpoint.

use serde_json::{Map, Value};

use super::lines::write_pairs;
use super::{ConnectionForm, FormField, Problems, text_of};
use crate::settings::{Address, Amount, Bounded, Limits, ModelEndpoint, Prices, SettingsError};
use crate::text::sentences;

/// The message for an invalid number of tokens.
const TOKEN_COUNT: &str = "Enter a whole number of tokens, or leave the field empty for no limit.";

impl ConnectionForm {
    pub(super) fn show_model(&mut self, model: &ModelEndpoint) {
        self.api = model.api;
        self.needs_key = model.needs_key;
        let prices = model.prices.as_ref();
        let body = match model.extra_body.is_empty() {
            true => String::new(),
            false => format!("{:#}", Value::Object(model.extra_body.clone())),
        };
        for (field, text) in [
            (FormField::BaseUrl, model.base_url.to_string()),
            (FormField::Model, model.model.clone()),
            (FormField::MaxOutputTokens, text_of(model.max_output_tokens)),
            (FormField::ModelBody, body),
            (FormField::ModelQuery, write_pairs(&model.extra_query, "=")),
            (
                FormField::ModelHeaders,
                write_pairs(&model.extra_headers, ": "),
            ),
            (FormField::KeyHeader, text_of(model.key_header.as_ref())),
            (FormField::PriceInput, text_of(prices.map(|it| it.input))),
            (
                FormField::PriceCachedInput,
                text_of(prices.and_then(|it| it.cached_input)),
            ),
            (FormField::PriceOutput, text_of(prices.map(|it| it.output))),
        ] {
            self.set(field, text);
        }
        self.show_limits(&model.limits);
    }

    /// Shows the limits that differ from the defaults; the other fields stay empty.
    fn show_limits(&mut self, limits: &Limits) {
        let default = Limits::default();
        let shown = |value: u32, default: u32| text_of((value != default).then_some(value));
        for (field, text) in [
            (
                FormField::TasksPerRequest,
                shown(
                    limits.tasks_per_request.get(),
                    default.tasks_per_request.get(),
                ),
            ),
            (
                FormField::FirstTokenTimeout,
                text_of(limits.first_token_timeout_seconds),
            ),
            (
                FormField::IdleTimeout,
                shown(
                    limits.idle_timeout_seconds.get(),
                    default.idle_timeout_seconds.get(),
                ),
            ),
            (
                FormField::RequestTimeout,
                shown(
                    limits.request_timeout_seconds.get(),
                    default.request_timeout_seconds.get(),
                ),
            ),
            (FormField::TokenLimit, text_of(limits.token_limit)),
            (FormField::CostLimit, text_of(limits.cost_limit)),
        ] {
            self.set(field, text);
        }
    }

    pub(super) fn read_model(&self, problems: &mut Problems) -> Option<ModelEndpoint> {
        let model = self.trimmed(FormField::Model);
        if self.trimmed(FormField::BaseUrl).is_empty() {
            if !model.is_empty() {
                problems.add(
                    FormField::BaseUrl,
                    "The base URL is missing. Enter it, or clear the model.",
                );
            }
            return None;
        }
        let base_url = Address::parse(self.text(FormField::BaseUrl))
            .map_err(|error| {
                problems.add(
                    FormField::BaseUrl,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok();
        if model.is_empty() {
            problems.add(
                FormField::Model,
                "The model is missing. Enter its name, or list the endpoint's models.",
            );
        }
        let limit = self.trimmed(FormField::MaxOutputTokens);
        let max_output_tokens = match limit.parse::<u32>() {
            Ok(limit) if limit > 0 => Some(limit),
            _ if limit.is_empty() => None,
            _ => {
                problems.add(FormField::MaxOutputTokens, TOKEN_COUNT);
                None
            }
        };
        let limits = self.read_limits(problems);
        let prices = self.read_prices(problems);
        if limits.cost_limit.is_some() && prices.is_none() {
            problems.add(
                FormField::CostLimit,
                "A cost limit needs prices. Enter the prices too.",
            );
        }
        let key_header = self.trimmed(FormField::KeyHeader);
        let endpoint = ModelEndpoint {
            base_url: base_url?,
            model: model.to_owned(),
            api: self.api,
            max_output_tokens,
            needs_key: self.needs_key,
            extra_body: self.read_model_body(problems),
            extra_query: self.read_pairs(FormField::ModelQuery, '=', problems),
            extra_headers: self.read_pairs(FormField::ModelHeaders, ':', problems),
            key_header: (!key_header.is_empty()).then(|| key_header.to_owned()),
            limits,
            prices,
        };
        if let Err(error) = endpoint.check() {
            let field = match error {
                SettingsError::ReservedParameter { .. } => FormField::ModelBody,
                SettingsError::Query { .. } => FormField::ModelQuery,
                SettingsError::KeyHeader { .. } => FormField::KeyHeader,
                _ => FormField::ModelHeaders,
            };
            problems.add(field, sentences(&error.to_string(), error.hint()));
        }
        Some(endpoint)
    }

    fn read_model_body(&self, problems: &mut Problems) -> Map<String, Value> {
        let text = self.trimmed(FormField::ModelBody);
        if text.is_empty() {
            return Map::new();
        }
        serde_json::from_str(text).unwrap_or_else(|_| {
            problems.add(
                FormField::ModelBody,
                "The extra parameters are not a JSON object. Write them as {\"temperature\": 0.2}.",
            );
            Map::new()
        })
    }

    fn read_limits(&self, problems: &mut Problems) -> Limits {
        let default = Limits::default();
        Limits {
            tasks_per_request: self.read_bounded(
                FormField::TasksPerRequest,
                default.tasks_per_request,
                problems,
            ),
            first_token_timeout_seconds: match self.trimmed(FormField::FirstTokenTimeout) {
                "" => None,
                text => {
                    let seconds = text.parse().ok().and_then(Bounded::new);
                    if seconds.is_none() {
                        problems.add(
                            FormField::FirstTokenTimeout,
                            "Enter a whole number from 1 to 7200, or leave the field empty for 120, or 300 on this machine.",
                        );
                    }
                    seconds
                }
            },
            idle_timeout_seconds: self.read_bounded(
                FormField::IdleTimeout,
                default.idle_timeout_seconds,
                problems,
            ),
            request_timeout_seconds: self.read_bounded(
                FormField::RequestTimeout,
                default.request_timeout_seconds,
                problems,
            ),
            token_limit: match self.trimmed(FormField::TokenLimit) {
                "" => None,
                text => {
                    let limit = text.parse().ok();
                    if limit.is_none() {
                        problems.add(FormField::TokenLimit, TOKEN_COUNT);
                    }
                    limit
                }
            },
            cost_limit: self.read_amount(FormField::CostLimit, problems),
        }
    }

    /// Reads a number within bounds. Returns the default if the field is empty or invalid.
    fn read_bounded<const MIN: u32, const MAX: u32>(
        &self,
        field: FormField,
        default: Bounded<MIN, MAX>,
        problems: &mut Problems,
    ) -> Bounded<MIN, MAX> {
        let text = self.trimmed(field);
        if text.is_empty() {
            return default;
        }
        text.parse().ok().and_then(Bounded::new).unwrap_or_else(|| {
            problems.add(
                field,
                format!(
                    "Enter a whole number from {MIN} to {MAX}, or leave the field empty for {default}."
                ),
            );
            default
        })
    }

    fn read_prices(&self, problems: &mut Problems) -> Option<Prices> {
        let input = self.read_amount(FormField::PriceInput, problems);
        let cached_input = self.read_amount(FormField::PriceCachedInput, problems);
        let output = self.read_amount(FormField::PriceOutput, problems);
        match (input, output) {
            (Some(input), Some(output)) => Some(Prices {
                input,
                cached_input,
                output,
            }),
            (None, None) if cached_input.is_none() => None,
            _ => {
                for field in [FormField::PriceInput, FormField::PriceOutput] {
                    if self.trimmed(field).is_empty() {
                        problems.add(field, "Enter this price too, or leave all prices empty.");
                    }
                }
                None
            }
        }
    }

    fn read_amount(&self, field: FormField, problems: &mut Problems) -> Option<Amount> {
        let text = self.trimmed(field);
        if text.is_empty() {
            return None;
        }
        text.parse()
            .map_err(|error: crate::settings::InvalidAmount| {
                let message = sentences(&error.to_string(), "Use a format such as 1.25.");
                problems.add(field, message);
            })
            .ok()
    }
}

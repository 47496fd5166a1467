//! Limits, timeouts and prices of a model endpoint.

use leptos::prelude::*;

use super::settings::Settings;
use super::settings_fields::ConnectionField;
use crate::settings::form::{ConnectionForm, FormField};

/// The fields of this group.
const FIELDS: [FormField; 9] = [
    FormField::TasksPerRequest,
    FormField::FirstTokenTimeout,
    FormField::IdleTimeout,
    FormField::RequestTimeout,
    FormField::TokenLimit,
    FormField::CostLimit,
    FormField::PriceInput,
    FormField::PriceCachedInput,
    FormField::PriceOutput,
];

/// Whether any field has a value.
fn has_values(form: &ConnectionForm) -> bool {
    [
        &form.tasks_per_request,
        &form.first_token_timeout_seconds,
        &form.idle_timeout_seconds,
        &form.request_timeout_seconds,
        &form.token_limit,
        &form.cost_limit,
        &form.price_input,
        &form.price_cached_input,
        &form.price_output,
    ]
    .iter()
    .any(|text| !text.is_empty())
}

/// The group. It is expanded if a field has a value or an error.
#[component]
pub fn ModelLimits(settings: Settings) -> impl IntoView {
    let had_values = settings.form.with_untracked(has_values);
    let is_open = Memo::new(move |_| {
        let has_error = settings.problems.with(|problems| {
            problems
                .iter()
                .any(|problem| FIELDS.contains(&problem.field))
        });
        had_values || has_error
    });
    view! {
        <details class="fold" open=move || is_open.get()>
            <summary>"Limits, timeouts and prices"</summary>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::TasksPerRequest
                    label="Tasks per request"
                    read=|form| &form.tasks_per_request
                    write=|form, text| form.tasks_per_request = text
                    input_mode="numeric"
                    placeholder="25"
                />
                <ConnectionField
                    settings
                    field=FormField::FirstTokenTimeout
                    label="First-token timeout (seconds)"
                    read=|form| &form.first_token_timeout_seconds
                    write=|form, text| form.first_token_timeout_seconds = text
                    input_mode="numeric"
                    placeholder="120; 300 on this machine"
                />
                <ConnectionField
                    settings
                    field=FormField::IdleTimeout
                    label="Idle timeout (seconds)"
                    read=|form| &form.idle_timeout_seconds
                    write=|form, text| form.idle_timeout_seconds = text
                    input_mode="numeric"
                    placeholder="60"
                />
                <ConnectionField
                    settings
                    field=FormField::RequestTimeout
                    label="Request timeout (seconds)"
                    read=|form| &form.request_timeout_seconds
                    write=|form, text| form.request_timeout_seconds = text
                    input_mode="numeric"
                    placeholder="1800"
                />
            </div>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::PriceInput
                    label="Input price per 1M tokens"
                    read=|form| &form.price_input
                    write=|form, text| form.price_input = text
                    input_mode="decimal"
                    placeholder="unknown"
                />
                <ConnectionField
                    settings
                    field=FormField::PriceCachedInput
                    label="Cached input price per 1M tokens"
                    read=|form| &form.price_cached_input
                    write=|form, text| form.price_cached_input = text
                    input_mode="decimal"
                    placeholder="input price"
                />
                <ConnectionField
                    settings
                    field=FormField::PriceOutput
                    label="Output price per 1M tokens"
                    read=|form| &form.price_output
                    write=|form, text| form.price_output = text
                    input_mode="decimal"
                    placeholder="unknown"
                />
            </div>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::TokenLimit
                    label="Token limit per run"
                    read=|form| &form.token_limit
                    write=|form, text| form.token_limit = text
                    input_mode="numeric"
                    placeholder="no limit"
                />
                <ConnectionField
                    settings
                    field=FormField::CostLimit
                    label="Cost limit per run"
                    read=|form| &form.cost_limit
                    write=|form, text| form.cost_limit = text
                    input_mode="decimal"
                    placeholder="no limit"
                />
            </div>
            <p class="hint">
                "A run stops before a request that is expected to exceed a limit. Enter prices in your own currency, as your provider lists them."
            </p>
        </details>
    }
}

//! How long the model is waited for, how much is asked at once, what it costs and may cost.

use leptos::prelude::*;

use super::settings::Settings;
use super::settings_fields::TextField;
use crate::settings::form::{ConnectionForm, FormField};

/// What stands in the fold, in its order.
const FIELDS: [FormField; 8] = [
    FormField::TasksPerRequest,
    FormField::IdleTimeout,
    FormField::RequestTimeout,
    FormField::TokenLimit,
    FormField::CostLimit,
    FormField::PriceInput,
    FormField::PriceCachedInput,
    FormField::PriceOutput,
];

/// Whether something in the fold is other than usual.
fn is_used(form: &ConnectionForm) -> bool {
    [
        &form.tasks_per_request,
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

/// A fold that opens by itself where something in it is set, or wrong.
#[component]
pub fn ModelLimits(settings: Settings) -> impl IntoView {
    let was_used = settings.form.with_untracked(is_used);
    let is_open = Memo::new(move |_| {
        let is_wrong = settings.problems.with(|problems| {
            problems
                .iter()
                .any(|problem| FIELDS.contains(&problem.field))
        });
        was_used || is_wrong
    });
    view! {
        <details class="fold" open=move || is_open.get()>
            <summary>"Waiting, several requests, prices and budget"</summary>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::TasksPerRequest
                    label="Tasks of a request"
                    error_id="tasks-per-request-error"
                    read=|form| &form.tasks_per_request
                    write=|form, text| form.tasks_per_request = text
                    input_mode="numeric"
                    placeholder="25"
                />
                <TextField
                    settings
                    field=FormField::IdleTimeout
                    label="Longest silence, in seconds"
                    error_id="idle-seconds-error"
                    read=|form| &form.idle_timeout_seconds
                    write=|form, text| form.idle_timeout_seconds = text
                    input_mode="numeric"
                    placeholder="60"
                />
                <TextField
                    settings
                    field=FormField::RequestTimeout
                    label="Longest call, in seconds"
                    error_id="call-seconds-error"
                    read=|form| &form.request_timeout_seconds
                    write=|form, text| form.request_timeout_seconds = text
                    input_mode="numeric"
                    placeholder="600"
                />
            </div>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::PriceInput
                    label="Price of a million tokens in"
                    error_id="price-input-error"
                    read=|form| &form.price_input
                    write=|form, text| form.price_input = text
                    input_mode="decimal"
                    placeholder="not known"
                />
                <TextField
                    settings
                    field=FormField::PriceCachedInput
                    label="The same, cached"
                    error_id="price-cached-input-error"
                    read=|form| &form.price_cached_input
                    write=|form, text| form.price_cached_input = text
                    input_mode="decimal"
                    placeholder="as the others"
                />
                <TextField
                    settings
                    field=FormField::PriceOutput
                    label="Price of a million tokens out"
                    error_id="price-output-error"
                    read=|form| &form.price_output
                    write=|form, text| form.price_output = text
                    input_mode="decimal"
                    placeholder="not known"
                />
            </div>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::TokenLimit
                    label="Most tokens of a run"
                    error_id="budget-tokens-error"
                    read=|form| &form.token_limit
                    write=|form, text| form.token_limit = text
                    input_mode="numeric"
                    placeholder="no limit"
                />
                <TextField
                    settings
                    field=FormField::CostLimit
                    label="Most that a run costs"
                    error_id="budget-cost-error"
                    read=|form| &form.cost_limit
                    write=|form, text| form.cost_limit = text
                    input_mode="decimal"
                    placeholder="no limit"
                />
            </div>
            <p class="hint">
                "A run stops before a request that is expected to pass its budget. Prices are in your own currency, as your provider lists them."
            </p>
        </details>
    }
}

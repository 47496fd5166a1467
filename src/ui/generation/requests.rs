//! The requests to the model, each with its outcome, token usage and raw response.

use leptos::prelude::*;

use crate::model::Usage;
use crate::run::{GenerationRequest, GenerationState, Mode};
use crate::settings::Prices;
use crate::text::{counted, grouped};
use crate::ui::generation::outcome_banner::raw_text;
use crate::ui::generation::outcome_text::short;
use crate::ui::screen::Screen;

/// All requests of a live run, collapsed at first.
#[component]
pub fn Requests(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let shown = Memo::new(move |_| {
        page.run.with(|run| {
            let run = run.as_ref()?;
            // While the first request is in progress, the stream line shows it.
            let is_only_first = run.requests.len() == 1
                && matches!(run.generation, GenerationState::Running { .. });
            let is_shown = run.mode == Mode::Live && !run.requests.is_empty() && !is_only_first;
            is_shown.then(|| {
                let model = run.connection.model.as_ref();
                (
                    run.requests.clone(),
                    run.usage,
                    model.and_then(|model| model.prices),
                )
            })
        })
    });
    move || {
        let (requests, usage, prices) = shown.get()?;
        // Each call is a request to the endpoint, retries and smaller response formats included.
        let calls = requests.iter().map(|request| request.calls.len()).sum();
        let mut summary = counted(calls, "request");
        if let Some(usage) = usage {
            summary.push_str(&format!(", {}", usage_text(usage, prices.as_ref())));
        }
        let items = requests
            .iter()
            .map(|request| item(request, prices.as_ref()))
            .collect_view();
        Some(view! {
            <details class="fold requests">
                <summary>{summary}</summary>
                <ol>{items}</ol>
            </details>
        })
    }
}

fn item(request: &GenerationRequest, prices: Option<&Prices>) -> impl IntoView + use<> {
    let outcome = request.outcome().map_or("In progress", short);
    let mut text = format!(
        "{} of {}. {outcome}",
        grouped(usize::try_from(request.arrived).unwrap_or(usize::MAX)),
        counted(request.wanted.into(), "requested task"),
    );
    match request.calls.len().saturating_sub(1) {
        0 => {}
        1 => text.push_str(", after 1 retry"),
        retries => text.push_str(&format!(", after {} retries", grouped(retries))),
    }
    text.push('.');
    match request.usage() {
        Some(usage) => text.push_str(&format!(" {}.", usage_text(usage, prices))),
        None if request.outcome().is_some() => {
            text.push_str(" The endpoint did not report token usage.");
        }
        None => {}
    }
    let raw = (!request.raw_response.is_empty() && request.outcome().is_some())
        .then(|| raw_text("Raw response", &request.raw_response));
    let reasoning = (!request.reasoning.is_empty() && request.outcome().is_some())
        .then(|| raw_text("Reasoning", &request.reasoning));
    view! {
        <li>
            <p>{text}</p>
            {reasoning}
            {raw}
        </li>
    }
}

/// `12,340 input tokens (4,096 cached), 8,900 output tokens (512 reasoning), cost 0.0123`.
fn usage_text(usage: Usage, prices: Option<&Prices>) -> String {
    let number = |tokens: u64| grouped(usize::try_from(tokens).unwrap_or(usize::MAX));
    let part = |tokens: u64, what: &str| match tokens {
        0 => String::new(),
        _ => format!(" ({} {what})", number(tokens)),
    };
    let mut text = format!(
        "{} input tokens{}, {} output tokens{}",
        number(usage.input),
        part(usage.cached, "cached"),
        number(usage.output),
        part(usage.reasoning, "reasoning"),
    );
    if let Some(prices) = prices {
        text.push_str(&format!(", cost {}", usage.cost(prices)));
    }
    text
}

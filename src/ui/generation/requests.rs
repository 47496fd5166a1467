//! The requests to the model: what each asked for, came to and used, and the text of its answer.

use leptos::prelude::*;

use crate::model::Usage;
use crate::run::{GenerationRequest, GenerationState, Mode};
use crate::settings::Prices;
use crate::text::{counted, grouped};
use crate::ui::generation::outcome_banner::raw_text;
use crate::ui::generation::outcome_text::short;
use crate::ui::screen::Screen;

/// All requests of a live run, folded.
#[component]
pub fn Requests(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let shown = Memo::new(move |_| {
        page.run.with(|run| {
            let run = run.as_ref()?;
            // The first one is shown by the line above the list while it is under way.
            let is_first = run.requests.len() == 1
                && matches!(run.generation, GenerationState::Running { .. });
            let is_shown = run.mode == Mode::Live && !run.requests.is_empty() && !is_first;
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
        let mut summary = counted(requests.len(), "request");
        if let Some(usage) = usage {
            summary.push_str(&format!(", {}", used(usage, prices.as_ref())));
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
    let outcome = request.outcome().map_or("Under way", short);
    let mut words = format!(
        "{} of {} asked for. {outcome}",
        grouped(usize::try_from(request.arrived).unwrap_or(usize::MAX)),
        counted(request.wanted.into(), "task"),
    );
    if request.calls.len() > 1 {
        words.push_str(&format!(", after {}", counted(request.calls.len(), "call")));
    }
    words.push_str(". ");
    words.push_str(&match request.usage() {
        Some(usage) => format!("{}.", used(usage, prices)),
        None => "The endpoint did not say what it used.".to_owned(),
    });
    let raw = (!request.raw_response.is_empty() && request.outcome().is_some())
        .then(|| raw_text("Raw answer", &request.raw_response));
    view! {
        <li>
            <p>{words}</p>
            {raw}
        </li>
    }
}

/// `12,340 tokens in (4,096 cached), 8,900 out (512 for reasoning), cost 0.0123`.
#[must_use]
pub fn used(usage: Usage, prices: Option<&Prices>) -> String {
    let number = |tokens: u64| grouped(usize::try_from(tokens).unwrap_or(usize::MAX));
    let part = |tokens: u64, what: &str| match tokens {
        0 => String::new(),
        _ => format!(" ({} {what})", number(tokens)),
    };
    let mut words = format!(
        "{} tokens in{}, {} out{}",
        number(usage.input),
        part(usage.cached, "cached"),
        number(usage.output),
        part(usage.reasoning, "for reasoning"),
    );
    if let Some(prices) = prices {
        words.push_str(&format!(", cost {}", usage.cost(prices)));
    }
    words
}

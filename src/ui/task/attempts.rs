//! Every attempt to deliver a task: what came of it, when, and what exactly was sent.

use std::sync::Arc;

use leptos::prelude::*;

use crate::delivery::{Attempt, DeliveryOutcome, Reason};
use crate::run::TaskDraft;
use crate::text::grouped;
use crate::ui::controls::icons::mark;
use crate::ui::controls::times::{clock, exact_clock, machine_time};
use crate::ui::delivery::delivery_text::attempt_words;

/// The list of attempts, oldest first. One that did not change stays as it is, opened or not.
#[component]
pub fn Attempts(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let attempts = move || draft.with(|draft| draft.delivery.attempts.clone());
    let is_empty = Memo::new(move |_| draft.with(|draft| draft.delivery.attempts.is_empty()));
    move || match is_empty.get() {
        true => view! { <p class="hint">"Not posted yet."</p> }.into_any(),
        false => view! {
            <ol class="attempts" aria-label="Attempts">
                <For
                    each=attempts
                    key=|attempt| (attempt.number, attempt.sent_at, attempt.ended_at)
                    let:attempt
                >
                    {attempt_item(&attempt)}
                </For>
            </ol>
        }
        .into_any(),
    }
}

fn attempt_item(attempt: &Attempt) -> impl IntoView + use<> {
    let words = attempt_words(attempt);
    let at = attempt.ended_at.unwrap_or(attempt.started_at);
    let reasons = match &attempt.outcome {
        Some(DeliveryOutcome::Refused { reasons, .. }) if !reasons.is_empty() => {
            Some(reason_list(reasons.clone()))
        }
        _ => None,
    };
    view! {
        <li class="attempt" data-state=words.state>
            {mark(mark_name(words.state))}
            <strong>{words.heading}</strong>
            <time datetime=machine_time(at)>{clock(at)}</time>
            <p>{words.meaning}</p>
            {words.said.map(|said| view! { <p class="soft">{said}</p> })}
            {reasons}
            <details class="fold">
                <summary>{format!("Attempt {}: times, key, fingerprint", attempt.number)}</summary>
                {facts(attempt)}
            </details>
        </li>
    }
}

fn facts(attempt: &Attempt) -> impl IntoView + use<> {
    let time = |at: u64| view! { <time datetime=machine_time(at)>{exact_clock(at)}</time> };
    let took = attempt
        .sent_at
        .zip(attempt.ended_at)
        .and_then(|(left, ended)| usize::try_from(ended.saturating_sub(left)).ok())
        .map(|took| format!(", after {} ms", grouped(took)));
    let (status, server_id) = match &attempt.outcome {
        Some(DeliveryOutcome::Delivered {
            status, server_id, ..
        }) => (*status, server_id.clone()),
        Some(
            DeliveryOutcome::Refused { status, .. } | DeliveryOutcome::Unconfirmed { status, .. },
        ) => (*status, None),
        Some(
            DeliveryOutcome::Failed { status, .. } | DeliveryOutcome::Unauthorized { status, .. },
        ) => (Some(*status), None),
        _ => (None, None),
    };
    let fact = |name: &'static str, value: String| {
        view! {
            <dt>{name}</dt>
            <dd>
                <code>{value}</code>
            </dd>
        }
    };
    let key_sent = match attempt.key_sent {
        true => "sent with the request",
        false => "not sent: the server is not known to honour keys",
    };
    view! {
        <dl class="facts">
            <dt>"Written down"</dt>
            <dd class="number">{time(attempt.started_at)}</dd>
            <dt>"Left"</dt>
            <dd class="number">
                {match attempt.sent_at {
                    Some(at) => time(at).into_any(),
                    None => "not known".into_any(),
                }}
            </dd>
            <dt>"Answered"</dt>
            <dd class="number">
                {match attempt.ended_at {
                    Some(at) => view! { {time(at)} {took} }.into_any(),
                    None => "not yet".into_any(),
                }}
            </dd>
            {status.map(|status| fact("HTTP status", status.to_string()))}
            {server_id.map(|id| fact("Server's id", id))}
            {attempt.url.as_ref().map(|url| fact("To", url.to_string()))}
            <dt>"Key"</dt>
            <dd>
                <code>{attempt.key.to_string()}</code>
                ", "
                {key_sent}
            </dd>
            {fact("SHA-256", attempt.digest.to_string())}
        </dl>
    }
}

fn reason_list(reasons: Vec<Reason>) -> impl IntoView {
    let items = reasons
        .into_iter()
        .map(|reason| {
            let place = if reason.instance_path.is_empty() {
                "The task".to_owned()
            } else {
                reason.instance_path
            };
            view! {
                <li>
                    <code>{place}</code>
                    " "
                    {reason.message}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="reasons" aria-label="The server's reasons">{items}</ul> }
}

fn mark_name(state: &str) -> &'static str {
    match state {
        "delivered" => "state-delivered",
        "dry" => "state-dry",
        "refused" => "state-refused",
        "failed" => "state-failed",
        "unconfirmed" => "state-unconfirmed",
        _ => "state-sending",
    }
}

//! All attempts to deliver a task: outcome, times, and what was sent.

use std::sync::Arc;

use leptos::prelude::*;

use crate::delivery::{Attempt, DeliveryOutcome, Reason};
use crate::run::TaskDraft;
use crate::text::grouped;
use crate::ui::controls::icons::mark;
use crate::ui::controls::times::{clock, exact_clock, machine_time};
use crate::ui::delivery::delivery_text::attempt_text;

/// The list of attempts, oldest first. An unchanged one is not re-rendered, so its details stay open.
#[component]
pub fn Attempts(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let attempts = move || draft.with(|draft| draft.delivery.attempts.clone());
    let is_empty = Memo::new(move |_| draft.with(|draft| draft.delivery.attempts.is_empty()));
    move || {
        if is_empty.get() {
            return view! { <p class="hint">"Not posted yet."</p> }.into_any();
        }
        view! {
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
        .into_any()
    }
}

fn attempt_item(attempt: &Attempt) -> impl IntoView + use<> {
    let text = attempt_text(attempt);
    let at = attempt.ended_at.unwrap_or(attempt.started_at);
    let reasons = match &attempt.outcome {
        Some(DeliveryOutcome::Refused { reasons, .. }) if !reasons.is_empty() => {
            Some(reason_list(reasons.clone()))
        }
        _ => None,
    };
    view! {
        <li class="attempt" data-state=text.state>
            {mark(mark_name(text.state))}
            <strong>{text.heading}</strong>
            <time datetime=machine_time(at)>{clock(at)}</time>
            <p>{text.meaning}</p>
            {reasons}
            {text.message.map(message_view)}
            <details class="fold">
                <summary>{format!("Attempt {}: times, idempotency key and SHA-256", attempt.number)}</summary>
                {facts(attempt)}
            </details>
        </li>
    }
}

/// The message of the server or the browser. A response that is JSON is no message to read, so it is
/// folded away.
fn message_view(message: String) -> AnyView {
    if message.starts_with(['{', '[']) {
        return view! {
            <details class="fold">
                <summary>"The server's response"</summary>
                <pre class="raw" tabindex="0">{message}</pre>
            </details>
        }
        .into_any();
    }
    view! { <p class="soft">{message}</p> }.into_any()
}

fn facts(attempt: &Attempt) -> impl IntoView + use<> {
    let time = |at: u64| view! { <time datetime=machine_time(at)>{exact_clock(at)}</time> };
    let duration = attempt
        .sent_at
        .zip(attempt.ended_at)
        .and_then(|(left, ended)| usize::try_from(ended.saturating_sub(left)).ok())
        .map(|duration| format!(", after {} ms", grouped(duration)));
    let (status, server_id) = match &attempt.outcome {
        Some(DeliveryOutcome::Delivered {
            status,
            server_id,
            id_at,
            ..
        }) => (*status, server_id.clone().map(|id| (id, id_at.clone()))),
        Some(
            DeliveryOutcome::Refused { status, .. } | DeliveryOutcome::Unconfirmed { status, .. },
        ) => (*status, None),
        Some(
            DeliveryOutcome::Failed { status, .. } | DeliveryOutcome::Unauthorized { status, .. },
        ) => (Some(*status), None),
        _ => (None, None),
    };
    let end_label = if attempt.ended_at.is_some() && status.is_none() {
        "Ended"
    } else {
        "Response"
    };
    let fact = |name: &'static str, value: String| {
        view! {
            <dt>{name}</dt>
            <dd>
                <code>{value}</code>
            </dd>
        }
    };
    let is_dry = attempt.outcome == Some(DeliveryOutcome::Dry);
    let key_sent = if attempt.key_sent {
        "sent with the request"
    } else if is_dry {
        "not sent: this is a dry run"
    } else if matches!(
        attempt.outcome,
        Some(DeliveryOutcome::NoToken | DeliveryOutcome::NotSent { .. })
    ) {
        "not sent: the request never left this page"
    } else {
        "not sent: the server is not known to honour idempotency keys"
    };
    view! {
        <dl class="facts">
            <dt>"Started"</dt>
            <dd class="number">{time(attempt.started_at)}</dd>
            <dt>"Sent"</dt>
            <dd class="number">
                {match attempt.sent_at {
                    Some(at) => time(at).into_any(),
                    None if is_dry => "not sent: this is a dry run".into_any(),
                    None => "unknown".into_any(),
                }}
            </dd>
            <dt>{end_label}</dt>
            <dd class="number">
                {match attempt.ended_at {
                    Some(at) => view! { {time(at)} {duration} }.into_any(),
                    None => "not yet".into_any(),
                }}
            </dd>
            {status.map(|status| fact("HTTP status", status.to_string()))}
            {server_id
                .map(|(id, at)| {
                    view! {
                        <dt>"Server ID"</dt>
                        <dd>
                            <code>{id}</code>
                            {at.map(|at| view! { ", at " <code>{at}</code> " in the response" })}
                        </dd>
                    }
                })}
            {attempt.is_test.then(|| fact("Posted", "on its own, as a test".to_owned()))}
            {attempt.url.as_ref().map(|url| fact("To", url.to_string()))}
            <dt>"Idempotency key"</dt>
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

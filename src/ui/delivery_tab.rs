//! How the chosen task was delivered: where to, what exactly, and every attempt.

use std::sync::Arc;

use leptos::prelude::*;

use crate::browser::clock::PageClock;
use crate::ports::Clock;

use super::delivery_words::attempt_words;
use super::icons::{icon, mark};
use super::screen::Screen;
use super::times::{clock, machine_time};
use crate::delivery::{Attempt, Outcome};
use crate::review::words::{counted, fingerprint};
use crate::review::{DraftId, DraftState};
use crate::run::{Event, Mode, Run, TaskDraft};

/// Facts and attempts.
#[component]
pub fn DeliveryTab(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let to = move || {
        if screen.mode.get() == Mode::Dry {
            return "Nowhere: this is a dry run".to_owned();
        }
        // Where it went stays what it was, whatever the settings say by now.
        let went_to = draft.with(|draft| draft.delivery.last().and_then(|last| last.url.clone()));
        if let Some(url) = went_to {
            return url;
        }
        screen.page.run.with(|run| {
            run.as_ref()
                .and_then(|run| run.connection.task_server.as_ref())
                .map_or_else(
                    || "No task server is set".to_owned(),
                    |server| server.tasks_url(),
                )
        })
    };
    let facts = move || {
        draft.with(|draft| {
            let approval = draft.approval().map(|approval| {
                let size = counted(approval.body.len(), "byte");
                let digest = approval.digest.clone();
                view! {
                    <dt>"Body"</dt>
                    <dd>
                        {size} ", "
                        <span class="fingerprint" title=digest.clone()>
                            "sha256 " {fingerprint(&digest)}
                        </span>
                    </dd>
                    <dt>"Idempotency key"</dt>
                    <dd>
                        <code>{approval.key.clone()}</code>
                    </dd>
                }
            });
            let server_id = match draft.delivery.outcome() {
                Some(Outcome::Delivered {
                    server_id: Some(id),
                    ..
                }) => Some(id.clone()),
                _ => None,
            };
            view! {
                {server_id
                    .map(|id| {
                        view! {
                            <dt>"Server's id"</dt>
                            <dd class="number">{id}</dd>
                        }
                    })}
                {approval}
            }
        })
    };
    let attempts = move || {
        draft.with(|draft| {
            if draft.delivery.attempts.is_empty() {
                return view! { <p class="hint">"Not posted yet."</p> }.into_any();
            }
            let items = draft
                .delivery
                .attempts
                .iter()
                .map(attempt_item)
                .collect_view();
            view! { <ol class="attempts" aria-label="Attempts">{items}</ol> }.into_any()
        })
    };
    let is_unknown =
        Memo::new(move |_| draft.with(|draft| Run::state(draft)) == DraftState::Unknown);
    let decided = move || {
        draft.with(|draft| {
            draft
                .delivery
                .decided_by_operator
                .then(|| match Run::state(draft) {
                    DraftState::Delivered => "You said that it arrived.",
                    DraftState::Failed => {
                        "You said that it did not arrive. It is safe to send it again."
                    }
                    _ => "You decided what became of an earlier attempt.",
                })
        })
    };
    view! {
        <dl class="facts">
            <dt>"To"</dt>
            <dd>{to}</dd>
            {facts}
        </dl>
        {attempts}
        {move || decided().map(|words| view! { <p class="hint">{words}</p> })}
        {move || {
            is_unknown.get().then(|| view! { <WhatBecameOfIt screen id=id.clone()/> })
        }}
    }
}

fn attempt_item(attempt: &Attempt) -> impl IntoView + use<> {
    let words = attempt_words(attempt.outcome.as_ref());
    let at = attempt.ended_at.unwrap_or(attempt.started_at);
    let reasons = match &attempt.outcome {
        Some(Outcome::Refused { reasons, .. }) => reasons.clone(),
        _ => Vec::new(),
    };
    let reasons = (!reasons.is_empty()).then(|| {
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
    });
    view! {
        <li class="attempt" data-state=words.state>
            {mark(mark_name(words.state))}
            <strong>{words.heading}</strong>
            <time datetime=machine_time(at)>{clock(at)}</time>
            <p>{words.meaning}</p>
            {words.said.map(|said| view! { <p class="soft">{said}</p> })}
            {reasons}
        </li>
    }
}

fn mark_name(state: &str) -> &'static str {
    match state {
        "delivered" => "state-delivered",
        "dry" => "state-dry",
        "refused" => "state-refused",
        "failed" => "state-failed",
        "unknown" => "state-unknown",
        _ => "state-sending",
    }
}

/// Only the operator can say what became of a task of unknown fate; with a server that honours
/// keys it can be asked again.
#[component]
fn WhatBecameOfIt(screen: Screen, id: DraftId) -> impl IntoView {
    let id = StoredValue::new(id);
    let decide = move |delivered| {
        move |_| {
            screen.send(Event::Decide {
                draft: id.get_value(),
                delivered,
            });
        }
    };
    let may_resend = move || {
        let server = screen.page.run.with(|run| {
            let run = run.as_ref().filter(|run| run.honours_keys)?;
            run.connection.task_server.clone()
        });
        let draft = id.with_value(|id| screen.page.draft(id));
        server.zip(draft).is_some_and(|(server, draft)| {
            let (url, keys_kept) = (server.tasks_url(), server.keys_kept_milliseconds());
            draft.with(|draft| {
                draft
                    .delivery
                    .may_be_resent_to(&url, keys_kept, PageClock.now())
            })
        })
    };
    view! {
        <div class="problem" role="group" aria-labelledby="unknown-title">
            {icon("warning")}
            <div class="body">
                <h3 id="unknown-title">"Did it arrive?"</h3>
                <p class="todo">
                    "Look for it on the task server by its content. If it is not there, wait until no request can be on its way any more, then say so."
                </p>
                <div class="button-row">
                    <button class="button" type="button" on:click=decide(true)>
                        "It arrived"
                    </button>
                    <button class="button" type="button" on:click=decide(false)>
                        "It did not arrive"
                    </button>
                    <Show when=may_resend>
                        <button
                            class="button"
                            type="button"
                            on:click=move |_| {
                                screen.send(Event::ResendSameKey { draft: id.get_value() });
                            }
                        >
                            {icon("retry")}
                            "Send it again with the same key"
                        </button>
                    </Show>
                </div>
                <Show when=move || !may_resend()>
                    <p class="hint">
                        "Sending it again by key is off: it was not sent with a key to a server known to honour Idempotency-Key. If the server does, say so in the settings for those that follow."
                    </p>
                </Show>
            </div>
        </div>
    }
}

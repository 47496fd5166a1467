//! The delivery of the open task: its destination, its exact body, and all attempts.

use std::sync::Arc;

use leptos::prelude::*;

use crate::delivery::LookUp;
use crate::digest::fingerprint;
use crate::review::{DraftId, DraftState};
use crate::run::{Mode, Run, TaskDraft, WaitReason};
use crate::text::counted;
use crate::ui::controls::button::Button;
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::controls::icons::icon;
use crate::ui::controls::times::clock;
use crate::ui::delivery::delivery_text::state_phrase;
use crate::ui::delivery::exact_request::exact_request;
use crate::ui::screen::{Screen, TaskTab, label_of, title_of};
use crate::ui::task::attempts::Attempts;
use crate::ui::task::unconfirmed::Unconfirmed;

/// The destination, the body and all attempts.
#[component]
pub fn DeliveryTab(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let to = move || {
        if screen.mode.get() == Mode::Dry {
            return "Nowhere: this is a dry run".to_owned();
        }
        // The address of the last attempt, even if the settings have changed since.
        let sent_to = draft.with(|draft| draft.delivery.last().and_then(|last| last.url.clone()));
        if let Some(url) = sent_to {
            return url.to_string();
        }
        screen.page.run.with(|run| {
            run.as_ref()
                .and_then(|run| run.connection.task_server.as_ref())
                .map_or_else(
                    || "No task server is configured".to_owned(),
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
                            "SHA-256 " {fingerprint(&digest)}
                        </span>
                    </dd>
                    <dt>"Idempotency key"</dt>
                    <dd>
                        <code>{approval.key.clone()}</code>
                    </dd>
                }
            });
            let server_id = draft.delivery.server_id().map(str::to_owned);
            view! {
                {server_id
                    .map(|id| {
                        view! {
                            <dt>"Server ID"</dt>
                            <dd class="number">{id}</dd>
                        }
                    })}
                {approval}
            }
        })
    };
    // Only the approval and the server count, so that an open fold stays open while the task is sent.
    let approval = Memo::new(move |_| draft.with(|draft| draft.approval().cloned()));
    let server = Memo::new(move |_| {
        screen.page.run.with(|run| {
            let connection = &run.as_ref()?.connection;
            connection.task_server.clone()
        })
    });
    let exact = move || {
        let approval = approval.get()?;
        let is_live = screen.mode.get() == Mode::Live;
        match server.get().filter(|_| is_live) {
            Some(server) => Some(exact_request("Exact request", &server, &approval).into_any()),
            None => Some(
                view! {
                    <CodeBlock
                        caption=Signal::stored("Exact body".to_owned())
                        copy="Copy body"
                        text=Signal::stored(approval.body.to_string())
                    />
                }
                .into_any(),
            ),
        }
    };
    let can_decide = Memo::new(move |_| draft.with(|draft| screen.page.actions(draft).can_decide));
    let decision = move || draft.with(|draft| decision_text(draft));
    view! {
        <dl class="facts">
            <dt>"To"</dt>
            <dd>{to}</dd>
            {facts}
        </dl>
        {exact}
        <Waiting screen id=id.clone()/>
        {move || {
            can_decide.get().then(|| view! { <Unconfirmed screen id=id.clone()/> })
        }}
        {move || decision().map(|decision| view! { <p class="hint">{decision}</p> })}
        <Attempts draft/>
    }
}

/// Who decided the outcome, if not the response to an attempt.
fn decision_text(draft: &TaskDraft) -> Option<String> {
    if let Some(LookUp::Found { at, .. }) = draft.delivery.look_up.as_deref() {
        return Some(format!(
            "Looked up at {}: the server has a task with this idempotency key.",
            clock(*at)
        ));
    }
    let text = match Run::state(draft) {
        DraftState::Delivered => "You marked the task as delivered.",
        DraftState::Failed => "You marked the task as not delivered. It is safe to resend it.",
        _ => "You decided the outcome of an earlier attempt.",
    };
    draft.delivery.decided_by_operator.then(|| text.to_owned())
}

/// Why a queued task waits, with a button that opens the task it waits for.
#[component]
fn Waiting(screen: Screen, id: DraftId) -> impl IntoView {
    let wait = Memo::new(move |_| screen.page.waits.with(|waits| waits.get(&id).cloned()));
    move || {
        let wait = wait.get()?;
        Some(match wait {
            WaitReason::RetryAt(at) => view! {
                <p class="waiting">{icon("retry")} {format!("Next attempt at {}.", clock(at))}</p>
            }
            .into_any(),
            WaitReason::Dependency { draft, state } => {
                let signal = screen.page.draft(&draft)?;
                let (title, label) = signal.with(|draft| {
                    let roles = screen.roles.read();
                    (title_of(draft, &roles), label_of(draft, &roles))
                });
                let open = move || screen.open(draft.clone(), tab_for(state));
                view! {
                    <div class="waiting">
                        {icon("pause")}
                        <p>
                            {format!("Waits for “{title}” ({}).", state_phrase(state))}
                        </p>
                        <Button label=format!("Open {label}") on_press=open/>
                    </div>
                }
                .into_any()
            }
        })
    }
}

/// The tab that shows what to do about a task in this state.
pub fn tab_for(state: DraftState) -> TaskTab {
    match state {
        DraftState::Queued
        | DraftState::Sending
        | DraftState::Refused
        | DraftState::Failed
        | DraftState::Unconfirmed => TaskTab::Delivery,
        _ => TaskTab::Task,
    }
}

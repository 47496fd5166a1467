//! How the chosen task was delivered: where to, what exactly, and every attempt.

use std::sync::Arc;

use leptos::prelude::*;

use crate::delivery::LookUp;
use crate::digest::fingerprint;
use crate::review::{DraftId, DraftState};
use crate::run::{Mode, Run, TaskDraft, WaitReason};
use crate::text::counted;
use crate::ui::controls::icons::icon;
use crate::ui::controls::times::clock;
use crate::ui::delivery::delivery_text::holder_word;
use crate::ui::screen::{Screen, TaskTab, label_of, title_of};
use crate::ui::task::attempts::Attempts;
use crate::ui::task::unconfirmed::UnknownFate;

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
            return url.to_string();
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
            let server_id = draft.delivery.server_id().map(str::to_owned);
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
    let is_unknown =
        Memo::new(move |_| draft.with(|draft| Run::state(draft)) == DraftState::Unconfirmed);
    let decided = move || draft.with(|draft| decided_words(draft));
    view! {
        <dl class="facts">
            <dt>"To"</dt>
            <dd>{to}</dd>
            {facts}
        </dl>
        <Waiting screen id=id.clone()/>
        {move || {
            is_unknown.get().then(|| view! { <UnknownFate screen id=id.clone()/> })
        }}
        {move || decided().map(|words| view! { <p class="hint">{words}</p> })}
        <Attempts draft/>
    }
}

/// Who said what became of the task, where it was not the answer to an attempt.
fn decided_words(draft: &TaskDraft) -> Option<String> {
    if let Some(LookUp::Found { at, .. }) = draft.delivery.look_up.as_deref() {
        return Some(format!(
            "Looked up at {}: the server has a task with this key.",
            clock(*at)
        ));
    }
    let words = match Run::state(draft) {
        DraftState::Delivered => "You said that it arrived.",
        DraftState::Failed => "You said that it did not arrive. It is safe to send it again.",
        _ => "You decided what became of an earlier attempt.",
    };
    draft.delivery.decided_by_operator.then(|| words.to_owned())
}

/// What a queued task waits for, with the way to it.
#[component]
fn Waiting(screen: Screen, id: DraftId) -> impl IntoView {
    let wait = Memo::new(move |_| screen.page.waits.with(|waits| waits.get(&id).cloned()));
    move || {
        let wait = wait.get()?;
        Some(match wait {
            WaitReason::RetryAt(at) => view! {
                <p class="waiting">{icon("retry")} {format!("It is tried again at {}.", clock(at))}</p>
            }
            .into_any(),
            WaitReason::Dependency { draft, state } => {
                let signal = screen.page.draft(&draft)?;
                let (title, label) = signal.with(|draft| {
                    let roles = screen.roles.read();
                    (title_of(draft, &roles), label_of(draft, &roles))
                });
                let open = move |_| screen.open(draft.clone(), tab_for(state));
                view! {
                    <div class="waiting">
                        {icon("pause")}
                        <p>
                            {format!("It waits for “{title}”, which is {}.", holder_word(state))}
                        </p>
                        <button class="button" type="button" on:click=open>
                            {format!("Open {label}")}
                        </button>
                    </div>
                }
                .into_any()
            }
        })
    }
}

/// The tab on which a task in this state says what is to be done about it.
pub fn tab_for(state: DraftState) -> TaskTab {
    match state {
        DraftState::Queued
        | DraftState::Sending
        | DraftState::Refused
        | DraftState::Failed
        | DraftState::Unconfirmed => TaskTab::Delivery,
        _ => TaskTab::Json,
    }
}

//! The actions below the open task: approve, reject with a reason, undo, resend.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::review::{DraftId, DraftState, Review};
use crate::run::{Event, TaskDraft};
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::screen::{Screen, UNSAVED};
use crate::ui::task::review_flow::{approve_and_next, next_undecided};

/// The actions that the open task allows.
#[component]
pub fn Decisions(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
    state: Memo<DraftState>,
    /// Whether the form for a rejection is open.
    is_rejecting: RwSignal<bool>,
) -> impl IntoView {
    let actions = Memo::new(move |_| draft.with(|draft| screen.page.actions(draft)));
    let id = StoredValue::new(id);
    move || {
        let actions = actions.get();
        let reject = move || {
            actions
                .can_reject
                .then(|| view! { <RejectButton screen is_rejecting/> })
        };
        if is_rejecting.get() && actions.can_reject {
            return Some(view! { <RejectForm screen id=id.get_value() is_rejecting/> }.into_any());
        }
        let content = match state.get() {
            DraftState::Ready | DraftState::Invalid | DraftState::Checking => {
                if actions.can_reject {
                    view! { <Undecided screen id draft state is_rejecting/> }.into_any()
                } else {
                    let hint = incomplete_hint(screen.is_generating.get());
                    view! { <p class="hint">{hint}</p> }.into_any()
                }
            }
            DraftState::Approved => view! {
                <UndoButton screen id label="Undo approval"/>
                {reject()}
            }
            .into_any(),
            DraftState::Rejected => view! {
                <UndoButton screen id label="Undo rejection"/>
                <p class="hint">{move || draft.with(|draft| rejection_text(&draft.review))}</p>
            }
            .into_any(),
            DraftState::Refused | DraftState::Failed => view! {
                {actions
                    .can_retry
                    .then(|| {
                        view! {
                            <Button
                                kind=ButtonKind::Main
                                icon="retry"
                                label="Resend task"
                                changes_run=screen
                                on_press=move || {
                                    screen.send(Event::Retry { drafts: vec![id.get_value()] });
                                }
                            />
                        }
                    })}
                <p class="hint">"Or edit the task and review it again."</p>
            }
            .into_any(),
            _ => return None,
        };
        Some(view! { <div class="decisions">{content}</div> }.into_any())
    }
}

#[component]
fn Undecided(
    screen: Screen,
    id: StoredValue<DraftId>,
    draft: RwSignal<Arc<TaskDraft>>,
    state: Memo<DraftState>,
    is_rejecting: RwSignal<bool>,
) -> impl IntoView {
    let obstacle = Memo::new(move |_| {
        if id.with_value(|id| screen.pending_edits.is_any(id)) {
            return Some(UNSAVED.to_owned());
        }
        draft.with(|draft| match state.get() {
            DraftState::Checking => Some("The task is being checked.".to_owned()),
            DraftState::Invalid => Some(match &draft.violations {
                Some(violations) if draft.content.is_json() => {
                    format!("Fix {} first.", counted(violations.len(), "violation"))
                }
                _ => "The text is not valid JSON.".to_owned(),
            }),
            _ if !screen.page.actions(draft).can_approve => {
                Some("This task comes from a dry run and is never posted.".to_owned())
            }
            _ => None,
        })
    });
    let disabled_by =
        Signal::derive(move || obstacle.with(Option::is_some).then_some("approve-why"));
    let has_next = Memo::new(move |_| id.with_value(|id| next_undecided(screen, id)).is_some());
    let label = move || {
        if has_next.get() {
            "Approve and next"
        } else {
            "Approve"
        }
    };
    view! {
        <Button
            kind=ButtonKind::Main
            icon="check"
            label
            changes_run=screen
            disabled_by
            on_press=move || approve_and_next(screen, &id.get_value())
        />
        <RejectButton screen is_rejecting/>
        {move || {
            obstacle.get().map(|obstacle| view! { <p class="hint" id="approve-why">{obstacle}</p> })
        }}
    }
}

/// The id of the button that opens the form for a reason.
const REJECT: &str = "reject-task";

#[component]
fn RejectButton(screen: Screen, is_rejecting: RwSignal<bool>) -> impl IntoView {
    view! {
        <Button
            icon="cross"
            label="Reject…"
            changes_run=screen
            on_press=move || is_rejecting.set(true)
            attr:id=REJECT
        />
    }
}

#[component]
fn UndoButton(screen: Screen, id: StoredValue<DraftId>, label: &'static str) -> impl IntoView {
    let undo = move || {
        screen.send(Event::UndoDecisions {
            drafts: vec![id.get_value()],
        });
    };
    view! { <Button icon="undo" label changes_run=screen on_press=undo/> }
}

#[component]
fn RejectForm(screen: Screen, id: DraftId, is_rejecting: RwSignal<bool>) -> impl IntoView {
    let reason = NodeRef::<html::Textarea>::new();
    reason.on_load(|reason| {
        // If it fails, the field is one Tab away.
        let _ = reason.focus();
    });
    let reject = move || {
        let reason = reason.get_untracked().map(|field| field.value());
        is_rejecting.set(false);
        screen.reject(
            vec![id.clone()],
            reason.unwrap_or_default().trim().to_owned(),
        );
    };
    let cancel = move || {
        is_rejecting.set(false);
        focus_by_id_soon(REJECT.to_owned());
    };
    let reject_by_key = reject.clone();
    let on_key = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Escape" if !event.is_composing() => {
            event.prevent_default();
            cancel();
        }
        "Enter" if event.ctrl_key() || event.meta_key() => {
            event.prevent_default();
            reject_by_key();
        }
        _ => {}
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        reject();
    };
    view! {
        <div class="decisions">
            <form class="reject-form" novalidate on:submit=submit on:keydown=on_key>
                <div class="field">
                    <label for="reason">"Reason " <span class="optional">"optional"</span></label>
                    <textarea
                        class="input"
                        id="reason"
                        rows="2"
                        placeholder="The model reads it if you regenerate the task"
                        node_ref=reason
                    ></textarea>
                </div>
                <div class="button-row">
                    <Button kind=ButtonKind::Main label="Reject task"/>
                    <Button label="Cancel" on_press=cancel/>
                </div>
            </form>
        </div>
    }
}

fn incomplete_hint(is_generating: bool) -> &'static str {
    if is_generating {
        "The response is still arriving. You can decide about its tasks when it is complete."
    } else {
        "The response is incomplete. Accept the partial response to decide about its tasks."
    }
}

fn rejection_text(review: &Review) -> String {
    match review {
        Review::Rejected { reason } if !reason.is_empty() => format!("Rejected: {reason}"),
        _ => "Rejected without a reason.".to_owned(),
    }
}

//! Approve, reject with a reason, put back: what the chosen task's state allows.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::review::{DraftId, DraftState, Origin, Review};
use crate::run::{Event, Mode, TaskDraft};
use crate::text::counted;
use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;

/// The decisions at the foot of the chosen task.
#[component]
pub fn Decisions(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
    state: Memo<DraftState>,
) -> impl IntoView {
    let is_rejecting = RwSignal::new(false);
    let id = StoredValue::new(id);
    move || {
        use DraftState as S;
        let now = state.get();
        if !screen.may_decide.get() {
            return Some(
                view! {
                    <div class="decisions">
                        <p class="hint">{not_complete_words(screen.is_generating.get())}</p>
                    </div>
                }
                .into_any(),
            );
        }
        if is_rejecting.get() && matches!(now, S::Ready | S::Invalid | S::Checking | S::Approved) {
            return Some(view! { <RejectForm screen id=id.get_value() is_rejecting/> }.into_any());
        }
        match now {
            S::Ready | S::Invalid | S::Checking => {
                Some(view! { <Undecided screen id draft state is_rejecting/> }.into_any())
            }
            S::Approved => Some(
                view! {
                    <div class="decisions">
                        <UndoDecisions screen id/>
                        <RejectButton screen is_rejecting/>
                    </div>
                }
                .into_any(),
            ),
            S::Rejected => Some(
                view! {
                    <div class="decisions">
                        <UndoDecisions screen id/>
                        <p class="hint">{move || draft.with(|draft| reason_words(&draft.review))}</p>
                    </div>
                }
                .into_any(),
            ),
            S::Refused | S::Failed => Some(
                view! {
                    <div class="decisions">
                        <button
                            class="button main"
                            type="button"
                            aria-disabled=move || screen.barred()
                            aria-describedby=move || screen.barred_by()
                            on:click=move |_| {
                                screen.send(Event::Retry { drafts: vec![id.get_value()] });
                            }
                        >
                            {icon("retry")}
                            "Send it again"
                        </button>
                        <p class="hint">"Or edit it; it is then reviewed again."</p>
                    </div>
                }
                .into_any(),
            ),
            _ => None,
        }
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
    let why = Memo::new(move |_| {
        let is_dry_draft = draft.with(|draft| draft.origin == Origin::DryRun);
        match state.get() {
            DraftState::Checking => Some("It is being checked.".to_owned()),
            DraftState::Invalid => Some(draft.with(|draft| match &draft.violations {
                Some(found) if draft.content.is_json() => {
                    format!("{} to mend first.", counted(found.len(), "violation"))
                }
                _ => "The text is not JSON yet.".to_owned(),
            })),
            _ if is_dry_draft && screen.mode.get() == Mode::Live => {
                Some("The dry run made this task: it is never posted.".to_owned())
            }
            _ => None,
        }
    });
    view! {
        <div class="decisions">
            <button
                class="button main"
                type="button"
                aria-disabled=move || screen.barred().or(why.with(Option::is_some).then_some("true"))
                aria-describedby=move || {
                    screen.barred_by().or(why.with(Option::is_some).then_some("approve-why"))
                }
                on:click=move |_| {
                    if why.with_untracked(Option::is_none) {
                        screen.approve(vec![id.get_value()]);
                    }
                }
            >
                {icon("check")}
                "Approve"
            </button>
            <RejectButton screen is_rejecting/>
            {move || why.get().map(|why| view! { <p class="hint" id="approve-why">{why}</p> })}
        </div>
    }
}

#[component]
fn RejectButton(screen: Screen, is_rejecting: RwSignal<bool>) -> impl IntoView {
    let begin = move |_| {
        if untrack(|| screen.barred()).is_none() {
            is_rejecting.set(true);
        }
    };
    view! {
        <button
            class="button"
            type="button"
            aria-disabled=move || screen.barred()
            aria-describedby=move || screen.barred_by()
            on:click=begin
        >
            {icon("cross")}
            "Reject…"
        </button>
    }
}

#[component]
fn UndoDecisions(screen: Screen, id: StoredValue<DraftId>) -> impl IntoView {
    view! {
        <button
            class="button"
            type="button"
            aria-disabled=move || screen.barred()
            aria-describedby=move || screen.barred_by()
            on:click=move |_| screen.send(Event::UndoDecisions { drafts: vec![id.get_value()] })
        >
            {icon("undo")}
            "Put back"
        </button>
    }
}

#[component]
fn RejectForm(screen: Screen, id: DraftId, is_rejecting: RwSignal<bool>) -> impl IntoView {
    let reason = NodeRef::<html::Textarea>::new();
    reason.on_load(|reason| {
        // Without the focus the field is one Tab away.
        let _ = reason.focus();
    });
    let reject = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let said = reason.get_untracked().map(|field| field.value());
        is_rejecting.set(false);
        screen.reject(id.clone(), said.unwrap_or_default().trim().to_owned());
    };
    let cancel_on_escape = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            is_rejecting.set(false);
        }
    };
    view! {
        <div class="decisions">
            <form class="reject-form" novalidate on:submit=reject on:keydown=cancel_on_escape>
                <div class="field">
                    <label for="reason">"Why reject it? " <span class="optional">"optional"</span></label>
                    <textarea
                        class="input"
                        id="reason"
                        rows="2"
                        placeholder="For whoever looks at this run later"
                        node_ref=reason
                    ></textarea>
                </div>
                <div class="button-row">
                    <button class="button main" type="submit">
                        "Reject the task"
                    </button>
                    <button class="button" type="button" on:click=move |_| is_rejecting.set(false)>
                        "Cancel"
                    </button>
                </div>
            </form>
        </div>
    }
}

fn not_complete_words(is_generating: bool) -> &'static str {
    if is_generating {
        "The answer is still arriving. It can be decided once it has ended."
    } else {
        "The answer is not complete. Keep its whole tasks first."
    }
}

fn reason_words(review: &Review) -> String {
    match review {
        Review::Rejected { reason } if !reason.is_empty() => format!("Rejected: {reason}"),
        _ => "Rejected without a reason.".to_owned(),
    }
}

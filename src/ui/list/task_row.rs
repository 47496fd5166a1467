//! One row of the list.

use std::sync::Arc;

use leptos::prelude::*;

use crate::review::{DraftId, DraftState, Origin};
use crate::run::{Event, Mode, Run, TaskDraft, WaitReason};
use crate::text::counted;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::controls::times::clock;
use crate::ui::delivery::delivery_text::holder_word;
use crate::ui::list::task_list::keep_place;
use crate::ui::screen::{Screen, key_of, label_of, title_of};
use crate::ui::task::delivery_tab::tab_for;

/// The id of the button that opens a task.
#[must_use]
pub fn row_id(id: &DraftId) -> String {
    format!("task-{}", id.ordinal)
}

/// One row. Only a change of its own draft wakes it.
#[component]
pub fn TaskRow(
    screen: Screen,
    /// Which task.
    id: DraftId,
    /// Its place among those listed, from 1.
    place: usize,
    /// How many are listed.
    total: Memo<usize>,
) -> impl IntoView {
    let draft: RwSignal<Arc<TaskDraft>> = RwSignal::from(screen.page.draft(&id)?);
    let state = Memo::new(move |_| draft.with(|draft| Run::state(draft)));
    let title = Memo::new(move |_| draft.with(|draft| title_of(draft, &screen.roles.read())));
    let key = Memo::new(move |_| draft.with(|draft| key_of(draft, &screen.roles.read())));
    let note = {
        let id = id.clone();
        Memo::new(move |_| wait_of(screen, &id).or_else(|| draft.with(|draft| note_of(draft))))
    };
    let has_arrived_now = screen.is_generating.get_untracked();
    let is_current = {
        let id = id.clone();
        move || screen.chosen.with(|chosen| chosen.as_ref() == Some(&id))
    };
    let button_id = row_id(&id);
    let open = {
        let id = id.clone();
        move |_| {
            screen.open(id.clone(), tab_for(state.get_untracked()));
        }
    };
    Some(view! {
        <li
            class="task-row"
            class:arrived=has_arrived_now
            data-state=move || state_name(state.get())
            aria-current=move || is_current().then_some("true")
            aria-setsize=move || total.get().to_string()
            aria-posinset=place.to_string()
        >
            {move || state_mark(state.get())}
            <button class="task-open" type="button" id=button_id on:click=open>
                <span class="task-title">{title}</span>
            </button>
            <span class="task-notes">
                {move || key.get().map(|key| view! { <code class="task-key">{key}</code> })}
                <span class="task-state">{move || state.get().label()}</span>
                {move || {
                    note.get()
                        .map(|note| {
                            let whole = note.clone();
                            view! {
                                <span class="task-note" title=whole>
                                    {note}
                                </span>
                            }
                        })
                }}
                {move || {
                    draft
                        .with(|draft| !draft.suggested_edits.is_empty())
                        .then(|| view! { <span class="task-note">"proposal"</span> })
                }}
            </span>
            <RowActions screen id draft state place/>
        </li>
    })
}

/// The decisions that the row's state allows, one press each.
#[component]
fn RowActions(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
    state: Memo<DraftState>,
    place: usize,
) -> impl IntoView {
    let label = Memo::new(move |_| draft.with(|draft| label_of(draft, &screen.roles.read())));
    let is_dry_draft = draft.with_untracked(|draft| draft.origin == Origin::DryRun);
    let buttons = move || {
        use DraftState as S;
        let may_decide = screen.may_decide.get();
        let may_approve = may_decide && !(is_dry_draft && screen.mode.get() == Mode::Live);
        match state.get() {
            S::Ready => (may_approve, false, may_decide, false),
            S::Invalid | S::Checking => (false, false, may_decide, false),
            S::Approved => (false, true, may_decide, false),
            S::Rejected => (false, true, false, false),
            S::Refused | S::Failed => (false, false, false, true),
            _ => (false, false, false, false),
        }
    };
    let act = move |what: fn(Screen, DraftId), id: DraftId| {
        move |_| {
            what(screen, id.clone());
            keep_place(screen, place.saturating_sub(1));
        }
    };
    let button = move |name: &'static str, words: String, on_click: Box<dyn Fn()>| {
        view! {
            <button
                class="button quiet icon-only"
                type="button"
                aria-label=words.clone()
                title=words
                aria-disabled=move || screen.barred()
                aria-describedby=move || screen.barred_by()
                on:click=move |_| on_click()
            >
                {icon(name)}
            </button>
        }
    };
    view! {
        <span class="task-actions">
            {move || {
                let (approve, put_back, reject, retry) = buttons();
                let name = label.get();
                let run = |what: fn(Screen, DraftId)| -> Box<dyn Fn()> {
                    let act = act(what, id.clone());
                    Box::new(move || act(()))
                };
                [
                    approve
                        .then(|| {
                            button(
                                "check",
                                format!("Approve {name}"),
                                run(|screen, id| screen.approve(vec![id])),
                            )
                        }),
                    put_back
                        .then(|| {
                            button(
                                "undo",
                                format!("Put {name} back"),
                                run(|screen, id| screen.send(Event::UndoDecisions { drafts: vec![id] })),
                            )
                        }),
                    reject
                        .then(|| {
                            button(
                                "cross",
                                format!("Reject {name}"),
                                run(|screen, id| screen.reject(id, String::new())),
                            )
                        }),
                    retry
                        .then(|| {
                            button(
                                "retry",
                                format!("Send {name} again"),
                                run(|screen, id| screen.send(Event::Retry { drafts: vec![id] })),
                            )
                        }),
                ]
                    .into_iter()
                    .flatten()
                    .collect_view()
            }}
        </span>
    }
}

/// What a queued task waits for, in few words.
fn wait_of(screen: Screen, id: &DraftId) -> Option<String> {
    let wait = screen.page.waits.with(|waits| waits.get(id).cloned())?;
    Some(match wait {
        WaitReason::RetryAt(at) => format!("next try {}", clock(at)),
        WaitReason::Dependency { draft, state } => {
            let name = screen
                .page
                .draft(&draft)
                .map(|draft| draft.with(|draft| label_of(draft, &screen.roles.read())));
            format!(
                "waits for {} ({})",
                name.unwrap_or_default(),
                holder_word(state)
            )
        }
    })
}

/// The one thing that a row says beside its state.
fn note_of(draft: &TaskDraft) -> Option<String> {
    if let Some(server_id) = draft.delivery.server_id() {
        return Some(server_id.to_owned());
    }
    if !draft.content.is_json() {
        return Some("not JSON".to_owned());
    }
    match &draft.violations {
        Some(violations) if !violations.is_empty() => Some(counted(violations.len(), "violation")),
        _ if draft.is_edited() => Some("edited".to_owned()),
        _ => None,
    }
}

//! One row of the list.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::review::{DraftId, DraftState, RowFacts};
use crate::run::{Event, Run, TaskDraft, WaitReason};
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::{state_mark, state_name};
use crate::ui::controls::times::clock;
use crate::ui::controls::visible_text::visible_text;
use crate::ui::delivery::delivery_text::state_phrase;
use crate::ui::list::listing::Listing;
use crate::ui::list::task_list::{keep_focus_in_list, offset};
use crate::ui::screen::{Screen, label_of};
use crate::ui::task::delivery_tab::tab_for;

/// The id of the button that opens a task.
#[must_use]
pub fn row_id(id: &DraftId) -> String {
    format!("task-{}", id.ordinal)
}

/// One row. It re-renders only when its own draft changes.
#[component]
pub fn TaskRow(
    screen: Screen,
    /// The list.
    listing: Listing,
    /// The task.
    id: DraftId,
    /// Its position in the list, from 0.
    position: RwSignal<usize>,
) -> impl IntoView {
    let draft: RwSignal<Arc<TaskDraft>> = RwSignal::from(screen.page.draft(&id)?);
    let state = Memo::new(move |_| draft.with(|draft| Run::state(draft)));
    let facts = Memo::new(move |_| {
        let document = draft.with(|draft| draft.content.document());
        let roles = screen.roles.read();
        document.map_or_else(RowFacts::default, |document| {
            RowFacts::of(&document, &roles)
        })
    });
    let ordinal = id.ordinal;
    let title = Memo::new(move |_| {
        let is_visible = |text: &&String| !text.trim().is_empty();
        facts.with(|facts| {
            let name = facts.title.as_ref().filter(is_visible);
            let name = name.or(facts.key.as_ref().filter(is_visible));
            name.map_or_else(|| format!("Task {ordinal}"), Clone::clone)
        })
    });
    let key = Memo::new(move |_| {
        let key = facts.with(|facts| facts.key.clone());
        key.filter(|key| !key.trim().is_empty())
    });
    let is_opened = Memo::new(move |_| draft.with(|draft| draft.is_opened));
    let note = {
        let id = id.clone();
        Memo::new(move |_| {
            if screen.pending_edits.is_any(&id) {
                return Some("unsaved text".to_owned());
            }
            wait_note(screen, &id).or_else(|| draft.with(|draft| note(draft)))
        })
    };
    let is_new = screen.is_generating.get_untracked();
    let is_current = {
        let id = id.clone();
        move || screen.open_task.with(|open| open.as_ref() == Some(&id))
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
            class:arrived=is_new
            class:opened=move || is_opened.get()
            data-state=move || state_name(state.get())
            aria-current=move || is_current().then_some("true")
            aria-setsize=move || listing.rows.with(|rows| rows.ids.len()).to_string()
            aria-posinset=move || (position.get() + 1).to_string()
            style:inset-block-start=move || {
                let position = position.get();
                let headings = listing
                    .rows
                    .with(|rows| rows.groups.partition_point(|group| group.start <= position));
                offset(position, headings)
            }
        >
            <SelectBox screen id=id.clone() title/>
            {move || state_mark(state.get())}
            <button class="task-open" type="button" id=button_id on:click=open>
                <span class="task-title">{move || title.with(|title| visible_text(title))}</span>
            </button>
            <span class="task-notes">
                <span class="task-state">{move || state.get().label()}</span>
                {move || {
                    (!is_opened.get())
                        .then(|| view! { <span class="visually-hidden">" not opened "</span> })
                }}
                <span class="task-facts">
                {move || {
                    let priority = facts.with(|facts| facts.priority.clone());
                    priority
                        .map(|priority| {
                            view! {
                                <span class="task-priority">{visible_text(&priority)}</span>
                            }
                        })
                }}
                {move || {
                    note.get()
                        .map(|note| {
                            let title = note.clone();
                            view! {
                                <span class="task-note" title=title>
                                    {note}
                                </span>
                            }
                        })
                }}
                {move || {
                    draft
                        .with(|draft| !draft.suggested_edits.is_empty())
                        .then(|| view! { <span class="task-note">"suggested edit"</span> })
                }}
                {move || {
                    facts
                        .with(dependency_note)
                        .map(|note| {
                            view! {
                                <span class="task-dependencies" title=note.clone()>
                                    {visible_text(&note)}
                                </span>
                            }
                        })
                }}
                </span>
                {move || {
                    key.get().map(|key| view! { <code class="task-key">{visible_text(&key)}</code> })
                }}
            </span>
            <RowActions screen id draft state position/>
        </li>
    })
}

/// Selects the task; with Shift, all tasks from the one selected last. The key `x` does the same, so
/// that a row is one tab stop.
#[component]
fn SelectBox(screen: Screen, id: DraftId, title: Memo<String>) -> impl IntoView {
    let id = StoredValue::new(id);
    let is_selected = Memo::new(move |_| {
        id.with_value(|id| screen.selection.with(|selection| selection.contains(id)))
    });
    let select = move |event: web_sys::MouseEvent| {
        let id = id.get_value();
        if event.shift_key() {
            screen.select_up_to(&id);
        } else {
            screen.toggle_selected(id);
        }
        // The browser has toggled the box, also if the task was and stays selected.
        let target = event.target().and_then(|target| target.dyn_into().ok());
        let input: Option<web_sys::HtmlInputElement> = target;
        if let Some(input) = input {
            input.set_checked(is_selected.get_untracked());
        }
    };
    view! {
        <input
            class="task-select"
            type="checkbox"
            tabindex="-1"
            aria-label=move || format!("Select {}", title.get())
            prop:checked=is_selected
            on:click=select
        />
    }
}

/// A button for each action that the task allows.
#[component]
fn RowActions(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
    state: Memo<DraftState>,
    position: RwSignal<usize>,
) -> impl IntoView {
    let label = Memo::new(move |_| draft.with(|draft| label_of(draft, &screen.roles.read())));
    let actions = Memo::new(move |_| draft.with(|draft| screen.page.actions(draft)));
    let id = StoredValue::new(id);
    let button = move |icon: &'static str, label: String, act: fn(Screen, DraftId)| {
        let press = move || {
            act(screen, id.get_value());
            keep_focus_in_list(screen, position.get_untracked());
        };
        view! {
            <Button
                kind=ButtonKind::IconOnly
                icon
                label=label.clone()
                changes_run=screen
                on_press=press
                attr:title=label
                // A row is one tab stop: keys do the same, and the arrow keys lead here.
                attr:tabindex="-1"
            />
        }
    };
    view! {
        <span class="task-actions">
            {move || {
                let actions = actions.get();
                let name = label.get();
                let decision = if state.get() == DraftState::Rejected { "rejection" } else { "approval" };
                (
                    actions
                        .can_approve
                        .then(|| {
                            let label = format!("Approve {name}");
                            button("check", label, |screen, id| screen.approve(vec![id]))
                        }),
                    actions
                        .can_undo
                        .then(|| {
                            let label = format!("Undo {decision} of {name}");
                            button("undo", label, |screen, id| {
                                screen.send(Event::UndoDecisions { drafts: vec![id] });
                            })
                        }),
                    actions
                        .can_reject
                        .then(|| {
                            let label = format!("Reject {name}");
                            button("cross", label, |screen, id| screen.reject(vec![id], String::new()))
                        }),
                    actions
                        .can_retry
                        .then(|| {
                            let label = format!("Resend {name}");
                            button("retry", label, |screen, id| {
                                screen.send(Event::Retry { drafts: vec![id] });
                            })
                        }),
                )
            }}
        </span>
    }
}

/// Why a queued task waits.
fn wait_note(screen: Screen, id: &DraftId) -> Option<String> {
    let wait = screen.page.waits.with(|waits| waits.get(id).cloned())?;
    Some(match wait {
        WaitReason::RetryAt(at) => format!("retry at {}", clock(at)),
        WaitReason::Dependency { draft, state } => {
            let name = screen
                .page
                .draft(&draft)
                .map(|draft| draft.with(|draft| label_of(draft, &screen.roles.read())));
            format!(
                "waits for {} ({})",
                name.unwrap_or_default(),
                state_phrase(state)
            )
        }
    })
}

/// What a task depends on: the key of one task, or the number of several.
fn dependency_note(facts: &RowFacts) -> Option<String> {
    match (&facts.first_dependency, facts.dependencies) {
        (None, _) => None,
        (Some(key), 1) => Some(format!("after {key}")),
        (Some(_), count) => Some(format!("after {}", counted(count, "task"))),
    }
}

/// The most important fact about a task besides its state.
fn note(draft: &TaskDraft) -> Option<String> {
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

//! The chosen task: its text, what was changed in it, how it was delivered, and the decisions.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::delivery::receipt::DeliveryStage;
use crate::review::DraftId;
use crate::run::{FollowUp, Run, TaskDraft};
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::controls::tabs::{Tab, Tabs};
use crate::ui::list::task_row::row_id;
use crate::ui::screen::{Dialog, Screen, TaskTab, key_of, title_of};
use crate::ui::task::changes_tab::ChangesTab;
use crate::ui::task::decisions::Decisions;
use crate::ui::task::delivery_tab::DeliveryTab;
use crate::ui::task::json_editor::JsonEditor;
use crate::ui::task::suggested_edits::SuggestedEdits;

/// The third pane, where a task is chosen.
#[component]
pub fn TaskPane(screen: Screen) -> impl IntoView {
    // A run that is put aside takes its open task along.
    let chosen = Memo::new(move |_| {
        screen.page.rows.track();
        screen
            .chosen
            .get()
            .filter(|id| screen.page.draft(id).is_some())
    });
    move || {
        let id = chosen.get()?;
        let draft = RwSignal::from(screen.page.draft(&id)?);
        Some(view! { <TaskDetail screen id draft/> })
    }
}

#[component]
fn TaskDetail(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let state = Memo::new(move |_| draft.with(|draft| Run::state(draft)));
    let title = Memo::new(move |_| draft.with(|draft| title_of(draft, &screen.roles.read())));
    let key = Memo::new(move |_| draft.with(|draft| key_of(draft, &screen.roles.read())));
    let heading = NodeRef::<html::H2>::new();
    heading.on_load(|heading| {
        // Where the task was opened to be edited, the editor has the focus already.
        let is_editing = document()
            .active_element()
            .is_some_and(|element| element.id() == "json");
        if !is_editing {
            // A heading that cannot take the focus leaves it where it was.
            let _ = heading.focus();
        }
    });
    let attempts = Signal::derive(move || {
        let count = draft.with(|draft| draft.delivery.attempts.len());
        (count > 0).then_some(count)
    });
    let tabs = vec![
        Tab::new(TaskTab::Json, "json", "JSON"),
        Tab::new(TaskTab::Changes, "changes", "Changes"),
        Tab {
            number: attempts,
            ..Tab::new(TaskTab::Delivery, "delivery", "Delivery")
        },
    ];
    let close = {
        let row = row_id(&id);
        move || {
            screen.chosen.set(None);
            if !focus_by_id(&row) {
                focus_by_id_soon("tasks".to_owned());
            } else {
                focus_by_id_soon(row.clone());
            }
        }
    };
    // Wherever the focus is, and also where it is nowhere; a dialog and the form of a rejection
    // have an Escape of their own.
    let listening = window_event_listener(leptos::ev::keydown, {
        let close = close.clone();
        move |event| {
            let is_free = event.key() == "Escape"
                && !event.is_composing()
                && !event.default_prevented()
                && document()
                    .query_selector("dialog[open]")
                    .ok()
                    .flatten()
                    .is_none();
            if is_free {
                event.prevent_default();
                close();
            }
        }
    });
    on_cleanup(move || listening.remove());
    let close_by_back = close.clone();
    let is_open = move |tab| screen.task_tab.get() == tab;
    view! {
        <section
            class="pane task-pane"
            aria-labelledby="task-title"
            data-state=move || state_name(state.get())
        >
            <div class="task-head">
                <div class="line">
                    <button
                        class="button quiet back"
                        type="button"
                        aria-label="Back to the tasks"
                        on:click=move |_| close_by_back()
                    >
                        {icon("back")}
                        "Tasks"
                    </button>
                    <span class="state-word">
                        {move || state_mark(state.get())}
                        {move || state.get().label()}
                    </span>
                    {move || key.get().map(|key| view! { <code class="task-key">{key}</code> })}
                    <button
                        class="button quiet icon-only push"
                        type="button"
                        aria-label="Close the task"
                        on:click=move |_| close()
                    >
                        {icon("cross")}
                    </button>
                </div>
                <h2 id="task-title" tabindex="-1" node_ref=heading>
                    {title}
                </h2>
            </div>
            <SuggestedEdits screen id=id.clone() draft/>
            <Tabs label="Task" tabs selected=screen.task_tab/>
            <div
                class="pane-body editor"
                role="tabpanel"
                id="panel-json"
                aria-labelledby="tab-json"
                hidden=move || !is_open(TaskTab::Json)
            >
                <JsonEditor screen id=id.clone() draft/>
            </div>
            <div
                class="pane-body stack"
                role="tabpanel"
                id="panel-changes"
                aria-labelledby="tab-changes"
                hidden=move || !is_open(TaskTab::Changes)
            >
                <Show when=move || is_open(TaskTab::Changes)>
                    <ChangesTab draft/>
                </Show>
            </div>
            <div
                class="pane-body"
                role="tabpanel"
                id="panel-delivery"
                aria-labelledby="tab-delivery"
                hidden=move || !is_open(TaskTab::Delivery)
            >
                <DeliveryTab screen id=id.clone() draft/>
            </div>
            <FollowUp screen id=id.clone() draft/>
            <Decisions screen id draft state/>
        </section>
    }
}

/// The ways to ask the model about this task.
#[component]
fn FollowUp(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let can_be_asked = Memo::new(move |_| {
        let is_here = draft.with(|draft| {
            let has_left = matches!(
                draft.delivery.stage,
                DeliveryStage::Queued
                    | DeliveryStage::Sending
                    | DeliveryStage::Delivered
                    | DeliveryStage::Unconfirmed
            );
            !has_left && draft.content.is_json()
        });
        is_here && screen.page.may_follow_up.get() && screen.barred().is_none()
    });
    let open = move |again: FollowUp| screen.dialog.set(Some(Dialog::FollowUp(again)));
    move || {
        can_be_asked.get().then(|| {
            view! {
                <div class="decisions">
                    <button
                        class="button"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| {
                            open(FollowUp::Revise {
                                draft: id.get_value(),
                                instruction: String::new(),
                            });
                        }
                    >
                        {icon("retry")}
                        "Revise…"
                    </button>
                    <button
                        class="button"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| {
                            open(FollowUp::Split {
                                draft: id.get_value(),
                                parts: 2,
                                instruction: String::new(),
                            });
                        }
                    >
                        {icon("retry")}
                        "Split…"
                    </button>
                </div>
            }
        })
    }
}

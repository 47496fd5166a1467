//! The open task: its text, changes, delivery, and actions.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::review::{Content, DraftId};
use crate::run::{FollowUp, Run, TaskDraft};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon, scroll_to_top_soon};
use crate::ui::controls::icons::{state_mark, state_name};
use crate::ui::controls::tabs::{Tab, Tabs};
use crate::ui::controls::visible_text::visible_text;
use crate::ui::list::task_row::row_id;
use crate::ui::screen::{Dialog, Screen, TaskTab, key_of, title_of};
use crate::ui::task::changes_tab::ChangesTab;
use crate::ui::task::decisions::Decisions;
use crate::ui::task::delivery_tab::DeliveryTab;
use crate::ui::task::json_tab::JsonTab;
use crate::ui::task::review_flow::handle_key;
use crate::ui::task::sheet_view::{
    SheetContext, SheetView, element_id, remark_list, value_or_editor,
};
use crate::ui::task::suggested_edits::SuggestedEdits;

/// The third pane, while a task is open.
#[component]
pub fn TaskPane(screen: Screen) -> impl IntoView {
    // Archiving the run closes its task.
    let open_task = Memo::new(move |_| {
        screen.page.rows.track();
        screen
            .open_task
            .get()
            .filter(|id| screen.page.draft(id).is_some())
    });
    move || {
        let id = open_task.get()?;
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
        // A task that was opened for editing has the focus in its editor.
        let is_editing = document()
            .active_element()
            .is_some_and(|element| element.id() == "json");
        if !is_editing {
            // If it fails, the focus stays where it was.
            let _ = heading.focus();
        }
    });
    let attempts = Signal::derive(move || {
        let count = draft.with(|draft| draft.delivery.attempts.len());
        (count > 0).then_some(count)
    });
    let context = SheetContext::new(screen, id.clone(), draft);
    // The panels are those of the task that was open before, as far as it had been scrolled.
    for panel in [
        "panel-task",
        "panel-json",
        "panel-changes",
        "panel-delivery",
    ] {
        scroll_to_top_soon(panel);
    }
    let is_rejecting = RwSignal::new(false);
    let keys = {
        let id = id.clone();
        move |event: web_sys::KeyboardEvent| handle_key(screen, &id, is_rejecting, &event)
    };
    let tabs = vec![
        Tab::new(TaskTab::Task, "task", "Task"),
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
            screen.open_task.set(None);
            if focus_by_id(&row) {
                focus_by_id_soon(row.clone());
            } else {
                focus_by_id_soon("tasks".to_owned());
            }
        }
    };
    // On the window, to work without a focused element. Dialogs and the rejection form handle Escape
    // themselves.
    let listener = window_event_listener(leptos::ev::keydown, {
        let close = close.clone();
        move |event| {
            let closes_task = event.key() == "Escape"
                && !event.is_composing()
                && !event.default_prevented()
                && document()
                    .query_selector("dialog[open]")
                    .ok()
                    .flatten()
                    .is_none();
            if closes_task {
                event.prevent_default();
                close();
            }
        }
    });
    on_cleanup(move || listener.remove());
    let is_open = move |tab| screen.task_tab.get() == tab;
    view! {
        <section
            class="pane task-pane"
            aria-labelledby="task-title"
            data-state=move || state_name(state.get())
            on:keydown=keys
        >
            <div class="task-head">
                <div class="line">
                    <Button
                        kind=ButtonKind::Quiet
                        class="back"
                        icon="back"
                        label="Tasks"
                        name="Back to tasks"
                        on_press=close.clone()
                    />
                    <span class="state-word">
                        {move || state_mark(state.get())}
                        {move || state.get().label()}
                    </span>
                    {move || key.get().map(|key| view! { <code class="task-key">{key}</code> })}
                    <div class="push button-row">
                        <DuplicateButton screen id=id.clone() draft/>
                        <DeleteButton screen id=id.clone() draft/>
                        <Button
                            kind=ButtonKind::IconOnly
                            icon="cross"
                            label="Close task"
                            on_press=close
                        />
                    </div>
                </div>
                <div class="title-line">
                    <h2 id="task-title" tabindex="-1" node_ref=heading>
                        {move || title.with(|title| visible_text(title))}
                    </h2>
                    <TitleField context/>
                </div>
            </div>
            <SuggestedEdits screen id=id.clone() draft/>
            <Tabs label="Task" tabs selected=screen.task_tab/>
            <div
                class="pane-body stack"
                role="tabpanel"
                id="panel-task"
                tabindex="0"
                aria-labelledby="tab-task"
                hidden=move || !is_open(TaskTab::Task)
            >
                <Show when=move || is_open(TaskTab::Task)>
                    <SheetView context/>
                </Show>
            </div>
            <div
                class="pane-body stack"
                role="tabpanel"
                id="panel-json"
                aria-labelledby="tab-json"
                hidden=move || !is_open(TaskTab::Json)
            >
                <JsonTab
                    screen
                    id=id.clone()
                    draft
                    is_open=Signal::derive(move || is_open(TaskTab::Json))
                />
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
            <FollowUpButtons screen id=id.clone() draft/>
            <Decisions screen id draft state is_rejecting/>
        </section>
    }
}

/// The button that edits the title, its editor while it is edited, and what is wrong with it. The
/// heading shows the title itself.
#[component]
fn TitleField(context: SheetContext) -> impl IntoView {
    let title = Memo::new(move |_| {
        let sheet = context.sheet.get()?;
        sheet.title().cloned()
    });
    move || {
        let field = title.get()?;
        field.editor.as_ref()?;
        Some(view! {
            {value_or_editor(context, &field, || ().into_any())}
            <div class="title-remarks" id=element_id("field", &field.key) tabindex="-1">
                {remark_list(context, &field)}
            </div>
        })
    }
}

/// The button that adds a copy of this task to the run.
#[component]
fn DuplicateButton(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let is_json = Memo::new(move |_| draft.with(|draft| matches!(draft.content, Content::Json(_))));
    view! {
        <Show when=move || !screen.is_read_only() && is_json.get()>
            <Button
                kind=ButtonKind::IconOnly
                icon="copy"
                label="Duplicate task"
                on_press=move || screen.duplicate(&id.get_value())
            />
        </Show>
    }
}

#[component]
fn DeleteButton(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let can_delete = Memo::new(move |_| draft.with(|draft| screen.page.actions(draft).can_delete));
    view! {
        <Show when=move || !screen.is_read_only() && can_delete.get()>
            <Button
                kind=ButtonKind::IconOnly
                icon="remove"
                label="Delete task"
                on_press=move || screen.delete(vec![id.get_value()])
                attr:title="Delete task"
            />
        </Show>
    }
}

/// Buttons that ask the model to change this task.
#[component]
fn FollowUpButtons(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let is_shown = Memo::new(move |_| {
        !screen.is_read_only() && draft.with(|draft| screen.page.actions(draft).can_follow_up)
    });
    let open = move |follow_up: FollowUp| screen.dialog.set(Some(Dialog::FollowUp(follow_up)));
    let revise = move || {
        open(FollowUp::Revise {
            draft: id.get_value(),
            instruction: String::new(),
        });
    };
    let split = move || {
        open(FollowUp::Split {
            draft: id.get_value(),
            parts: 2,
            instruction: String::new(),
        });
    };
    view! {
        <Show when=move || is_shown.get()>
            <div class="decisions">
                <Button icon="retry" label="Revise…" opens_dialog=true on_press=revise/>
                <Button icon="retry" label="Split…" opens_dialog=true on_press=split/>
            </div>
        </Show>
    }
}

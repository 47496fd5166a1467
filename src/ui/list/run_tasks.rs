//! The tasks of the run: the state of generation and delivery, filters, and the list.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::Mode;
use crate::text::{counted, grouped};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::icon;
use crate::ui::controls::times::time_of_day;
use crate::ui::delivery::delivery_banner::DeliveryBanner;
use crate::ui::generation::outcome_banner::{FollowUpBanner, OutcomeBanner};
use crate::ui::generation::requests::Requests;
use crate::ui::generation::stream_line::StreamLine;
use crate::ui::list::filters::Filters;
use crate::ui::list::findings::Findings;
use crate::ui::list::task_list::TaskList;
use crate::ui::list::undo_buttons::UndoButtons;
use crate::ui::screen::{Dialog, Screen};

/// What the right pane shows of a run.
#[component]
pub fn RunTasks(screen: Screen) -> impl IntoView {
    let has_tasks = Memo::new(move |_| screen.page.rows.with(|rows| !rows.is_empty()));
    let are_deleted = Memo::new(move |_| {
        let counts = screen.page.counts.read();
        counts.of(DraftState::Deleted) > 0
    });
    warn_before_closing(screen);
    view! {
            {move || {
                if screen.is_generating.get() || screen.is_following_up.get() {
                    view! { <StreamLine screen/> }.into_any()
                } else {
                    view! { <PaneHead screen/> }.into_any()
                }
            }}
            <OutcomeBanner screen/>
            <FollowUpBanner screen/>
            <Requests screen/>
            <Warnings screen/>
            <DeliveryBanner screen/>
            {move || {
                if has_tasks.get() {
                    view! {
                        <Findings screen/>
                        <Filters screen/>
                        <TaskList screen/>
                    }
                        .into_any()
                } else if screen.is_generating.get() {
                    view! { <PlaceholderRows/> }.into_any()
                } else {
                    no_tasks(are_deleted.get()).into_any()
                }
            }}
    }
}

/// What stands in place of the list of a run without tasks.
fn no_tasks(are_deleted: bool) -> impl IntoView {
    let (heading, what_to_do) = if are_deleted {
        (
            "All tasks are deleted",
            "Undo brings them back. You can also generate or import others.",
        )
    } else {
        (
            "No tasks were generated",
            "See the message above for the reason. Your brief is unchanged: edit it and generate again.",
        )
    };
    view! {
        <div class="empty">
            <h3>{heading}</h3>
            <p>{what_to_do}</p>
        </div>
    }
}

/// Lets the browser ask before the page is closed while tasks are posted, while an import or another action
/// on many tasks is not complete, or while text that was typed into a task is not saved.
fn warn_before_closing(screen: Screen) {
    let listener = window_event_listener(leptos::ev::beforeunload, move |event| {
        let is_posting_live = screen.is_posting.get_untracked()
            && screen
                .page
                .run
                .with_untracked(|run| run.as_ref().is_some_and(|run| run.mode == Mode::Live));
        let is_incomplete = screen.page.running_actions.get_untracked() > 0;
        if is_posting_live || is_incomplete || screen.pending_edits.has_any_untracked() {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

#[component]
fn PaneHead(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let heading = move || match page.rows.with(Vec::len) {
        0 => "Tasks".to_owned(),
        count => counted(count, "task"),
    };
    let opened = Memo::new(move |_| page.opened_count());
    let source = move || {
        page.run.with(|run| {
            run.as_ref().map(|run| {
                let at = time_of_day(run.started_at);
                match (&run.wanted, run.mode, &run.connection.model) {
                    (None, ..) => format!("imported, {at}"),
                    (Some(_), Mode::Dry, _) => format!("from the dry run, {at}"),
                    (Some(_), _, Some(model)) => format!("from {}, {at}", model.model),
                    (Some(_), _, None) => at,
                }
            })
        })
    };
    view! {
        <div class="pane-head">
            <h2>{heading}</h2>
            {move || {
                let total = page.rows.with(Vec::len);
                (total > 0)
                    .then(|| {
                        let read = format!("{} of {} read", grouped(opened.get()), grouped(total));
                        view! { <p class="read-count">{read}</p> }
                    })
            }}
            {move || source().map(|source| view! { <p class="soft">{source}</p> })}
            <div class="push button-row">
                <UndoButtons screen/>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="plus"
                    label="Add a task"
                    changes_run=screen
                    on_press=move || screen.add_task()
                    attr:title="Add a task"
                />
            </div>
            <Button
                kind=ButtonKind::IconOnly
                class="shortcuts-button"
                icon="keyboard"
                label="Keyboard shortcuts"
                opens_dialog=true
                on_press=move || screen.dialog.set(Some(Dialog::Shortcuts))
                attr:title="Keyboard shortcuts (?)"
            />
            <Show when=move || page.rows.with(|rows| !rows.is_empty())>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="download"
                    label="Export tasks…"
                    opens_dialog=true
                    on_press=move || screen.dialog.set(Some(Dialog::Export))
                    attr:title="Export tasks"
                />
            </Show>
            <Show when=move || page.run.with(Option::is_some) && !screen.is_posting.get()>
                <Button
                    kind=ButtonKind::Quiet
                    class="archive-button"
                    icon="archive"
                    label="Archive this run"
                    changes_run=screen
                    on_press=move || screen.archive()
                    attr:title="It stays in Runs."
                />
            </Show>
        </div>
    }
}

/// Anomalies in the response that do not invalidate it.
#[component]
fn Warnings(screen: Screen) -> impl IntoView {
    let warnings = screen.page.warnings;
    let items = move || {
        warnings
            .get()
            .into_iter()
            .map(|warning| {
                view! {
                    <div class="notice" data-tone="warning">
                        {icon("warning")}
                        <p>{warning.message}</p>
                    </div>
                }
            })
            .collect_view()
    };
    view! { <div role="status">{items}</div> }
}

/// The shape of rows that have not arrived yet.
#[component]
fn PlaceholderRows() -> impl IntoView {
    let row = || {
        view! {
            <li class="task-row coming" aria-hidden="true">
                <span class="mark"></span>
                <span class="task-title"></span>
                <span class="task-notes"></span>
            </li>
        }
    };
    view! {
        <ol class="task-list" aria-label="Tasks" aria-busy="true">
            {row()}
            {row()}
            {row()}
        </ol>
    }
}

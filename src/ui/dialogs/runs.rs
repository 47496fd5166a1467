//! The runs in this browser: open, rename, archive, delete, and how much is stored.

use leptos::prelude::*;

use super::modal::Modal;
use crate::driver::StoredRun;
use crate::run::receipts::Summary;
use crate::run::{Mode, RunSummary};
use crate::text::{bytes, counted, sentences};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::{icon, mode_mark, mode_name};
use crate::ui::controls::times::{date_and_time, machine_time};
use crate::ui::page::{Removal, RunList};
use crate::ui::screen::Screen;

/// The id of the field for a run's name.
const NAME: &str = "run-name";

/// The dialog.
#[component]
pub fn RunsDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    page.run_list_message.set(None);
    screen.command(move |commands| commands.list_runs());
    let renaming = RwSignal::new(None::<String>);
    let close = Callback::new(move |()| screen.dialog.set(None));
    let rows = move |archived: bool| {
        let list = page.run_list.get().unwrap_or_else(|| RunList {
            runs: Vec::new(),
            bytes_used: None,
            is_persistent: None,
        });
        list.runs
            .into_iter()
            .filter(move |run| is_archived(run) == archived)
            .collect::<Vec<_>>()
    };
    let archived = Memo::new(move |_| rows(true).len());
    let is_empty = Memo::new(move |_| rows(false).is_empty());
    let entries = move |archived| {
        rows(archived)
            .into_iter()
            .map(|run| match run {
                StoredRun::Readable(run) => view! { <RunEntry screen run renaming/> }.into_any(),
                StoredRun::Unreadable { id, error } => {
                    let message = format!("This run cannot be opened: {error}");
                    let reason = sentences(&message, error.hint());
                    view! { <UnreadableRun screen id reason/> }.into_any()
                }
            })
            .collect_view()
    };
    view! {
        <Modal
            name="runs"
            title="Runs in this browser"
            wide=true
            on_close=close
            on_submit=close
        >
            <div class="dialog-body">
                <div role="status">
                    {move || {
                        page.run_list_message
                            .get()
                            .map(|message| view! { <p class="soft">{message}</p> })
                    }}
                    <Show when=move || {
                        page.removed_run
                            .with(|run| {
                                run.as_ref().is_some_and(|run| run.removal == Removal::Deleted)
                            })
                    }>
                        <div class="button-row">
                            <p>"Run deleted"</p>
                            <Button
                                icon="undo"
                                label="Undo"
                                on_press=move || {
                                    screen.command(move |commands| commands.restore_removed());
                                }
                            />
                        </div>
                    </Show>
                </div>
                <Show when=move || is_empty.get()>
                    <p class="soft">
                        {move || {
                            if page.run_list.with(Option::is_none) {
                                "Reading the stored runs…"
                            } else {
                                "There are no runs yet. Each brief you generate from, and each import without a run, starts one. It is kept here until you delete it."
                            }
                        }}
                    </p>
                </Show>
                <ul class="run-list" aria-label="Runs">{move || entries(false)}</ul>
                <Show when=move || { archived.get() > 0 }>
                    <details class="archived-runs">
                        <summary>
                            {move || format!("Archive: {}", counted(archived.get(), "run"))}
                        </summary>
                        <ul class="run-list" aria-label="Archived runs">{move || entries(true)}</ul>
                    </details>
                </Show>
                <StorageUse screen/>
            </div>
            <div class="dialog-foot">
                <Button label="Close" autofocus=true/>
            </div>
        </Modal>
    }
}

fn is_archived(run: &StoredRun) -> bool {
    matches!(run, StoredRun::Readable(run) if run.is_archived)
}

/// One run, with its actions.
#[component]
fn RunEntry(
    screen: Screen,
    run: RunSummary,
    /// The id of the run that is being renamed.
    renaming: RwSignal<Option<String>>,
) -> impl IntoView {
    let id = StoredValue::new(run.id.to_string());
    let name = StoredValue::new(run.name.clone());
    let is_shown = Memo::new(move |_| {
        screen.page.run.with(|run| {
            run.as_ref()
                .is_some_and(|run| id.with_value(|id| run.id.to_string() == *id))
        })
    });
    let is_renaming = Memo::new(move |_| {
        renaming.with(|renaming| id.with_value(|id| renaming.as_ref() == Some(id)))
    });
    let open = move || {
        screen.dialog.set(None);
        screen.open_task.set(None);
        screen.reset_list();
        screen.command(move |commands| commands.open_run(id.get_value()));
    };
    let archive = move || {
        screen.undo.set(None);
        screen.command(move |commands| commands.set_archived(id.get_value(), !run.is_archived));
    };
    let delete = move || {
        screen.undo.set(None);
        screen.command(move |commands| commands.delete_run(id.get_value()));
    };
    let of_run = move |action: &str| format!("{action} {}", name.get_value());
    let mode = run.mode;
    view! {
        <li class="run-entry">
            <div class="run-text">
                <h3>{run.name.clone()}</h3>
                <p class="soft">
                    <span class="mode-word" data-state=mode_name(mode)>
                        {mode_mark(mode)}
                        {match mode {
                            Mode::Dry => "Dry run",
                            Mode::Live => "Live",
                        }}
                    </span>
                    <span>{run.connection}</span>
                    <time datetime=machine_time(run.changed_at)>{date_and_time(run.changed_at)}</time>
                    <Show when=move || is_shown.get()>
                        <span>"On this page"</span>
                    </Show>
                </p>
                <p class="soft">{Summary::of(&run.counts).sentence()}</p>
            </div>
            <Show
                when=move || is_renaming.get()
                fallback=move || {
                    view! {
                        <div class="button-row">
                            <Show when=move || !is_shown.get()>
                                <Button label="Open" name=of_run("Open") on_press=open/>
                            </Show>
                            <Button
                                kind=ButtonKind::IconOnly
                                icon="rename"
                                label=of_run("Rename")
                                on_press=move || renaming.set(Some(id.get_value()))
                            />
                            <Button
                                kind=ButtonKind::IconOnly
                                icon=if run.is_archived { "undo" } else { "archive" }
                                label=if run.is_archived {
                                    of_run("Take out of the archive:")
                                } else {
                                    of_run("Archive")
                                }
                                on_press=archive
                            />
                            <Button
                                kind=ButtonKind::IconOnly
                                icon="remove"
                                label=of_run("Delete")
                                on_press=delete
                            />
                        </div>
                    }
                }
            >
                <Rename screen id name renaming/>
            </Show>
        </li>
    }
}

/// The field for a run's name.
#[component]
fn Rename(
    screen: Screen,
    id: StoredValue<String>,
    name: StoredValue<String>,
    renaming: RwSignal<Option<String>>,
) -> impl IntoView {
    let typed = RwSignal::new(name.get_value());
    focus_by_id_soon(NAME.to_owned());
    let save = move || {
        let name = typed.get_untracked();
        screen.command(move |commands| commands.rename_run(id.get_value(), name));
        renaming.set(None);
    };
    view! {
        <div
            class="rename"
            on:keydown=move |event| {
                match event.key().as_str() {
                    "Enter" => {
                        event.prevent_default();
                        save();
                    }
                    "Escape" => {
                        event.prevent_default();
                        event.stop_propagation();
                        renaming.set(None);
                    }
                    _ => {}
                }
            }
        >
            <TextField
                id=NAME
                label="Name"
                hint="Leave it empty to use the brief’s first line."
                value=typed
                on_input=move |text| typed.set(text)
            />
            <div class="button-row">
                <Button kind=ButtonKind::Main label="Rename" on_press=save/>
                <Button label="Cancel" on_press=move || renaming.set(None)/>
            </div>
        </div>
    }
}

/// A run that cannot be read.
#[component]
fn UnreadableRun(screen: Screen, id: Option<String>, reason: String) -> impl IntoView {
    let delete = id.map(|id| {
        let delete = move || {
            let id = id.clone();
            screen.command(move |commands| commands.delete_unreadable_run(id));
        };
        view! { <Button kind=ButtonKind::Danger label="Delete for good" on_press=delete/> }
    });
    view! {
        <li class="run-entry">
            <p class="run-text">{reason}</p>
            <div class="button-row">{delete}</div>
        </li>
    }
}

/// How much is stored, and how to delete it.
#[component]
fn StorageUse(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let is_asking = RwSignal::new(false);
    let used = move || {
        let used = page.run_list.with(|list| list.as_ref()?.bytes_used)?;
        Some(format!(
            "This browser stores {} for this site.",
            bytes(used)
        ))
    };
    let persistence = move || {
        let is_persistent = page.run_list.with(|list| list.as_ref()?.is_persistent)?;
        Some(if is_persistent {
            "It keeps the data until you delete it."
        } else {
            "It may delete the data when the disk is nearly full."
        })
    };
    let delete_all = move || {
        is_asking.set(false);
        screen.command(move |commands| commands.delete_all_data());
    };
    view! {
        <section class="group" aria-label="Storage">
            <h3>"Storage"</h3>
            <p>{used} " " {persistence} " Nothing is deleted automatically."</p>
            <div class="button-row">
                <Button
                    label="Delete raw responses of finished runs"
                    on_press=move || screen.command(move |commands| commands.delete_raw_responses())
                />
                <Show when=move || !is_asking.get()>
                    <Button
                        kind=ButtonKind::Danger
                        label="Delete all data…"
                        on_press=move || is_asking.set(true)
                    />
                </Show>
            </div>
            <Show when=move || is_asking.get()>
                <div class="problem" role="alert">
                    {icon("warning")}
                    <div class="body">
                        <h3>"Delete all runs, briefs, settings and secrets of this page?"</h3>
                        <p class="todo">
                            "This cannot be undone. Tasks that were posted stay on their servers; the receipts here are lost."
                        </p>
                        <div class="button-row">
                            <Button label="Keep everything" on_press=move || is_asking.set(false)/>
                            <Button
                                kind=ButtonKind::Danger
                                label="Delete all data"
                                on_press=delete_all
                            />
                        </div>
                    </div>
                </div>
            </Show>
        </section>
    }
}

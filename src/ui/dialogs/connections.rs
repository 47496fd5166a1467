//! The connections in this browser: use, edit, duplicate, delete, export, import.

use leptos::prelude::*;

use super::modal::Modal;
use crate::settings::connections::MAX_FILE_BYTES;
use crate::settings::{Connection, ConnectionId};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::file_button::FileButton;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::Problem;
use crate::ui::screen::{Dialog, Screen};

/// The dialog.
#[component]
pub fn ConnectionsDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    screen.command(|commands| commands.list_connections());
    let list = page.connection_list;
    let close = Callback::new(move |()| screen.dialog.set(None));
    let create = move || {
        let connection = Connection::named("");
        screen
            .dialog
            .set(Some(Dialog::Settings(Box::new(connection))));
    };
    let rows = move || list.with(|list| list.connections.clone());
    let import = Callback::new(move |(text,): (Result<String, String>,)| match text {
        Ok(text) => screen.command(move |commands| commands.import_connections(&text)),
        Err(reason) => list.update(|list| {
            list.message = None;
            list.problem = Some(unreadable_file(&reason));
        }),
    });
    view! {
        <Modal
            name="connections"
            title="Connections"
            wide=true
            on_close=close
            on_submit=close
        >
            <div class="dialog-body">
                <p class="soft">
                    "New runs use the connection that you choose here. A run that has started keeps its own."
                </p>
                {move || list.with(|list| list.problem.clone()).map(problem_panel)}
                <div role="status">
                    {move || {
                        list.with(|list| list.message.clone())
                            .map(|message| view! { <p class="soft">{message}</p> })
                    }}
                    <Show when=move || list.with(|list| list.removed.is_some())>
                        <div class="button-row">
                            <Button
                                icon="undo"
                                label="Undo"
                                name="Undo the deletion"
                                on_press=move || {
                                    screen.command(|commands| commands.restore_connection());
                                }
                            />
                        </div>
                    </Show>
                </div>
                <ul class="run-list" aria-label="Connections">
                    <For
                        each=rows
                        key=|connection| (connection.id.clone(), connection.version, connection.name.clone())
                        let:connection
                    >
                        <ConnectionEntry screen connection/>
                    </For>
                </ul>
                <div class="button-row">
                    <Button icon="plus" label="New connection…" opens_dialog=true on_press=create/>
                    <Button
                        icon="download"
                        label="Export all"
                        on_press=move || screen.command(|commands| commands.export_connections())
                    />
                    <FileButton
                        label="Import…"
                        name="File with connections"
                        accept="application/json,.json"
                        max_bytes=MAX_FILE_BYTES
                        on_text=import
                    />
                </div>
                <p class="hint">
                    "Exported connections contain no API keys and no tokens."
                </p>
            </div>
            <div class="dialog-foot">
                <Button label="Close" autofocus=true/>
            </div>
        </Modal>
    }
}

/// One connection, with its actions.
#[component]
fn ConnectionEntry(screen: Screen, connection: Connection) -> impl IntoView {
    let id = StoredValue::new(connection.id.clone());
    let name = connection.name.clone();
    let is_used = Memo::new(move |_| {
        screen
            .page
            .connection
            .with(|used| id.with_value(|id| used.id == *id))
    });
    let is_fixed = Memo::new(move |_| {
        screen
            .page
            .connection_list
            .with(|list| id.with_value(|id| list.unchanged_preset.as_ref() == Some(id)))
    });
    let of = move |action: &str| format!("{action} {name}");
    let with_id = move |command: fn(&dyn crate::ui::commands::PageCommands, ConnectionId)| {
        let id = id.get_value();
        screen.command(move |commands| command(commands, id));
    };
    let edited = connection.clone();
    let edit = move || {
        screen
            .dialog
            .set(Some(Dialog::Settings(Box::new(edited.clone()))));
    };
    let use_it = of("Use");
    view! {
        <li class="run-entry" data-color=connection.color.slug()>
            <div class="run-text">
                <h3>
                    <span class="connection-colour" aria-hidden="true"></span>
                    {connection.name.clone()}
                </h3>
                <p class="soft">
                    <Show when=move || is_used.get()>
                        <span>"Used for new runs"</span>
                    </Show>
                    {connection
                        .is_production
                        .then(|| view! { <span class="production-word">"Production"</span> })}
                    <span>{model_text(&connection)}</span>
                    <span>{server_text(&connection)}</span>
                </p>
            </div>
            <div class="button-row">
                <Show when=move || !is_used.get()>
                    <Button
                        label="Use"
                        name=use_it.clone()
                        on_press=move || with_id(|commands, id| commands.choose_connection(id))
                    />
                </Show>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="rename"
                    label=of("Edit")
                    opens_dialog=true
                    on_press=edit
                />
                <Button
                    kind=ButtonKind::IconOnly
                    icon="copy"
                    label=of("Duplicate")
                    on_press=move || with_id(|commands, id| commands.duplicate_connection(id))
                />
                {move || {
                    (!is_fixed.get())
                        .then(|| {
                            view! {
                                <Button
                                    kind=ButtonKind::IconOnly
                                    icon="remove"
                                    label=of("Delete")
                                    on_press=move || {
                                        with_id(|commands, id| commands.delete_connection(id));
                                    }
                                />
                            }
                        })
                }}
            </div>
        </li>
    }
}

/// The problem of a file that cannot be read.
pub(super) fn unreadable_file(reason: &str) -> Problem {
    Problem {
        code: "file_unreadable".to_owned(),
        what: format!("The file cannot be read: {reason}"),
        hint: "Choose a file that was exported from this list.".to_owned(),
    }
}

fn model_text(connection: &Connection) -> String {
    match &connection.model {
        Some(model) => format!("{} at {}", model.model, model.base_url.host_and_port()),
        None => "No model endpoint".to_owned(),
    }
}

fn server_text(connection: &Connection) -> String {
    match &connection.task_server {
        Some(server) => format!("Posts to {}", server.tasks_url()),
        None => "No task server".to_owned(),
    }
}

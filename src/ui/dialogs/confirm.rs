//! What exactly would be posted, and where to, before anything leaves.

use leptos::prelude::*;

use super::modal::Modal;
use crate::digest::fingerprint;
use crate::run::{Event, Mode};
use crate::secrets::SecretSlot;
use crate::settings::Connection;
use crate::text::{counted, grouped};
use crate::ui::controls::icons::{icon, mode_mark, mode_name};
use crate::ui::page::Problem;
use crate::ui::screen::Screen;

/// The confirmation. What its button refers to is the digest that it shows.
#[component]
pub fn ConfirmDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let mode = screen.mode.get_untracked();
    let is_dry = mode == Mode::Dry;
    let connection = Memo::new(move |_| {
        page.run
            .with(|run| run.as_ref().map(|run| run.connection.clone()))
            .unwrap_or_else(|| page.connection.get())
    });
    let count = move || {
        page.confirmation
            .with(|held| held.as_ref().map_or(0, |c| c.count))
    };
    let digest = move || {
        page.confirmation.with(|held| {
            held.as_ref()
                .map(|held| held.digest.clone())
                .unwrap_or_default()
        })
    };
    let title = Signal::derive(move || {
        if is_dry {
            format!("Write {}?", counted(count(), "dry receipt"))
        } else {
            format!("Post {}?", counted(count(), "task"))
        }
    });
    let close = Callback::new(move |()| screen.dialog.set(None));
    let post = Callback::new(move |()| {
        let shown = untrack(digest);
        close.run(());
        screen.send(Event::Post { digest: shown });
    });
    let words = move || {
        if is_dry {
            return format!("Write {}", counted(count(), "dry receipt"));
        }
        let host = connection.with(|held| {
            held.task_server
                .as_ref()
                .map(|server| server.url.host_and_port())
        });
        match host {
            Some(host) => format!("Post {} to {host}", counted(count(), "task")),
            None => format!("Post {}", counted(count(), "task")),
        }
    };
    let place = move || {
        if is_dry {
            return "Nothing is sent. Receipts are written in this page.".to_owned();
        }
        connection.with(|held| {
            held.task_server
                .as_ref()
                .map(|server| server.tasks_url())
                .unwrap_or_default()
        })
    };
    let beside = move || {
        view! {
            <p class="mode-word" data-state=mode_name(mode)>
                {mode_mark(mode)}
                {if is_dry { "Dry run" } else { "Live" }}
            </p>
        }
    };
    let at_a_time = move || {
        connection.with(|held| {
            held.task_server
                .as_ref()
                .map_or(1, |server| server.concurrency)
        })
    };
    let held = move || {
        page.confirmation
            .with(|confirmation| confirmation.as_ref().map_or(0, |c| c.held))
    };
    let cannot_store = move || page.storage_problem.get().filter(|_| !is_dry);
    let token = move || {
        page.secrets_held
            .with(|held| connection.with(|connection| token_words(connection, held)))
    };
    view! {
        <Modal name="confirm" title beside_title=beside on_close=close on_submit=post>
            <div class="dialog-body">
                {move || cannot_store().map(nothing_is_written_down)}
                <p class="host">{place}</p>
                <dl class="facts">
                    <dt>"Tasks"</dt>
                    <dd>
                        {move || match (is_dry, count()) {
                            (true, count) => counted(count, "task"),
                            (false, 1) => "1".to_owned(),
                            (false, count) => {
                                format!(
                                    "{}, in the order of their dependencies; the first one goes alone, then {}",
                                    grouped(count),
                                    at_a_time_words(at_a_time()),
                                )
                            }
                        }}
                    </dd>
                    {move || {
                        (held() > 0)
                            .then(|| {
                                view! {
                                    <dt>"Will wait"</dt>
                                    <dd>{held_words(held(), count())}</dd>
                                }
                            })
                    }}
                    <dt>"Connection"</dt>
                    <dd>{move || connection.with(|held| held.name.clone())}</dd>
                    <dt>"Mode"</dt>
                    <dd>{if is_dry { "Dry run" } else { "Live" }}</dd>
                    {(!is_dry)
                        .then(|| {
                            view! {
                                <dt>"Token"</dt>
                                <dd>{token}</dd>
                            }
                        })}
                    <dt>"Fingerprint"</dt>
                    <dd class="fingerprint" title=digest>
                        {move || format!("sha256 {}", fingerprint(&digest()))}
                    </dd>
                </dl>
                <details class="fold">
                    <summary>"The whole fingerprint"</summary>
                    <pre class="raw" tabindex="0">{digest}</pre>
                </details>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| close.run(())>
                    "Cancel"
                </button>
                <button
                    class="button main"
                    type="submit"
                    autofocus
                    data-state=mode_name(mode)
                >
                    {if is_dry { icon("state-dry") } else { icon("post") }}
                    {words}
                </button>
            </div>
        </Modal>
    }
}

fn at_a_time_words(at_a_time: u8) -> String {
    match at_a_time {
        1 => "one at a time".to_owned(),
        many => format!("up to {many} side by side"),
    }
}

/// How many of the tasks will not leave by themselves.
fn held_words(held: usize, count: usize) -> String {
    let which = match (held, count) {
        (1, 1) => "It depends".to_owned(),
        (held, count) if held == count => "All of them depend".to_owned(),
        (1, _) => "1 of them depends".to_owned(),
        (held, _) => format!("{} of them depend", grouped(held)),
    };
    format!(
        "{which} on tasks that are not approved or not there yet. Posting pauses before what waits and says for what."
    )
}

/// What it means that this browser keeps nothing, before anything leaves.
fn nothing_is_written_down(problem: Problem) -> impl IntoView {
    view! {
        <div class="problem" role="alert">
            {icon("warning")}
            <div class="body">
                <h3>"Nothing can be written down in this browser"</h3>
                <p>{problem.what} " " {problem.hint}</p>
                <p class="todo">
                    "No task leaves before it is written down, so posting will pause at the first one. You can then go on without a journal: after a crash nobody would know what was sent."
                </p>
            </div>
        </div>
    }
}

fn token_words(connection: &Connection, held: &[(SecretSlot, String)]) -> String {
    let Some(server) = &connection.task_server else {
        return "No task server is set".to_owned();
    };
    let origin = server.url.origin();
    let is_held = held
        .iter()
        .any(|(name, of)| *name == SecretSlot::AGENT_TOKEN && *of == origin);
    let header = &server.token_header;
    if is_held {
        format!("Held in memory, sent as {header} to this host only")
    } else {
        format!("Not there yet: it is asked for next, and sent as {header}")
    }
}

//! What exactly would be posted, and where to, before anything leaves.

use leptos::prelude::*;

use super::modal::Modal;
use crate::review::words::{counted, fingerprint};
use crate::run::{Event, Mode};
use crate::secrets::SecretName;
use crate::settings::Connection;
use crate::ui::icons::{icon, mode_mark, mode_name};
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
    let token = move || {
        page.secrets_held
            .with(|held| connection.with(|connection| token_words(connection, held)))
    };
    view! {
        <Modal name="confirm" title beside_title=beside on_close=close on_submit=post>
            <div class="dialog-body">
                <p class="host">{place}</p>
                <dl class="facts">
                    <dt>"Tasks"</dt>
                    <dd>
                        {move || match (is_dry, count()) {
                            (true, count) => counted(count, "task"),
                            (false, 1) => "1".to_owned(),
                            (false, count) => {
                                format!(
                                    "{count}, in the order of their dependencies; the first one goes alone",
                                )
                            }
                        }}
                    </dd>
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

fn token_words(connection: &Connection, held: &[(SecretName, String)]) -> String {
    let Some(server) = &connection.task_server else {
        return "No task server is set".to_owned();
    };
    let origin = server.url.origin();
    let is_held = held
        .iter()
        .any(|(name, of)| *name == SecretName::AgentToken && *of == origin);
    let header = &server.token_header;
    if is_held {
        format!("Held in memory, sent as {header} to this host only")
    } else {
        format!("Not there yet: it is asked for next, and sent as {header}")
    }
}

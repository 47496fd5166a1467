//! The confirmation before posting: what is sent, and where to.

use leptos::prelude::*;

use super::missing_secret::{MissingSecret, MissingSecretField};
use super::modal::Modal;
use super::unsaved_tasks::{UNSAVED_TASKS, UnsavedTasks};
use crate::delivery::body::batch_digest;
use crate::digest::fingerprint;
use crate::review::{DraftId, DraftState};
use crate::run::{Event, Mode};
use crate::secrets::SecretSlot;
use crate::settings::Connection;
use crate::text::{counted, grouped, sentences, truncate_chars, without_hidden};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::icons::{icon, mode_mark, mode_name};
use crate::ui::delivery::exact_request::exact_request;
use crate::ui::list::findings::{finding_list, findings};
use crate::ui::page::Problem;
use crate::ui::screen::{Screen, title_of};

/// The id of the field in which the operator types the name of a production connection.
const PRODUCTION_NAME: &str = "production-name";

/// Maximum number of tasks that the test offers.
const MAX_TESTABLE: usize = 200;
/// Maximum length of their titles, in characters.
const MAX_TITLE: usize = 80;

/// The dialog. Its button posts exactly what the shown digest covers.
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
    let test = RwSignal::new(None::<DraftId>);
    // The tasks to post, in posting order.
    let order = Memo::new(move |_| match test.get() {
        Some(id) => vec![id],
        None => page.confirmation.with(|confirmation| {
            let confirmation = confirmation.as_ref();
            confirmation.map_or_else(Vec::new, |confirmation| confirmation.order.clone())
        }),
    });
    let count = move || order.with(Vec::len);
    let digest = move || match test.get() {
        Some(id) => page
            .draft_untracked(&id)
            .and_then(|draft| {
                let digest = &draft.approval()?.digest;
                Some(batch_digest(std::iter::once(&**digest)))
            })
            .unwrap_or_default(),
        None => page.confirmation.with(|confirmation| {
            confirmation
                .as_ref()
                .map(|confirmation| confirmation.digest.clone())
                .unwrap_or_default()
        }),
    };
    let title = Signal::derive(move || {
        if is_dry {
            format!("Write {}?", counted(count(), "dry receipt"))
        } else {
            format!("Post {}?", counted(count(), "task"))
        }
    });
    let close = Callback::new(move |()| screen.dialog.set(None));
    let typed_name = RwSignal::new(String::new());
    let name = Memo::new(move |_| connection.with(|connection| connection.name.clone()));
    let asks_for_name =
        Memo::new(move |_| !is_dry && connection.with(|connection| connection.is_production));
    let lacks_name = Memo::new(move |_| {
        asks_for_name.get()
            && typed_name.with(|typed| name.with(|name| typed.trim() != name.trim()))
    });
    let found = findings(screen, |state| state == DraftState::Approved);
    let serious = Memo::new(move |_| {
        let found = found.get();
        let serious = found.iter().filter(|found| found.needs_acknowledgement());
        serious.cloned().collect::<Vec<_>>()
    });
    let is_acknowledged = RwSignal::new(false);
    let awaits_acknowledgement =
        Memo::new(move |_| !is_acknowledged.get() && serious.with(|serious| !serious.is_empty()));
    // What was typed into an approved task and not saved would not be posted.
    let unsaved = Memo::new(move |_| {
        let is_unsaved = |id: &&DraftId| screen.pending_edits.is_any(id);
        order.with(|order| order.iter().filter(is_unsaved).cloned().collect::<Vec<_>>())
    });
    let has_unsaved = move || unsaved.with(|unsaved| !unsaved.is_empty());
    let missing_secret = MissingSecret::new(screen, connection);
    // A field that has to be filled in gets the focus.
    let asks_for_secret = untrack(|| missing_secret.prompt()).is_some();
    let is_asking = asks_for_secret || asks_for_name.get_untracked();
    let post = Callback::new(move |()| {
        if lacks_name.get_untracked() {
            focus_by_id(PRODUCTION_NAME);
            return;
        }
        if awaits_acknowledgement.get_untracked() || untrack(has_unsaved) {
            return;
        }
        if !missing_secret.hold() {
            return;
        }
        let digest = untrack(digest);
        let draft = test.get_untracked();
        close.run(());
        screen.send(match draft {
            Some(draft) => Event::PostTest { draft, digest },
            None => Event::Post { digest },
        });
    });
    let label = move || {
        if is_dry {
            return format!("Write {}", counted(count(), "dry receipt"));
        }
        let host = connection.with(|connection| {
            connection
                .task_server
                .as_ref()
                .map(|server| server.url.host_and_port())
        });
        match host {
            Some(host) => format!("Post {} to {host}", counted(count(), "task")),
            None => format!("Post {}", counted(count(), "task")),
        }
    };
    let address = move || {
        connection.with(|connection| {
            connection
                .task_server
                .as_ref()
                .map(|server| server.tasks_url())
        })
    };
    let destination = if is_dry {
        view! { <p>"Nothing is sent. Receipts are written in this page."</p> }.into_any()
    } else {
        view! { <p class="host">{address}</p> }.into_any()
    };
    let mode_label = move || {
        view! {
            <p class="mode-word" data-state=mode_name(mode)>
                {mode_mark(mode)}
                {if is_dry { "Dry run" } else { "Live" }}
            </p>
        }
    };
    let concurrency = move || {
        connection.with(|connection| {
            connection
                .task_server
                .as_ref()
                .map_or(1, |server| server.concurrency)
        })
    };
    let held = move || match test.get() {
        Some(_) => 0,
        None => page
            .confirmation
            .with(|confirmation| confirmation.as_ref().map_or(0, |c| c.blocked)),
    };
    let storage_problem = move || page.storage_problem.get().filter(|_| !is_dry);
    let token = move || connection.with(|connection| token_text(screen, connection));
    view! {
        <Modal name="confirm" title beside_title=mode_label on_close=close on_submit=post>
            <div class="dialog-body">
                {move || storage_problem().map(no_journal_warning)}
                {destination}
                <Show when=move || asks_for_name.get()>
                    <div class="problem" data-state="production">
                        {icon("warning")}
                        <div class="body">
                            <h3>"This is a production connection"</h3>
                            <TextField
                                id=PRODUCTION_NAME
                                label="Type the connection’s name to post"
                                is_code=true
                                autofocus=true
                                hint=name.get()
                                value=typed_name
                                on_input=move |text| typed_name.set(text)
                            />
                        </div>
                    </div>
                </Show>
                <TestChoice screen test/>
                <Show when=has_unsaved>
                    <UnsavedTasks screen unsaved/>
                </Show>
                <Show when=move || serious.with(|serious| !serious.is_empty())>
                    <div class="problem">
                        {icon("warning")}
                        <div class="body">
                            <h3>"These tasks do not work together"</h3>
                            {move || serious.with(|serious| finding_list(screen, serious))}
                            <label class="check">
                                <input type="checkbox" id="acknowledge" bind:checked=is_acknowledged/>
                                "Post them all the same"
                            </label>
                        </div>
                    </div>
                </Show>
                <dl class="facts">
                    <dt>"Tasks"</dt>
                    <dd>
                        {move || match (is_dry, count()) {
                            (true, count) => grouped(count),
                            (false, 1) => "1".to_owned(),
                            (false, count) => {
                                format!(
                                    "{}, dependencies first: the first one alone, then {}",
                                    grouped(count),
                                    concurrency_text(concurrency()),
                                )
                            }
                        }}
                    </dd>
                    {move || {
                        (held() > 0)
                            .then(|| {
                                view! {
                                    <dt>"Will wait"</dt>
                                    <dd>{held_text(held(), count())}</dd>
                                }
                            })
                    }}
                    <dt>"Connection"</dt>
                    <dd>{move || connection.with(|connection| connection.name.clone())}</dd>
                    <dt>"Mode"</dt>
                    <dd>{if is_dry { "Dry run" } else { "Live" }}</dd>
                    <Show when=move || !is_dry && missing_secret.prompt().is_none()>
                        <dt>"Agent token"</dt>
                        <dd>{token}</dd>
                    </Show>
                    <dt>"Digest of this batch"</dt>
                    <dd class="fingerprint" title=digest>
                        {move || format!("SHA-256 {}", fingerprint(&digest()))}
                    </dd>
                </dl>
                {move || {
                    missing_secret
                        .prompt()
                        .map(|prompt| {
                            view! {
                                <MissingSecretField
                                    secret=missing_secret
                                    prompt
                                    autofocus=!asks_for_name.get_untracked()
                                    on_default=post
                                />
                            }
                        })
                }}
                <details class="fold">
                    <summary>"Full digest"</summary>
                    <pre class="raw" tabindex="0">{digest}</pre>
                </details>
                {(!is_dry).then(|| view! { <FirstRequest screen connection order/> })}
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button
                    kind=ButtonKind::Main
                    icon=if is_dry { "state-dry" } else { "post" }
                    label
                    autofocus=!is_asking
                    disabled_by=Signal::derive(move || {
                        if has_unsaved() {
                            Some(UNSAVED_TASKS)
                        } else if awaits_acknowledgement.get() {
                            Some("acknowledge")
                        } else {
                            lacks_name.get().then_some("production-name-hint")
                        }
                    })
                    attr:data-state=move || screen.mode_state()
                />
            </div>
        </Modal>
    }
}

/// The choice between all tasks and one of them, if there is one.
#[component]
fn TestChoice(
    screen: Screen,
    /// The task to post on its own; `None` to post all.
    test: RwSignal<Option<DraftId>>,
) -> impl IntoView {
    let page = screen.page;
    let testable = Memo::new(move |_| {
        page.confirmation.with(|confirmation| {
            let confirmation = confirmation.as_ref().filter(|it| it.count > 1);
            let testable = confirmation.map(|confirmation| confirmation.testable.as_slice());
            let shown =
                testable.and_then(|testable| testable.get(..MAX_TESTABLE).or(Some(testable)));
            shown.map_or_else(Vec::new, <[DraftId]>::to_vec)
        })
    });
    let choose_all = move |_| test.set(None);
    let choose_one = move |_| test.set(testable.with_untracked(|ids| ids.first().cloned()));
    let options = move || {
        let roles = screen.roles.get_untracked();
        testable
            .get()
            .into_iter()
            .map(|id| {
                let draft = page.draft_untracked(&id);
                let title = draft
                    .map(|draft| title_of(&draft, &roles))
                    .unwrap_or_default();
                let label = truncate_chars(&without_hidden(&title), MAX_TITLE);
                let ordinal = id.ordinal;
                let is_chosen = move || test.with(|test| test.as_ref() == Some(&id));
                view! {
                    <option value=ordinal.to_string() prop:selected=is_chosen>
                        {label}
                    </option>
                }
            })
            .collect_view()
    };
    let on_change = move |event| {
        let chosen = event_target_value(&event);
        let chosen = testable.with_untracked(|ids| {
            ids.iter()
                .find(|id| id.ordinal.to_string() == chosen)
                .cloned()
        });
        test.set(chosen);
    };
    view! {
        <Show when=move || testable.with(|testable| !testable.is_empty())>
            <fieldset class="segment">
                <legend>"Tasks to post"</legend>
                <div class="choices">
                    <label>
                        <input
                            type="radio"
                            name="tasks-to-post"
                            prop:checked=move || test.with(Option::is_none)
                            on:change=choose_all
                        />
                        "All"
                    </label>
                    <label>
                        <input
                            type="radio"
                            name="tasks-to-post"
                            prop:checked=move || test.with(Option::is_some)
                            on:change=choose_one
                        />
                        "One, as a test"
                    </label>
                </div>
            </fieldset>
            <Show when=move || test.with(Option::is_some)>
                <div class="field">
                    <label for="test-task">"Task to test with"</label>
                    <select class="input" id="test-task" on:change=on_change>
                        {options}
                    </select>
                    <p class="hint">
                        "Only this task is posted, and its receipt says that it was a test. The server is not told. Afterwards you decide about the others."
                    </p>
                </div>
            </Show>
        </Show>
    }
}

/// The exact request of the first task, with placeholders for secrets, and as a `curl` command.
#[component]
fn FirstRequest(
    screen: Screen,
    connection: Memo<Connection>,
    /// The tasks to post, in posting order.
    order: Memo<Vec<DraftId>>,
) -> impl IntoView {
    move || {
        let first = order.with(|order| screen.page.draft_untracked(order.first()?))?;
        let approval = first.approval()?.clone();
        connection.with(|connection| {
            let server = connection.task_server.as_ref()?;
            Some(exact_request(
                "Request of the first task",
                server,
                &approval,
            ))
        })
    }
}

fn concurrency_text(concurrency: u8) -> String {
    match concurrency {
        1 => "one at a time".to_owned(),
        concurrency => format!("up to {concurrency} at a time"),
    }
}

/// How many of the tasks will wait for tasks that are not posted.
fn held_text(held: usize, count: usize) -> String {
    let subject = match (held, count) {
        (1, 1) => "It depends".to_owned(),
        (held, count) if held == count => "All of them depend".to_owned(),
        (1, _) => "1 of them depends".to_owned(),
        (held, _) => format!("{} of them depend", grouped(held)),
    };
    format!(
        "{subject} on tasks that are not approved or not delivered yet. Posting pauses when only waiting tasks are left."
    )
}

/// A warning that there is no journal, before anything is sent.
fn no_journal_warning(problem: Problem) -> impl IntoView {
    view! {
        <div class="problem" role="alert">
            {icon("warning")}
            <div class="body">
                <h3>"This browser cannot store the journal"</h3>
                <p>{sentences(&problem.what, &problem.hint)}</p>
                <p class="todo">
                    "Every task is journaled before it is sent, so posting will pause at the first one. You can then continue without a journal, but after a crash there is no record of what was sent."
                </p>
            </div>
        </div>
    }
}

/// Where the token comes from and which header carries it. Tracks the secrets that are held.
fn token_text(screen: Screen, connection: &Connection) -> AnyView {
    let Some(server) = &connection.task_server else {
        return "No task server is configured".into_any();
    };
    let origin = server.url.origin();
    let is_held = screen.page.secrets_held.with(|secrets| {
        let mut secrets = secrets.iter();
        secrets.any(|(slot, of)| *slot == SecretSlot::AGENT_TOKEN && *of == origin)
    });
    let source = match (is_held, &connection.vault) {
        (true, _) => "In memory",
        (false, Some(_)) => "Read from the Vault when it is needed",
        (false, None) => "Not entered yet. You will be asked for it",
    };
    let header = server.token_header.clone();
    view! { {source} ", sent as " <code class="whole">{header}</code> " to this host only" }
        .into_any()
}

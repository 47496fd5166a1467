//! The actions for an unconfirmed task: look it up, decide its outcome, or resend it with its key if
//! that cannot store it twice.

use leptos::prelude::*;

use crate::browser::clock::PageClock;
use crate::delivery::{LookUp, ResendRisk};
use crate::ports::Clock;
use crate::review::DraftId;
use crate::run::{Event, ResendObstacle, resend_obstacle};
use crate::ui::controls::button::Button;
use crate::ui::controls::icons::icon;
use crate::ui::controls::times::clock;
use crate::ui::delivery::cors_advice::CorsRule;
use crate::ui::screen::Screen;

/// Asks what became of the task, with every action that can answer it.
#[component]
pub fn Unconfirmed(screen: Screen, id: DraftId) -> impl IntoView {
    let id = StoredValue::new(id);
    let decide = move |delivered| {
        move || {
            screen.send(Event::Decide {
                draft: id.get_value(),
                delivered,
            });
        }
    };
    let look_up = Memo::new(move |_| {
        let draft = id.with_value(|id| screen.page.draft(id))?;
        draft.with(|draft| draft.delivery.look_up.clone())
    });
    let is_looking_up = Signal::derive(move || {
        let is_asked = look_up.with(|look_up| look_up.as_deref() == Some(&LookUp::Pending));
        is_asked.then_some("look-up-result")
    });
    let start_look_up = move || {
        screen.send(Event::LookUp {
            draft: id.get_value(),
        });
    };
    let resend = move || {
        screen.send(Event::ResendSameKey {
            draft: id.get_value(),
        });
    };
    let obstacle = move || obstacle(screen, &id.get_value());
    let was_key_sent = Memo::new(move |_| {
        id.with_value(|id| screen.page.draft(id))
            .is_some_and(|draft| {
                draft.with(|draft| {
                    draft
                        .delivery
                        .last()
                        .is_some_and(|attempt| attempt.key_sent)
                })
            })
    });
    let can_look_up = Memo::new(move |_| {
        id.with_value(|id| screen.page.draft(id))
            .is_some_and(|draft| draft.with(|draft| screen.page.actions(draft).can_look_up))
            // Another server does not know the key.
            && obstacle() != Some(ResendObstacle::Attempt(ResendRisk::OtherAddress))
    });
    let is_unseen = Memo::new(move |_| {
        id.with_value(|id| screen.page.draft(id))
            .is_some_and(|draft| draft.with(|draft| draft.delivery.lacks_visible_response()))
    });
    let advice = move || advice(can_look_up.get(), was_key_sent.get());
    view! {
        <div class="problem" data-tone="unconfirmed" role="group" aria-labelledby="unconfirmed-title">
            {icon("warning")}
            <div class="body">
                <h3 id="unconfirmed-title">"Was the task delivered?"</h3>
                <p class="todo">{advice}</p>
                <Show when=move || is_unseen.get()>
                    <CorsRule screen/>
                </Show>
                <Show when=move || can_look_up.get()>
                    <div class="button-row">
                        <Button
                            icon="search"
                            label="Look up on the server"
                            changes_run=screen
                            disabled_by=is_looking_up
                            described_by="look-up-result"
                            on_press=start_look_up
                        />
                    </div>
                </Show>
                <p class="hint" id="look-up-result" role="status">
                    {move || look_up.get().map(|look_up| look_up_text(&look_up))}
                </p>
                <div class="button-row">
                    <Button
                        icon="check"
                        label="Mark as delivered"
                        changes_run=screen
                        on_press=decide(true)
                    />
                    <Button
                        icon="cross"
                        label="Mark as not delivered"
                        changes_run=screen
                        on_press=decide(false)
                    />
                    <Show when=move || obstacle().is_none()>
                        <Button
                            icon="retry"
                            label="Resend with the same idempotency key"
                            changes_run=screen
                            on_press=resend
                        />
                    </Show>
                </div>
                {move || {
                    obstacle()
                        .map(|obstacle| view! { <p class="hint">{obstacle_text(obstacle)}</p> })
                }}
            </div>
        </div>
    }
}

/// What to do about the task. Without its idempotency key, it cannot be looked up, and a request that
/// the browser repeated may have stored it again.
fn advice(can_look_up: bool, was_key_sent: bool) -> &'static str {
    if was_key_sent && !can_look_up {
        "Search the task server for its content, or look into its log. If it is not there, wait a few minutes, in case the request is still on its way, then mark it as not delivered."
    } else if was_key_sent {
        "Look it up by its idempotency key, or search the task server for its content. If it is not there, wait a few minutes, in case the request is still on its way, then mark it as not delivered."
    } else {
        "Search the task server for its content, or look into its log. If it is not there, wait a few minutes, in case the request is still on its way, then mark it as not delivered. The browser may have repeated the request, so the server may hold this task more than once."
    }
}

fn look_up_text(look_up: &LookUp) -> String {
    match look_up {
        LookUp::Pending => "Looking up this idempotency key on the server…".to_owned(),
        LookUp::Found { at, .. } => format!("{}: the server has the task.", clock(*at)),
        LookUp::NotFound { at } => format!(
            "{}: the server found no task with this idempotency key. That proves nothing: the request may still be in flight, or the server may not store idempotency keys.",
            clock(*at)
        ),
        LookUp::CannotTell { at, message } => {
            format!("{}: the response is inconclusive. {message}", clock(*at))
        }
    }
}

/// Why the task cannot be resent with its key, if so.
fn obstacle(screen: Screen, id: &DraftId) -> Option<ResendObstacle> {
    let draft = screen.page.draft(id)?;
    screen.page.run.with(|run| {
        let connection = &run.as_ref()?.connection;
        draft.with(|draft| resend_obstacle(connection, draft, PageClock.now()))
    })
}

fn obstacle_text(obstacle: ResendObstacle) -> &'static str {
    match obstacle {
        ResendObstacle::Attempt(ResendRisk::KeyNotSent) => {
            "The task cannot be resent with the same idempotency key: it was sent without its idempotency key, because the server was not known to honour Idempotency-Key. If it does, say so in the settings for later tasks."
        }
        ResendObstacle::Attempt(ResendRisk::OtherAddress) => {
            "The task cannot be resent with the same idempotency key: it was sent to another address than the one in the settings, and only that server knows the key."
        }
        ResendObstacle::Attempt(ResendRisk::KeyForgotten) => {
            "The task cannot be resent with the same idempotency key: the server's idempotency key retention has passed, so the server may have forgotten the key."
        }
        ResendObstacle::KeysNotHonoured => {
            "The task cannot be resent with the same idempotency key: the settings no longer say that this server honours Idempotency-Key."
        }
    }
}

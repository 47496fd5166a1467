//! What can be done about a task of unknown fate: look it up, say what became of it, or, where that
//! cannot double it, send it again with its key.

use leptos::prelude::*;

use crate::browser::clock::PageClock;
use crate::delivery::{LookUp, Unsafe};
use crate::ports::Clock;
use crate::review::DraftId;
use crate::run::Event;
use crate::ui::controls::icons::icon;
use crate::ui::controls::times::clock;
use crate::ui::screen::Screen;

/// The question, with every answer that the operator has.
#[component]
pub fn UnknownFate(screen: Screen, id: DraftId) -> impl IntoView {
    let id = StoredValue::new(id);
    let decide = move |delivered| {
        move |_| {
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
    let is_asking = move || look_up.with(|said| said.as_deref() == Some(&LookUp::Asked));
    let ask = move |_| {
        if !untrack(is_asking) {
            screen.send(Event::LookUp {
                draft: id.get_value(),
            });
        }
    };
    let hindrance = move || hindrance(screen, &id.get_value());
    view! {
        <div class="problem" data-tone="unconfirmed" role="group" aria-labelledby="unconfirmed-title">
            {icon("warning")}
            <div class="body">
                <h3 id="unconfirmed-title">"Did it arrive?"</h3>
                <p class="todo">
                    "Look it up by its key, or look for it on the task server by its content. If it is not there, wait until no request can be on its way any more, then say so."
                </p>
                <div class="button-row">
                    <button
                        class="button"
                        type="button"
                        aria-disabled=move || {
                            screen.barred().or(is_asking().then_some("true"))
                        }
                        aria-describedby=move || screen.barred_by().unwrap_or("look-up-answer")
                        on:click=ask
                    >
                        {icon("search")}
                        "Look it up on the server"
                    </button>
                </div>
                <p class="hint" id="look-up-answer" role="status">
                    {move || look_up.get().map(|said| look_up_words(&said))}
                </p>
                <div class="button-row">
                    <button
                        class="button"
                        type="button"
                        aria-disabled=move || screen.barred()
                        aria-describedby=move || screen.barred_by()
                        on:click=decide(true)
                    >
                        {icon("check")}
                        "It arrived"
                    </button>
                    <button
                        class="button"
                        type="button"
                        aria-disabled=move || screen.barred()
                        aria-describedby=move || screen.barred_by()
                        on:click=decide(false)
                    >
                        {icon("cross")}
                        "It did not arrive"
                    </button>
                    <Show when=move || hindrance().is_none()>
                        <button
                            class="button"
                            type="button"
                            aria-disabled=move || screen.barred()
                            aria-describedby=move || screen.barred_by()
                            on:click=move |_| {
                                screen.send(Event::ResendSameKey { draft: id.get_value() });
                            }
                        >
                            {icon("retry")}
                            "Send it again with the same key"
                        </button>
                    </Show>
                </div>
                {move || hindrance().map(|why| view! { <p class="hint">{why}</p> })}
            </div>
        </div>
    }
}

fn look_up_words(said: &LookUp) -> String {
    match said {
        LookUp::Asked => "Asking the server for a task with this key…".to_owned(),
        LookUp::Found { at, .. } => format!("{}: the server has it.", clock(*at)),
        LookUp::NotFound { at } => format!(
            "{}: the server named no task with this key. That proves nothing: it may still be on its way, or the server may not keep keys.",
            clock(*at)
        ),
        LookUp::CannotTell { at, message } => {
            format!("{}: the answer tells nothing. {message}", clock(*at))
        }
    }
}

/// Why the task cannot be sent again with its key without perhaps doubling it; none where it can.
fn hindrance(screen: Screen, id: &DraftId) -> Option<&'static str> {
    let (server, honours_keys) = screen.page.run.with(|run| {
        let run = run.as_ref()?;
        Some((run.connection.task_server.clone()?, run.honours_keys))
    })?;
    let draft = screen.page.draft(id)?;
    let unsafe_for = draft.with(|draft| {
        let keys_kept = server.idempotency_key_retention_ms();
        draft
            .delivery
            .why_not_resent_to(&server.tasks_url(), keys_kept, PageClock.now())
    });
    match unsafe_for {
        Some(Unsafe::KeyNotSent) => Some(
            "Sending it again by key is off: it left without its key, because the server was not known to honour Idempotency-Key. If the server does, say so in the settings for those that follow.",
        ),
        Some(Unsafe::OtherAddress) => Some(
            "Sending it again by key is off: it went to another address than the settings name now, where alone its key is known.",
        ),
        Some(Unsafe::KeyForgotten) => Some(
            "Sending it again by key is off: it left so long ago that the server may not keep its key any more.",
        ),
        None if !honours_keys => Some(
            "Sending it again by key is off: the settings do not say any more that this server honours Idempotency-Key.",
        ),
        None => None,
    }
}

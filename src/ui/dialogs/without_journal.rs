//! The question whether to go on although nothing can be written down.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::{Batch, Event, Pause};
use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;

/// The dialog. Going on is never what Enter does.
#[component]
pub fn WithoutJournalDialog(screen: Screen) -> impl IntoView {
    let close = Callback::new(move |()| screen.dialog.set(None));
    let go_on = move |_| {
        close.run(());
        screen.send(Event::ContinueWithoutJournal);
    };
    let reason = move || {
        screen.page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.batch {
                Batch::Paused {
                    why: Pause::NotStored { reason },
                } => Some(format!("The browser said: {reason}")),
                _ => None,
            })
        })
    };
    view! {
        <Modal
            name="without-journal"
            title=Signal::stored("Go on without a journal?".to_owned())
            on_close=close
            on_submit=close
        >
            <div class="dialog-body">
                <p>
                    "Each task is written down in this browser before it leaves, so that after a crash or a reload this page knows what was sent. That cannot be done now."
                </p>
                <ul class="points">
                    <li>
                        "If this tab is closed, reloaded or crashes while posting, nobody knows which tasks were sent."
                    </li>
                    <li>"Keep this tab open until posting has ended."</li>
                    <li>"Export the receipts then: they are lost with the tab."</li>
                </ul>
                <p class="soft">{reason}</p>
            </div>
            <div class="dialog-foot">
                <button class="button" type="submit" autofocus>
                    "Cancel"
                </button>
                <button class="button danger" type="button" on:click=go_on>
                    {icon("warning")}
                    "Go on without a journal"
                </button>
            </div>
        </Modal>
    }
}

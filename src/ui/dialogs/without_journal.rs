//! The question whether to post without a journal.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::{Batch, Event, Pause};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The dialog. Enter cancels.
#[component]
pub fn WithoutJournalDialog(screen: Screen) -> impl IntoView {
    let close = Callback::new(move |()| screen.dialog.set(None));
    let continue_posting = move || {
        close.run(());
        screen.send(Event::ContinueWithoutJournal);
    };
    let reason = move || {
        screen.page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.batch {
                Batch::Paused {
                    why: Pause::NotStored { reason },
                } => Some(format!("The browser reported: {reason}")),
                _ => None,
            })
        })
    };
    view! {
        <Modal
            name="without-journal"
            title="Continue without a journal?"
            on_close=close
            on_submit=close
        >
            <div class="dialog-body">
                <p>
                    "Every task is journaled in this browser before it is sent, so that this page knows after a crash or a reload what was sent. This browser cannot store the journal now."
                </p>
                <ul class="points">
                    <li>
                        "If this tab is closed, reloaded or crashes while posting, there is no record of which tasks were sent."
                    </li>
                    <li>"Keep this tab open until posting has ended."</li>
                    <li>"Then export the receipts: they are lost when the tab is closed."</li>
                </ul>
                <p class="soft">{reason}</p>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" autofocus=true/>
                <Button
                    kind=ButtonKind::Danger
                    icon="warning"
                    label="Continue without a journal"
                    on_press=continue_posting
                />
            </div>
        </Modal>
    }
}

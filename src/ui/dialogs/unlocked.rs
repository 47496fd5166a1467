//! The question whether to post although the browser refuses locks, so that two tabs could post the same
//! tasks.

use leptos::prelude::*;

use super::modal::Modal;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The dialog. Enter cancels.
#[component]
pub fn UnlockedDialog(screen: Screen) -> impl IntoView {
    let decide =
        move |accepted: bool| screen.command(move |commands| commands.decide_unlocked(accepted));
    let cancel = Callback::new(move |()| decide(false));
    view! {
        <Modal
            name="unlocked"
            title="Post from this tab only?"
            on_close=cancel
            on_submit=cancel
        >
            <div class="dialog-body">
                <p>
                    "This browser cannot keep two tabs of this page apart, and the task server is not known to honour idempotency keys."
                </p>
                <ul class="points">
                    <li>
                        "If another tab posts this run as well, the task server gets the same tasks twice."
                    </li>
                    <li>"Close the other tabs that show this run before you continue."</li>
                    <li>
                        "If the server honours idempotency keys, say so in the settings: then no task can arrive twice."
                    </li>
                </ul>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" autofocus=true/>
                <Button
                    kind=ButtonKind::Danger
                    icon="warning"
                    label="Post from this tab"
                    on_press=move || decide(true)
                />
            </div>
        </Modal>
    }
}

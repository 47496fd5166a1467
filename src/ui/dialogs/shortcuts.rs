//! The keyboard shortcuts of the tasks.

use leptos::prelude::*;

use super::modal::Modal;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The shortcuts, each with what it does. They work while the focus is on a task of the list or in the
/// open task, and not in a field.
const SHORTCUTS: [(&str, &str); 14] = [
    ("j", "Next task; in the list also the down arrow"),
    ("k", "Previous task; in the list also the up arrow"),
    ("Enter", "Open the task"),
    (
        "a",
        "Approve; in the open task also open the next undecided one",
    ),
    ("r", "Reject; in the open task with a reason"),
    ("u", "Undo the decision about the task"),
    (
        "Ctrl+Z",
        "Undo the last action on tasks; Ctrl+Shift+Z to redo",
    ),
    ("Delete", "Delete the task of the list"),
    ("x", "Select the task in the list, for an action on several"),
    ("e", "Edit the exact JSON text"),
    ("Ctrl+Enter", "Save the field that is edited"),
    ("Escape", "Cancel the edit, or close the task"),
    ("/", "Search the tasks"),
    ("?", "Show these shortcuts"),
];

/// The dialog.
#[component]
pub fn ShortcutsDialog(screen: Screen) -> impl IntoView {
    let close = Callback::new(move |()| screen.dialog.set(None));
    let items = SHORTCUTS
        .into_iter()
        .map(|(key, action)| {
            view! {
                <dt>
                    <kbd>{key}</kbd>
                </dt>
                <dd>{action}</dd>
            }
        })
        .collect_view();
    view! {
        <Modal name="shortcuts" title="Keyboard shortcuts" on_close=close on_submit=close>
            <div class="dialog-body">
                <p class="hint">
                    "They work while the focus is on a task of the list or in the open task, and never while you type."
                </p>
                <dl class="shortcuts">{items}</dl>
            </div>
            <div class="dialog-foot">
                <Button kind=ButtonKind::Main label="Close" autofocus=true/>
            </div>
        </Modal>
    }
}

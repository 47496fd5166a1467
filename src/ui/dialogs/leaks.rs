//! The question whether to let out what contains a held secret.

use leptos::prelude::*;

use super::modal::Modal;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::LeakExit;
use crate::ui::screen::{Dialog, Screen};

/// Title, explanation and the label of the override.
fn texts(exit: LeakExit) -> (&'static str, &'static str, &'static str) {
    match exit {
        LeakExit::Send => (
            "Send a secret to the model?",
            "Nothing has been sent. The model endpoint, and whoever reads its logs, would see the secret. Remove it from the text, or send it if the match is a coincidence.",
            "Send anyway",
        ),
        LeakExit::Export => (
            "Export a secret?",
            "Nothing has been saved. Whoever gets the file could read the secret. Remove it first, or export the file if the match is a coincidence.",
            "Export anyway",
        ),
        LeakExit::Store => (
            "Store a secret in this browser?",
            "Nothing has been saved. A connection is stored unencrypted and can be exported, so a secret belongs in the fields for API key and agent token. Save it if the match is a coincidence.",
            "Save anyway",
        ),
    }
}

/// The dialog. It names where the secrets are and shows none. Enter cancels.
#[component]
pub fn LeaksDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let prompt = page.leak_prompt.get_untracked();
    let exit = prompt.as_ref().map_or(LeakExit::Send, |prompt| prompt.exit);
    let leaks = prompt.map(|prompt| prompt.leaks).unwrap_or_default();
    let (title, explanation, label) = texts(exit);
    let decide =
        move |accepted: bool| screen.command(move |commands| commands.decide_leaks(accepted));
    let cancel = Callback::new(move |()| decide(false));
    let accept = move || {
        decide(true);
        // The settings wait for this answer.
        let is_open = screen
            .dialog
            .with_untracked(|dialog| matches!(dialog, Some(Dialog::Settings(_))));
        if is_open && page.settings_problem.with_untracked(Option::is_none) {
            screen.dialog.set(None);
        }
    };
    let items = leaks.into_iter().map(|leak| view! { <li>{leak}</li> });
    view! {
        <Modal name="leaks" title on_close=cancel on_submit=cancel>
            <div class="dialog-body">
                <ul class="points">{items.collect_view()}</ul>
                <p>{explanation}</p>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" autofocus=true/>
                <Button kind=ButtonKind::Danger icon="warning" label on_press=accept/>
            </div>
        </Modal>
    }
}

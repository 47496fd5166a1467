//! The question whether to leave or delete a run that has open work.

use leptos::prelude::*;

use super::modal::Modal;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::WorkAction;
use crate::ui::screen::Screen;

/// The dialog. Closing it changes nothing.
#[component]
pub fn OpenWorkDialog(screen: Screen) -> impl IntoView {
    let prompt = move || screen.page.work_prompt.get();
    let is_deletion = move || prompt().is_some_and(|prompt| prompt.action == WorkAction::Delete);
    let decide =
        move |accepted: bool| screen.command(move |commands| commands.decide_open_work(accepted));
    let title = Signal::derive(move || {
        let title = if is_deletion() {
            "Delete this run?"
        } else {
            "Leave this run?"
        };
        title.to_owned()
    });
    let work = move || {
        let work = prompt().map(|prompt| prompt.work.to_string());
        format!("Not finished: {}.", work.unwrap_or_default())
    };
    let consequence = move || {
        if is_deletion() {
            "Its tasks, receipts and responses are deleted from this browser. Whether an unconfirmed task arrived can no longer be looked up here."
        } else {
            "Nothing is lost: the run stays under Runs, where you can open it and continue."
        }
    };
    let kind = if untrack(is_deletion) {
        ButtonKind::Danger
    } else {
        ButtonKind::Main
    };
    let label = move || {
        if is_deletion() {
            "Delete run"
        } else {
            "Leave run"
        }
    };
    view! {
        <Modal
            name="open-work"
            title
            on_close=Callback::new(move |()| decide(false))
            on_submit=Callback::new(move |()| decide(true))
        >
            <div class="dialog-body">
                <p>
                    <strong>{work}</strong>
                </p>
                <p>{consequence}</p>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" autofocus=true on_press=move || decide(false)/>
                <Button kind label/>
            </div>
        </Modal>
    }
}

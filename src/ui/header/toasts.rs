//! The last action, with a button to undo it, or what was undone last.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::Removal;
use crate::ui::screen::{Screen, UNDO_TIME};

/// The place where the last action is shown.
#[component]
pub fn Toasts(screen: Screen) -> impl IntoView {
    // It may come later than the press, because an action on many tasks is completed before.
    Effect::new(move |_| {
        let step = screen.page.history_message;
        let shown = step.get();
        let end = move || {
            if step.try_get_untracked() == Some(shown) {
                step.set(None);
            }
        };
        set_timeout(end, UNDO_TIME);
    });
    let message = move || {
        if let Some(undo) = screen.undo.get() {
            return Some((undo.message().to_owned(), true));
        }
        if let Some(step) = screen.page.history_message.get() {
            return Some((step, false));
        }
        let removed = screen.page.removed_run.get()?;
        let message = match removed.removal {
            Removal::Archived => "Run archived",
            Removal::Deleted => "Run deleted",
        };
        Some((message.to_owned(), true))
    };
    let undo = move || {
        view! {
            <Button
                kind=ButtonKind::Quiet
                icon="undo"
                label="Undo"
                on_press=move || screen.undo_last()
            />
        }
    };
    view! {
        <div class="toasts" role="status">
            {move || {
                message()
                    .map(|(message, can_undo)| {
                        view! { <div class="toast"><p>{message}</p> {can_undo.then(undo)}</div> }
                    })
            }}
        </div>
    }
}

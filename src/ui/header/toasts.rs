//! The last action, with a button to undo it, or what was undone last.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::Removal;
use crate::ui::screen::Screen;

/// The place where the last action is shown.
#[component]
pub fn Toasts(screen: Screen) -> impl IntoView {
    let last_step = move || {
        let is_replaced = screen.undo.read().is_some();
        screen.page.history_message.get().filter(|_| !is_replaced)
    };
    view! {
        <div class="toasts" role="status">
            {move || last_step().map(|message| view! { <div class="toast"><p>{message}</p></div> })}
            {move || {
                let removed = screen.page.removed_run;
                screen
                    .undo
                    .get()
                    .map(|undo| undo.message().to_owned())
                    .or_else(|| {
                        let removed = removed.get()?;
                        Some(
                            match removed.removal {
                                Removal::Archived => "Run archived",
                                Removal::Deleted => "Run deleted",
                            }
                                .to_owned(),
                        )
                    })
                    .map(|message| {
                        view! {
                            <div class="toast">
                                <p>{message}</p>
                                <Button
                                    kind=ButtonKind::Quiet
                                    icon="undo"
                                    label="Undo"
                                    on_press=move || screen.undo_last()
                                />
                            </div>
                        }
                    })
            }}
        </div>
    }
}

//! The last action, with a button to undo it.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::Removal;
use crate::ui::screen::Screen;

/// The place where the last action is shown.
#[component]
pub fn Toasts(screen: Screen) -> impl IntoView {
    view! {
        <div class="toasts" role="status">
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

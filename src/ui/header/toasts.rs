//! The last action, with a button to undo it.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::{Screen, Undo};

/// The place where the last action is shown.
#[component]
pub fn Toasts(screen: Screen) -> impl IntoView {
    view! {
        <div class="toasts" role="status">
            {move || {
                screen
                    .undo
                    .get()
                    .map(|undo| {
                        let message = match undo {
                            Undo::Decisions { message, .. } => message,
                            Undo::Archive => "Run archived".to_owned(),
                        };
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

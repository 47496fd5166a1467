//! What was just done, with the way back.

use leptos::prelude::*;

use crate::ui::controls::icons::icon;
use crate::ui::screen::{Screen, Undo};

/// The place where toasts appear.
#[component]
pub fn Toasts(screen: Screen) -> impl IntoView {
    view! {
        <div class="toasts" role="status">
            {move || {
                screen
                    .undo
                    .get()
                    .map(|undo| {
                        let said = match undo {
                            Undo::Decisions { said, .. } => said,
                            Undo::Clear => "The run was put aside".to_owned(),
                        };
                        view! {
                            <div class="toast">
                                <p>{said}</p>
                                <button
                                    class="button quiet"
                                    type="button"
                                    on:click=move |_| screen.take_back()
                                >
                                    {icon("undo")}
                                    "Undo"
                                </button>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

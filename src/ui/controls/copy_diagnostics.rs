//! The button that copies diagnostics, beside an error.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The button.
#[component]
pub fn CopyDiagnostics(screen: Screen) -> impl IntoView {
    let is_copied = RwSignal::new(false);
    let copy = move || {
        screen.command(|commands| commands.copy_diagnostics());
        is_copied.set(true);
    };
    view! {
        <Button
            kind=ButtonKind::Quiet
            icon="copy"
            label=move || if is_copied.get() { "Diagnostics copied" } else { "Copy diagnostics" }
            on_press=copy
        />
    }
}

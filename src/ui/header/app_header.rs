//! The header: product name, connection, mode, runs, settings.

use leptos::prelude::*;

use crate::run::Mode;
use crate::ui::controls::icons::{app_mark, icon, mode_mark, mode_name};
use crate::ui::screen::{Dialog, Screen};

/// The header of the page.
#[component]
pub fn AppHeader(screen: Screen) -> impl IntoView {
    let connection = Memo::new(move |_| screen.page.connection.with(|next| next.name.clone()));
    let color = move || screen.page.connection.with(|next| next.color.slug());
    Effect::new(move |_| {
        if screen.page.is_open.get() && screen.settings_queued.get_untracked() {
            screen.open_settings();
        }
    });
    view! {
        <header class="app-header">
            <h1 class="app-name">
                {app_mark()}
                <span>"Taskwright"</span>
            </h1>
            <Show when=move || screen.page.is_open.get()>
                <button
                    class="button connection-button"
                    type="button"
                    aria-haspopup="dialog"
                    aria-label=move || format!("Connection: {}", connection.get())
                    data-color=color
                    on:click=move |_| screen.dialog.set(Some(Dialog::Connections))
                >
                    <span class="connection-colour" aria-hidden="true"></span>
                    <span class="name">{connection}</span>
                </button>
                {move || {
                    let mode = screen.mode.get();
                    view! {
                        <p class="mode-word" data-state=mode_name(mode)>
                            {mode_mark(mode)}
                            <span class="word">
                                {match mode {
                                    Mode::Dry => "Dry run",
                                    Mode::Live => "Live",
                                }}
                            </span>
                        </p>
                    }
                }}
            </Show>
            <button
                class="button quiet settings-button push"
                type="button"
                aria-haspopup="dialog"
                on:click=move |_| screen.dialog.set(Some(Dialog::Runs))
            >
                {icon("runs")}
                <span>"Runs"</span>
            </button>
            <button
                class="button quiet settings-button"
                type="button"
                aria-haspopup="dialog"
                aria-busy=move || screen.settings_queued.get().then_some("true")
                on:click=move |_| screen.open_settings()
            >
                {icon("settings")}
                <span>"Settings"</span>
            </button>
        </header>
    }
}

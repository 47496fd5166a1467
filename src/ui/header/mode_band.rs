//! The band that shows the mode by text, shape and colour.

use leptos::prelude::*;

use crate::run::Mode;
use crate::ui::controls::icons::mode_mark;
use crate::ui::screen::Screen;

/// The band under the header.
#[component]
pub fn ModeBand(screen: Screen) -> impl IntoView {
    let text = Memo::new(move |_| match screen.mode.get() {
        Mode::Dry => "Dry run — nothing leaves this page".to_owned(),
        Mode::Live if screen.is_production() => {
            format!("Live → {} (production)", screen.connection_name())
        }
        Mode::Live => format!("Live → {}", screen.connection_name()),
    });
    let is_open = screen.page.is_open;
    let state = move || {
        if is_open.get() {
            screen.mode_state()
        } else {
            "starting"
        }
    };
    view! {
        <div class="mode-band" data-state=state>
            <Show
                when=move || is_open.get()
                fallback=|| view! { <p role="status">"Starting…"</p> }
            >
                <p role="status">
                    {move || mode_mark(screen.mode.get())} <strong>{text}</strong>
                </p>
            </Show>
        </div>
    }
}

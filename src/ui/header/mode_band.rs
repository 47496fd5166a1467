//! The band that says the mode in words, shape and colour.

use leptos::prelude::*;

use crate::run::Mode;
use crate::ui::controls::icons::{mode_mark, mode_name};
use crate::ui::screen::Screen;

/// The band under the header.
#[component]
pub fn ModeBand(screen: Screen) -> impl IntoView {
    let words = Memo::new(move |_| match screen.mode.get() {
        Mode::Dry => "Dry run — nothing leaves this page".to_owned(),
        Mode::Live => {
            let of_run = screen
                .page
                .run
                .with(|run| run.as_ref().map(|run| run.connection.name.clone()));
            let name =
                of_run.unwrap_or_else(|| screen.page.connection.with(|held| held.name.clone()));
            format!("Live → {name}")
        }
    });
    let is_open = screen.page.is_open;
    let state = move || match is_open.get() {
        true => mode_name(screen.mode.get()),
        false => "starting",
    };
    view! {
        <div class="mode-band" data-state=state>
            {move || match is_open.get() {
                true => {
                    view! {
                        <p role="status">
                            {move || mode_mark(screen.mode.get())}
                            <strong>{words}</strong>
                        </p>
                    }
                        .into_any()
                }
                false => view! { <p role="status">"Starting…"</p> }.into_any(),
            }}
        </div>
    }
}

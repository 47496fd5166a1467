//! The line that says that another tab has the run and this one looks on.

use leptos::prelude::*;

use crate::ui::controls::icons::icon;
use crate::ui::screen::{ONLOOKER_BAND, Screen};

/// The line, where that is so.
#[component]
pub fn ReadOnlyBand(screen: Screen) -> impl IntoView {
    view! {
        <div class="onlooker" role="status">
            <Show when=move || screen.page.is_read_only.get()>
                <div class="notice" data-tone="onlooker">
                    {icon("eye")}
                    <p id=ONLOOKER_BAND>
                        <strong>"Another tab has this run; this one looks on."</strong>
                        " What changes there is shown here. To change or post it, go on in that tab. When that one is gone, this one takes over."
                    </p>
                </div>
            </Show>
        </div>
    }
}

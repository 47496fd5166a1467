//! The message that says that this tab is read-only.

use leptos::prelude::*;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::icon;
use crate::ui::screen::{READ_ONLY_BAND, Screen};

/// The message, while another tab is using the run.
#[component]
pub fn ReadOnlyBand(screen: Screen) -> impl IntoView {
    view! {
        <div class="read-only" role="status">
            <Show when=move || screen.is_read_only()>
                <div class="notice" data-tone="read-only">
                    {icon("eye")}
                    <p id=READ_ONLY_BAND>
                        <strong>"This tab is read-only, because another tab is using this run."</strong>
                        " It shows the changes made there. Edit and post in the other tab. When that tab closes, this one takes over."
                    </p>
                    <Button
                        kind=ButtonKind::Quiet
                        label="Take over"
                        name="Take over this run from the other tab"
                        on_press=move || screen.command(move |commands| commands.take_over())
                        attr:title="The other tab becomes read-only. Tasks that it is posting now may be left unconfirmed."
                    />
                </div>
            </Show>
        </div>
    }
}

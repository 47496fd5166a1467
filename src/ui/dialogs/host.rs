//! A task server that came from a link and is new here.

use leptos::prelude::*;

use super::modal::Modal;
use crate::settings::TaskServer;
use crate::ui::screen::Screen;

/// The dialog. The address stands in full; closing it is a no.
#[component]
pub fn HostDialog(screen: Screen) -> impl IntoView {
    let address = move || screen.page.new_host.get();
    let decide = move |accepted: bool| screen.ask(|commands| commands.decide_host(accepted));
    let full = move || address().map(|address| TaskServer::at(address).tasks_url());
    let name = move || {
        address()
            .map(|address| address.host_and_port())
            .unwrap_or_default()
    };
    view! {
        <Modal
            name="host"
            title="A link wants to use this host"
            on_close=Callback::new(move |()| decide(false))
            on_submit=Callback::new(move |()| decide(true))
        >
            <div class="dialog-body">
                <p>
                    "The link that you opened names a task server that this browser has not used before. Tasks that you post, and the token that you type, would go there."
                </p>
                <p class="host">{full}</p>
                <p class="hint">
                    "If you did not expect this host, do not use it. Nothing has been sent."
                </p>
            </div>
            <div class="dialog-foot">
                <button
                    class="button"
                    type="button"
                    autofocus
                    on:click=move |_| decide(false)
                >
                    "Do not use it"
                </button>
                <button class="button main" type="submit">
                    {move || format!("Use {}", name())}
                </button>
            </div>
        </Modal>
    }
}

//! The question whether to use a task server from a link.

use leptos::prelude::*;

use super::modal::Modal;
use crate::settings::TaskServer;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The dialog. It shows the full address. Closing it rejects the server.
#[component]
pub fn HostDialog(screen: Screen) -> impl IntoView {
    let address = move || screen.page.new_host.get();
    let decide =
        move |accepted: bool| screen.command(move |commands| commands.decide_host(accepted));
    let tasks_url = move || address().map(|address| TaskServer::at(address).tasks_url());
    let label = move || {
        let host = address().map(|address| address.host_and_port());
        format!("Use {}", host.unwrap_or_default())
    };
    view! {
        <Modal
            name="host"
            title="Use the task server from this link?"
            on_close=Callback::new(move |()| decide(false))
            on_submit=Callback::new(move |()| decide(true))
        >
            <div class="dialog-body">
                <p>
                    "The link you opened names a task server other than the one in your settings. Tasks you post, and the agent token you enter, would be sent there."
                </p>
                <p class="host">{tasks_url}</p>
                <p class="hint">
                    "If you did not expect this address, do not use it. Nothing has been sent. Settings that the link does not name, such as the path and the token header, get their defaults. This browser remembers your decision."
                </p>
            </div>
            <div class="dialog-foot">
                <Button label="Do not use it" autofocus=true on_press=move || decide(false)/>
                <Button kind=ButtonKind::Main label/>
            </div>
        </Modal>
    }
}

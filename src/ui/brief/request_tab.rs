//! The exact request that a live run of this brief would begin with.

use leptos::prelude::*;

use crate::driver::{Assignment, request_for};
use crate::model::ResponseFormat;
use crate::model::request::as_curl;
use crate::run::Mode;
use crate::text::counted;
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::screen::{Dialog, Screen};

/// Body and command, secrets as placeholders. Made anew with every change of the brief, while
/// this tab is open.
#[component]
pub fn RequestTab(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let has_model = Memo::new(move |_| page.connection.with(|held| held.model.is_some()));
    let request = Memo::new(move |_| {
        let brief = page.form.with(|form| form.check(0)).ok()?;
        request_for(&Assignment::first(
            brief,
            page.schema.get(),
            page.connection.get(),
            page.response_format.get(),
        ))
    });
    let of_request = move |read: fn(&crate::http::HttpRequest) -> String| {
        Signal::derive(move || {
            request.with(|request| request.as_ref().map(read).unwrap_or_default())
        })
    };
    let body = of_request(|request| readable(request.body.as_deref().unwrap_or_default()));
    let exact = of_request(|request| request.body.as_deref().unwrap_or_default().to_owned());
    let caption = of_request(|request| format!("{} {}", request.method.as_str(), request.url));
    let size =
        of_request(|request| counted(request.body.as_ref().map_or(0, |body| body.len()), "byte"));
    let curl = of_request(as_curl);
    move || {
        if !has_model.get() {
            view! {
                <p class="hint">
                    "No model endpoint is set up, so there is no request to show. "
                    <button
                        class="link-button"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| screen.dialog.set(Some(Dialog::Settings))
                    >
                        "Set up a model"
                    </button>
                </p>
            }
            .into_any()
        } else if request.with(Option::is_none) {
            view! {
                <p class="hint">
                    "Write a goal and a number of tasks: the exact request then stands here."
                </p>
            }
            .into_any()
        } else {
            view! {
                <Show when=move || screen.next_mode.get() == Mode::Dry>
                    <p class="hint">
                        "A dry run sends nothing. Live, this is what would be sent."
                    </p>
                </Show>
                <Show when=move || page.response_format.get() != ResponseFormat::default()>
                    <p class="hint">
                        "This endpoint did not take more of structured output with this model before, so it is asked for less. Saving the settings makes it try again."
                    </p>
                </Show>
                <CodeBlock
                    caption
                    size=Signal::derive(move || Some(size.get()))
                    copy="Copy body"
                    text=body
                    copied_text=exact
                />
                <CodeBlock caption="As a curl command" copy="Copy command" text=curl/>
            }
            .into_any()
        }
    }
}

/// The body laid out over lines; what is sent, and copied, stands on one.
fn readable(body: &str) -> String {
    crate::document::Document::parse(body).map_or_else(
        |_| body.to_owned(),
        |document| crate::review::layout::laid_out(&document),
    )
}

//! The exact first request of a live run of this brief.

use leptos::prelude::*;

use crate::driver::{Assignment, request_for};
use crate::http::as_curl;
use crate::model::Adaptations;
use crate::run::Mode;
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::screen::Screen;

/// The request body and the `curl` command, with placeholders for secrets. Updated with every change
/// of the brief.
#[component]
pub fn RequestTab(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let has_model = Memo::new(move |_| {
        page.connection
            .with(|connection| connection.model.is_some())
    });
    let request = Memo::new(move |_| {
        let brief = page.form.with(|form| form.check(0)).ok()?;
        request_for(&Assignment::first(
            brief,
            page.schema.get(),
            page.connection.get(),
            page.adaptations.get(),
        ))
    });
    let of_request = move |read: fn(&crate::http::HttpRequest) -> String| {
        Signal::derive(move || {
            request.with(|request| request.as_ref().map(read).unwrap_or_default())
        })
    };
    let body = of_request(|request| formatted(request.body.as_deref().unwrap_or_default()));
    let exact_body = of_request(|request| request.body.as_deref().unwrap_or_default().to_owned());
    let caption = of_request(|request| format!("{} {}", request.method.as_str(), request.url));
    let size =
        of_request(|request| counted(request.body.as_ref().map_or(0, |body| body.len()), "byte"));
    let curl = of_request(as_curl);
    move || {
        if !has_model.get() {
            view! {
                <p class="hint">
                    "No model endpoint is configured, so there is no request to show. "
                    <Button
                        kind=ButtonKind::Link
                        label="Set up a model endpoint…"
                        opens_dialog=true
                        on_press=move || screen.open_settings()
                    />
                </p>
            }
            .into_any()
        } else if request.with(Option::is_none) {
            view! {
                <p class="hint">
                    "Enter a goal and a number of tasks to see the exact request."
                </p>
            }
            .into_any()
        } else {
            view! {
                <Show when=move || screen.next_run.get().mode() == Mode::Dry>
                    <p class="hint">
                        "A dry run sends nothing. A live run would send this."
                    </p>
                </Show>
                <Show when=move || !page.adaptations.with(Adaptations::is_empty)>
                    <p class="hint">
                        "The request is adapted to what this endpoint rejected before. The settings list the adaptations and can clear them."
                    </p>
                </Show>
                <CodeBlock
                    caption
                    size=Signal::derive(move || Some(size.get()))
                    copy="Copy body"
                    text=body
                    copied_text=exact_body
                />
                <CodeBlock caption="curl command" copy="Copy command" text=curl/>
            }
            .into_any()
        }
    }
}

/// The body in a layout with several lines. The request, and the copied text, have one line.
fn formatted(body: &str) -> String {
    crate::document::Document::parse(body).map_or_else(
        |_| body.to_owned(),
        |document| crate::review::layout::pretty_print(&document),
    )
}

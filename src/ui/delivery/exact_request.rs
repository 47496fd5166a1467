//! The exact request that posts a task.

use leptos::prelude::*;

use crate::delivery::request;
use crate::http::as_curl;
use crate::review::Approval;
use crate::settings::TaskServer;
use crate::ui::controls::code_block::CodeBlock;

/// The request with placeholders for secrets, and as a `curl` command; folded at first.
pub fn exact_request(
    summary: &'static str,
    server: &TaskServer,
    approval: &Approval,
) -> impl IntoView + use<> {
    let request = request::post(server, approval);
    let body = request.body.as_deref().unwrap_or_default().to_owned();
    view! {
        <details class="fold">
            <summary>{summary}</summary>
            <CodeBlock
                caption=Signal::stored(format!("POST {}", request.url))
                copy="Copy body"
                text=Signal::stored(format!("{}\n\n{body}", request.header_lines()))
                copied_text=Signal::stored(body.clone())
            />
            <CodeBlock
                caption=Signal::stored("curl command".to_owned())
                copy="Copy command"
                text=Signal::stored(as_curl(&request))
            />
        </details>
    }
}

//! What the task server has to allow so that this page may post to it, ready to copy.

use leptos::prelude::*;

use crate::browser::page_origin;
use crate::delivery::cors;
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::screen::Screen;

/// The CORS rule for the run's task server, collapsed. Shown where the page saw no response.
#[component]
pub fn CorsRule(screen: Screen) -> impl IntoView {
    let rule = Memo::new(move |_| {
        screen.page.run.with(|run| {
            let server = run.as_ref()?.connection.task_server.as_ref()?;
            Some(cors::rule(&page_origin(), server))
        })
    });
    move || {
        let rule = rule.get()?;
        Some(view! {
            <details class="fold">
                <summary>"CORS rule that the task server needs"</summary>
                <CodeBlock
                    caption="Response headers, also of errors and of the preflight (OPTIONS)"
                    copy="Copy rule"
                    text=rule
                />
            </details>
        })
    }
}

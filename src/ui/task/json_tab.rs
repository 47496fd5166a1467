//! The open task as JSON: formatted for reading, or its exact text for editing.

use std::sync::Arc;

use leptos::prelude::*;

use crate::review::DraftId;
use crate::review::json_lines::{JsonLine, json_lines};
use crate::run::TaskDraft;
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::visible_text::visible_text;
use crate::ui::screen::Screen;
use crate::ui::task::json_editor::JsonEditor;

/// A text with more lines than this is shown without their numbers.
const MAX_NUMBERED: usize = 5_000;

/// The tab *JSON*.
#[component]
pub fn JsonTab(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
    /// Whether the tab is open.
    #[prop(into)]
    is_open: Signal<bool>,
) -> impl IntoView {
    let is_exact = screen.shows_exact_text;
    let choice = move |exact: bool, label: &'static str| {
        let choose = move |_| {
            is_exact.set(exact);
            if exact {
                focus_by_id_soon("json".to_owned());
            }
        };
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (is_exact.get() == exact).to_string()
                on:click=choose
            >
                {label}
            </button>
        }
    };
    view! {
        <div class="chips json-views" role="group" aria-label="How the text is shown">
            {choice(false, "Formatted")}
            {choice(true, "Exact text")}
        </div>
        <Show when=move || is_open.get() && !is_exact.get()>
            <Formatted draft/>
        </Show>
        <div class="editor" hidden=move || !is_exact.get()>
            <JsonEditor screen id draft/>
        </div>
    }
}

/// The text with one member or item per line. Reading it changes nothing.
#[component]
fn Formatted(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    move || {
        let lines = draft.with(|draft| {
            json_lines(
                &draft.content,
                draft.violations.as_deref().unwrap_or_default(),
            )
        });
        if lines.len() > MAX_NUMBERED {
            let text: Vec<String> = lines.into_iter().map(|line| line.text).collect();
            return view! { <pre class="raw" tabindex="0">{text.join("\n")}</pre> }.into_any();
        }
        let lines = lines.into_iter().map(line_view).collect_view();
        view! {
            // With the focus, it can be scrolled by keyboard.
            <ol class="json-lines" tabindex="0" aria-label="Formatted JSON">
                {lines}
            </ol>
        }
        .into_any()
    }
}

fn line_view(line: JsonLine) -> impl IntoView {
    let JsonLine {
        text,
        fault_at,
        problems,
    } = line;
    let is_wrong = !problems.is_empty();
    let content = match fault_at.and_then(|at| text.split_at_checked(at)) {
        Some((before, after)) => view! {
            {visible_text(before)}
            <mark class="fault" aria-hidden="true">"▸"</mark>
            {visible_text(after)}
        }
        .into_any(),
        None => visible_text(&text),
    };
    let problems = problems
        .into_iter()
        .map(|problem| view! { <span class="problem-text">{problem}</span> })
        .collect_view();
    view! {
        <li data-state=is_wrong.then_some("invalid")>
            <code>{content}</code>
            {problems}
        </li>
    }
}

//! What was proposed against what stands there now.

use std::sync::Arc;

use leptos::prelude::*;

use crate::document::Document;
use crate::review::Origin;
use crate::review::diff::{DiffLine, diff};
use crate::review::layout::pretty_print;
use crate::run::TaskDraft;
use crate::text::counted;

/// The comparison, line by line.
#[component]
pub fn ChangesTab(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    move || {
        draft.with(|draft| {
            let source = match draft.origin {
                Origin::Model => "the model proposed",
                Origin::DryRun => "the dry run proposed",
                Origin::Imported => "was brought in",
            };
            if !draft.is_edited() {
                return view! {
                    <p class="hint">{format!("Nothing was changed: this is what {source}.")}</p>
                }
                .into_any();
            }
            view! {
                <p class="hint">{format!("What {source} against what stands there now.")}</p>
                {comparison(&draft.proposed, draft.content.text())}
            }
            .into_any()
        })
    }
}

/// Two texts of a task, line by line.
pub fn comparison(before: &str, after: &str) -> impl IntoView + use<> {
    let (before, after) = readable(before, after);
    let lines = diff(&before, &after);
    let is_layout = !lines
        .iter()
        .any(|line| matches!(line, DiffLine::Removed(_) | DiffLine::Added(_)));
    view! {
        {is_layout
            .then(|| view! { <p class="hint">"Only space between its parts was changed."</p> })}
        <ol class="diff">{lines.into_iter().map(line_view).collect_view()}</ol>
    }
}

/// Both texts laid out alike where both are JSON, so that only what was changed differs.
fn readable(before: &str, after: &str) -> (String, String) {
    match (Document::parse(before), Document::parse(after)) {
        (Ok(before), Ok(after)) => (pretty_print(&before), pretty_print(&after)),
        _ => (before.to_owned(), after.to_owned()),
    }
}

fn line_view(line: DiffLine) -> AnyView {
    match line {
        DiffLine::Same(text) => view! { <li data-change="same">{text}</li> }.into_any(),
        DiffLine::Removed(text) => {
            view! { <li data-change="removed"><del>{text}</del></li> }.into_any()
        }
        DiffLine::Added(text) => {
            view! { <li data-change="added"><ins>{text}</ins></li> }.into_any()
        }
        DiffLine::Folded(count) => {
            view! { <li class="fold">{format!("… {}", counted(count, "unchanged line"))}</li> }
                .into_any()
        }
    }
}

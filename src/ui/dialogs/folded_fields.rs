//! Fields of the settings that most connections leave as they are, folded away.

use leptos::prelude::*;

use super::settings::{ConnectionField, Settings};
use crate::settings::form::FormField;

/// The fields, in rows of a few. They are shown if one has a value at first, or an error.
#[component]
pub fn FoldedFields(
    settings: Settings,
    /// What the fields are about.
    summary: &'static str,
    /// The fields, by row.
    rows: &'static [&'static [FormField]],
    /// A sentence below the fields.
    #[prop(optional)]
    hint: &'static str,
) -> impl IntoView {
    let fields = move || rows.iter().flat_map(|row| row.iter());
    let had_values = settings
        .form
        .with_untracked(|form| fields().any(|field| !form.text(*field).is_empty()));
    let is_open = Memo::new(move |_| {
        had_values
            || settings.problems.with(|problems| {
                problems
                    .iter()
                    .any(|problem| fields().any(|field| *field == problem.field))
            })
    });
    let rows = rows
        .iter()
        .map(|row| {
            let fields = row
                .iter()
                .map(|field| view! { <ConnectionField settings field=*field/> })
                .collect_view();
            view! { <div class="pair">{fields}</div> }
        })
        .collect_view();
    view! {
        <details class="fold" open=move || is_open.get()>
            <summary>{summary}</summary>
            {rows}
            {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
        </details>
    }
}

//! What the model proposed for the chosen task when it was asked again.

use std::sync::Arc;

use leptos::prelude::*;

use crate::document::Document;
use crate::review::layout::pretty_print;
use crate::review::{DraftId, SuggestedEdit, SuggestedEditKind};
use crate::run::{Event, TaskDraft};
use crate::text::counted;
use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;
use crate::ui::task::changes_tab::comparison;

/// The proposals with the way to accept or discard them, where there are some.
#[component]
pub fn SuggestedEdits(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
) -> impl IntoView {
    let id = StoredValue::new(id);
    let held = Memo::new(move |_| draft.with(|draft| draft.suggested_edits.clone()));
    move || {
        let suggested_edits = held.get();
        let last = suggested_edits.last()?;
        let (heading, accept) = match last.kind {
            SuggestedEditKind::Replace => ("The model proposes".to_owned(), "Accept the proposal"),
            SuggestedEditKind::Part => (
                format!(
                    "The model proposes {} in its place",
                    counted(suggested_edits.len(), "task")
                ),
                "Accept the split",
            ),
        };
        let body = match last.kind {
            SuggestedEditKind::Replace => {
                let current = draft.with_untracked(|draft| draft.content.text().to_owned());
                comparison(&current, &last.text).into_any()
            }
            SuggestedEditKind::Part => suggested_edits.iter().map(part).collect_view().into_any(),
        };
        let faults: usize = suggested_edits
            .iter()
            .map(|held| held.violations.len())
            .sum();
        Some(view! {
            <section class="proposals" aria-labelledby="proposals-title">
                <h3 id="proposals-title">{heading}</h3>
                {(faults > 0)
                    .then(|| {
                        view! {
                            <p class="hint">{format!("It has {}.", counted(faults, "violation"))}</p>
                        }
                    })}
                <div class="button-row">
                    <button
                        class="button"
                        type="button"
                        aria-disabled=move || screen.barred()
                        aria-describedby=move || screen.barred_by()
                        on:click=move |_| {
                            screen.send(Event::AcceptSuggestedEdits { draft: id.get_value() });
                        }
                    >
                        {icon("check")}
                        {accept}
                    </button>
                    <button
                        class="button"
                        type="button"
                        aria-disabled=move || screen.barred()
                        aria-describedby=move || screen.barred_by()
                        on:click=move |_| {
                            screen.send(Event::DiscardSuggestedEdits { draft: id.get_value() });
                        }
                    >
                        {icon("cross")}
                        "Discard"
                    </button>
                </div>
                {body}
            </section>
        })
    }
}

fn part(suggested_edit: &SuggestedEdit) -> impl IntoView + use<> {
    let text = Document::parse(&suggested_edit.text).map_or_else(
        |_| suggested_edit.text.to_string(),
        |document| pretty_print(&document),
    );
    view! { <pre class="raw" tabindex="0">{text}</pre> }
}

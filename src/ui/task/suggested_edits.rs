//! The edits that the model suggested for the open task.

use std::sync::Arc;

use leptos::prelude::*;

use crate::document::Document;
use crate::review::layout::pretty_print;
use crate::review::{DraftId, SuggestedEdit, SuggestedEditKind};
use crate::run::{Event, TaskDraft};
use crate::text::counted;
use crate::ui::controls::button::Button;
use crate::ui::screen::Screen;
use crate::ui::task::changes_tab::comparison;

/// The suggested edits with buttons to accept and discard them, if there are any.
#[component]
pub fn SuggestedEdits(
    screen: Screen,
    id: DraftId,
    draft: RwSignal<Arc<TaskDraft>>,
) -> impl IntoView {
    let id = StoredValue::new(id);
    let suggested_edits = Memo::new(move |_| draft.with(|draft| draft.suggested_edits.clone()));
    move || {
        let suggested_edits = suggested_edits.get();
        let last = suggested_edits.last()?;
        let (heading, accept, body) = match last.kind {
            SuggestedEditKind::Replace => {
                let current = draft.with_untracked(|draft| draft.content.text().to_owned());
                (
                    "Suggested edit".to_owned(),
                    "Accept suggested edit",
                    comparison(&current, &last.text).into_any(),
                )
            }
            SuggestedEditKind::Part => (
                format!(
                    "Suggested split into {}",
                    counted(suggested_edits.len(), "task")
                ),
                "Accept split",
                suggested_edits.iter().map(part).collect_view().into_any(),
            ),
        };
        let violations: usize = suggested_edits
            .iter()
            .map(|suggested_edit| suggested_edit.violations.len())
            .sum();
        let accept_all = move || {
            screen.send(Event::AcceptSuggestedEdits {
                draft: id.get_value(),
            });
        };
        let discard = move || {
            screen.send(Event::DiscardSuggestedEdits {
                draft: id.get_value(),
            });
        };
        Some(view! {
            <section class="suggested-edits" aria-labelledby="suggested-edits-title">
                <h3 id="suggested-edits-title">{heading}</h3>
                {(violations > 0)
                    .then(|| {
                        let violations = counted(violations, "violation");
                        view! { <p class="hint">{format!("The suggestion has {violations}.")}</p> }
                    })}
                <div class="button-row">
                    <Button icon="check" label=accept changes_run=screen on_press=accept_all/>
                    <Button icon="cross" label="Discard" changes_run=screen on_press=discard/>
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

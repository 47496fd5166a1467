//! What the model proposed for the chosen task when it was asked again.

use std::sync::Arc;

use leptos::prelude::*;

use super::changes_tab::comparison;
use super::icons::icon;
use super::screen::Screen;
use crate::document::Document;
use crate::review::layout::laid_out;
use crate::review::words::counted;
use crate::review::{DraftId, Proposal, ProposalKind};
use crate::run::{Event, TaskDraft};

/// The proposals with the way to accept or discard them, where there are some.
#[component]
pub fn Proposals(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let held = Memo::new(move |_| draft.with(|draft| draft.proposals.clone()));
    move || {
        let proposals = held.get();
        let last = proposals.last()?;
        let (heading, accept) = match last.kind {
            ProposalKind::Instead => ("The model proposes".to_owned(), "Accept the proposal"),
            ProposalKind::Part => (
                format!(
                    "The model proposes {} in its place",
                    counted(proposals.len(), "task")
                ),
                "Accept the split",
            ),
        };
        let body = match last.kind {
            ProposalKind::Instead => {
                let current = draft.with_untracked(|draft| draft.content.text().to_owned());
                comparison(&current, &last.text).into_any()
            }
            ProposalKind::Part => proposals.iter().map(part).collect_view().into_any(),
        };
        let faults: usize = proposals.iter().map(|held| held.violations.len()).sum();
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
                            screen.send(Event::AcceptProposals { draft: id.get_value() });
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
                            screen.send(Event::DiscardProposals { draft: id.get_value() });
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

fn part(proposal: &Proposal) -> impl IntoView + use<> {
    let text = Document::parse(&proposal.text).map_or_else(
        |_| proposal.text.to_string(),
        |document| laid_out(&document),
    );
    view! { <pre class="raw" tabindex="0">{text}</pre> }
}

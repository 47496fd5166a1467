//! What is odd about the tasks of the run together.

use std::sync::Arc;

use leptos::prelude::*;

use crate::review::batch_findings::{BatchFinding, batch_findings};
use crate::review::{DraftId, DraftState};
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::icon;
use crate::ui::list::listing::Listing;
use crate::ui::screen::{Screen, TaskTab, label_of};

/// How many findings are listed.
const MAX_LISTED: usize = 50;
/// How many tasks a finding links to.
const MAX_LINKS: usize = 10;

/// The findings about the tasks in the states that count. Tasks that still arrive are not judged.
pub fn findings(
    screen: Screen,
    is_counted: fn(DraftState) -> bool,
) -> Memo<Arc<Vec<BatchFinding>>> {
    let page = screen.page;
    // Compared by address first, so that decisions alone lead to no new check.
    let tasks = Memo::new(move |_| {
        page.track_drafts();
        let rows = page.rows.get();
        let counted = rows.into_iter().filter_map(|id| {
            let draft = page.draft_untracked(&id)?;
            let is_counted = page.state(&id).is_some_and(is_counted);
            is_counted.then(|| (id, draft.content.shared_text()))
        });
        counted.collect::<Vec<(DraftId, Arc<str>)>>()
    });
    Memo::new(move |_| {
        if screen.is_generating.get() {
            return Arc::default();
        }
        let delivered = screen.page.delivered_titles.get();
        Arc::new(tasks.with(|tasks| batch_findings(tasks, &screen.roles.read(), &delivered)))
    })
}

/// The line above the list, with the findings folded below it.
#[component]
pub fn Findings(screen: Screen) -> impl IntoView {
    let found = Listing::of(screen).findings;
    let count = Memo::new(move |_| found.with(|found| found.len()));
    let summary = move || counted(count.get(), "finding");
    view! {
        <Show when=move || { count.get() > 0 }>
            <details class="findings">
                <summary>{icon("warning")} {summary}</summary>
                {move || finding_list(screen, &found.get())}
            </details>
        </Show>
    }
}

/// The findings, each with links to its tasks.
pub fn finding_list(screen: Screen, found: &[BatchFinding]) -> impl IntoView + use<> {
    let items = found
        .iter()
        .take(MAX_LISTED)
        .map(|found| {
            let links = found
                .tasks
                .iter()
                .take(MAX_LINKS)
                .filter_map(|id| {
                    let draft = screen.page.draft_untracked(id)?;
                    let label = label_of(&draft, &screen.roles.read_untracked());
                    let id = id.clone();
                    let open = move || {
                        screen.dialog.set(None);
                        screen.open(id.clone(), TaskTab::Task);
                    };
                    Some(view! {
                        " "
                        <Button kind=ButtonKind::Link label on_press=open/>
                    })
                })
                .collect_view();
            let more = found.tasks.len().saturating_sub(MAX_LINKS);
            let more = (more > 0).then(|| format!(" and {}", counted(more, "other")));
            view! { <li>{found.finding.message.clone()} {links} {more}</li> }
        })
        .collect_view();
    let more = found.len().saturating_sub(MAX_LISTED);
    let more = (more > 0).then(|| view! { <li>{format!("And {}.", counted(more, "other"))}</li> });
    view! { <ul class="finding-list">{items} {more}</ul> }
}

//! The approved tasks with text that was typed and not saved, in the confirmation.

use leptos::prelude::*;

use crate::review::DraftId;
use crate::text::{truncate_chars, without_hidden};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::icon;
use crate::ui::screen::{Screen, TaskTab, title_of};

/// The id of the text that says why nothing is posted.
pub const UNSAVED_TASKS: &str = "unsaved-tasks";

/// How many tasks are listed.
const MAX_LISTED: usize = 20;
/// Longest title, in characters.
const MAX_TITLE: usize = 80;

/// The tasks with an open editor, each a way to it.
#[component]
pub fn UnsavedTasks(screen: Screen, unsaved: Memo<Vec<DraftId>>) -> impl IntoView {
    let links = move || {
        let roles = screen.roles.get_untracked();
        let ids = unsaved.get().into_iter().take(MAX_LISTED);
        ids.filter_map(|id| {
            let draft = screen.page.draft_untracked(&id)?;
            let title = title_of(&draft, &roles);
            let label = truncate_chars(&without_hidden(&title), MAX_TITLE);
            let open = move || {
                screen.dialog.set(None);
                screen.open(id.clone(), TaskTab::Task);
            };
            Some(view! {
                <li>
                    <Button kind=ButtonKind::Link label on_press=open/>
                </li>
            })
        })
        .collect_view()
    };
    view! {
        <div class="problem">
            {icon("warning")}
            <div class="body">
                <h3>"What you typed is not saved"</h3>
                <p id=UNSAVED_TASKS>
                    "Save or cancel the open edits of these tasks first. They would be posted without them."
                </p>
                <ul>{links}</ul>
            </div>
        </div>
    }
}

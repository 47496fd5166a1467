//! Moving from task to task while one is open.

use leptos::prelude::*;

use crate::review::reading_order::{neighbour, next_wanted};
use crate::review::{DraftId, DraftState};
use crate::run::Event;
use crate::ui::controls::focus::{focus_by_id, is_from_field};
use crate::ui::list::listing::Listing;
use crate::ui::screen::{Dialog, Screen, TaskTab};

/// The listed task that is to be decided about after this one. Tracks the list and the tasks.
#[must_use]
pub fn next_undecided(screen: Screen, current: &DraftId) -> Option<DraftId> {
    screen.page.track_drafts();
    let listing = Listing::of(screen);
    let is_undecided = |id: &DraftId| {
        matches!(
            screen.page.state(id),
            Some(DraftState::Ready | DraftState::Invalid | DraftState::Checking)
        )
    };
    listing
        .rows
        .with(|rows| next_wanted(&rows.ids, current, |id| listing.rank(id), is_undecided))
}

/// Approves a task and opens the next undecided one. If there is none, the task stays open.
pub fn approve_and_next(screen: Screen, id: &DraftId) {
    // The approval may remove the task from a filtered list, so the next one is found before it.
    let next = untrack(|| next_undecided(screen, id));
    screen.approve(vec![id.clone()]);
    if screen.page.state(id) != Some(DraftState::Approved) {
        return;
    }
    match next {
        Some(next) => screen.open(next, TaskTab::Task),
        None => {
            let message = "Approved. No undecided task is left in the list.";
            screen.page.announcement.set(message.to_owned());
        }
    }
}

/// Handles a key pressed in the pane of the open task.
pub fn handle_key(
    screen: Screen,
    id: &DraftId,
    is_rejecting: RwSignal<bool>,
    event: &web_sys::KeyboardEvent,
) {
    let is_command = event.ctrl_key() || event.meta_key() || event.alt_key();
    if is_command || event.is_composing() || event.default_prevented() || is_from_field(event) {
        return;
    }
    let actions = screen.actions(id);
    match event.key().as_str() {
        key @ ("j" | "k") => {
            let listing = Listing::of(screen);
            let rows = listing.rows.get_untracked();
            match neighbour(&rows.ids, id, |id| listing.rank(id), key == "j") {
                Some(next) => screen.open(next, screen.task_tab.get_untracked()),
                None => {
                    let end = if key == "j" { "last" } else { "first" };
                    let message = format!("This is the {end} task of the list.");
                    screen.page.announcement.set(message);
                }
            }
        }
        "a" if actions.can_approve => approve_and_next(screen, id),
        "a" => {
            let message = "This task cannot be approved as it is. Press j for the next one.";
            screen.page.announcement.set(message.to_owned());
        }
        "r" if actions.can_reject => {
            if !screen.refuse_if_read_only() {
                is_rejecting.set(true);
            }
        }
        "u" if actions.can_undo => screen.send(Event::UndoDecisions {
            drafts: vec![id.clone()],
        }),
        "e" => screen.edit_as_json(),
        "?" => screen.dialog.set(Some(Dialog::Shortcuts)),
        "/" => {
            // Below 1280 px the open task covers the list.
            focus_by_id("search");
        }
        _ => return,
    }
    event.prevent_default();
}

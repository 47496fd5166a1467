//! Which tasks an action on several tasks is about.

use std::collections::HashSet;

use leptos::prelude::With;

use crate::review::DraftId;
use crate::text::counted;
use crate::ui::list::listing::Listing;
use crate::ui::screen::Screen;

/// The tasks that an action on several tasks is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those that pass filter and search.
    Shown,
    /// The selected ones among those.
    Selected,
}

impl Scope {
    /// Tracks the selection and whether the list is filtered.
    #[must_use]
    pub fn of(screen: Screen) -> Scope {
        if !Listing::of(screen).selected.with(Vec::is_empty) {
            Scope::Selected
        } else if screen.is_filtered() {
            Scope::Shown
        } else {
            Scope::All
        }
    }

    /// Those of the tasks that are in the scope. Tracks it.
    #[must_use]
    pub fn filter(self, screen: Screen, ids: &[DraftId]) -> Vec<DraftId> {
        let among = |listed: &[DraftId]| {
            let listed: HashSet<&DraftId> = listed.iter().collect();
            let ids = ids.iter().filter(|id| listed.contains(id));
            ids.cloned().collect()
        };
        let listing = Listing::of(screen);
        match self {
            Scope::All => ids.to_vec(),
            Scope::Shown => listing.rows.with(|rows| among(&rows.ids)),
            Scope::Selected => listing.selected.with(|selected| among(selected)),
        }
    }
}

/// Those of the tasks that an action on several tasks is about. Tracks them.
#[must_use]
pub fn in_scope(screen: Screen, ids: &[DraftId]) -> Vec<DraftId> {
    Scope::of(screen).filter(screen, ids)
}

/// A number of tasks of a kind. It says if only the shown or the selected ones are meant.
#[must_use]
pub fn named(screen: Screen, count: usize, kind: &str) -> String {
    let scope = match Scope::of(screen) {
        Scope::All => "",
        Scope::Shown => "shown ",
        Scope::Selected => "selected ",
    };
    counted(count, &format!("{scope}{kind}task"))
}

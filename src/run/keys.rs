//! Unique task keys: of the tasks with the same key, all but its owner get a violation.
//!
//! The owner is the first task that was approved or posted, otherwise the first task with the key.
//! Keys are never changed. Rejecting or deleting a task releases its key.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::{Change, Step};
use super::{Run, TaskDraft};
use crate::delivery::DeliveryStage;
use crate::document::push_token;
use crate::review::{DraftId, Review};
use crate::schema::{UNIQUE_KEY, Violation};

/// Which drafts have which key. Derived from the drafts, never stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Keys {
    holders: HashMap<Arc<str>, Holders>,
    /// The key of each draft, by index.
    by_draft: Vec<Option<Arc<str>>>,
}

/// The drafts with a key, by ordinal.
#[derive(Debug, Clone, PartialEq)]
enum Holders {
    /// One draft, as nearly always. It owns the key.
    One(u32),
    /// Several drafts.
    Many(Box<Shared>),
}

#[derive(Debug, Clone, PartialEq)]
struct Shared {
    /// Sorted ordinals.
    all: Vec<u32>,
    owner: u32,
}

impl Keys {
    /// Sets the key of the draft at `index` and returns its previous key.
    fn replace(&mut self, index: usize, key: Option<Arc<str>>) -> Option<Arc<str>> {
        if self.by_draft.len() <= index {
            self.by_draft.resize(index + 1, None);
        }
        let entry = self.by_draft.get_mut(index)?;
        std::mem::replace(entry, key)
    }

    fn add_holder(&mut self, key: &Arc<str>, ordinal: u32) {
        self.holders
            .entry(Arc::clone(key))
            .and_modify(|holders| holders.insert(ordinal))
            .or_insert(Holders::One(ordinal));
    }

    fn remove_holder(&mut self, key: &str, ordinal: u32) {
        let is_last = match self.holders.get_mut(key) {
            Some(Holders::One(holder)) => *holder == ordinal,
            Some(Holders::Many(shared)) => {
                shared.all.retain(|held| *held != ordinal);
                shared.all.is_empty()
            }
            None => false,
        };
        if is_last {
            self.holders.remove(key);
        }
    }

    /// The key, sharing memory with an equal one.
    fn shared(&self, key: &str) -> Arc<str> {
        let existing = self.holders.get_key_value(key);
        existing.map_or_else(|| Arc::from(key), |(existing, _)| Arc::clone(existing))
    }
}

impl Holders {
    fn all(&self) -> &[u32] {
        match self {
            Holders::One(ordinal) => std::slice::from_ref(ordinal),
            Holders::Many(shared) => &shared.all,
        }
    }

    fn owner(&self) -> u32 {
        match self {
            Holders::One(ordinal) => *ordinal,
            Holders::Many(shared) => shared.owner,
        }
    }

    fn set_owner(&mut self, owner: u32) {
        if let Holders::Many(shared) = self {
            shared.owner = owner;
        }
    }

    fn insert(&mut self, ordinal: u32) {
        match self {
            Holders::One(first) if *first == ordinal => {}
            Holders::One(first) => {
                *self = Holders::Many(Box::new(Shared {
                    all: vec![ordinal.min(*first), ordinal.max(*first)],
                    owner: *first,
                }));
            }
            Holders::Many(shared) => {
                if let Err(at) = shared.all.binary_search(&ordinal) {
                    shared.all.insert(at, ordinal);
                }
            }
        }
    }
}

impl Run {
    /// Updates the key of a draft after its text, review or violations changed.
    pub(super) fn update_key(&mut self, id: &DraftId, step: &mut Step) {
        let current = self.draft(id).and_then(|draft| self.active_key(draft));
        let current = current.map(|key| self.keys.shared(&key));
        let previous = id
            .index()
            .and_then(|index| self.keys.replace(index, current.clone()));
        if let Some(previous) = previous.filter(|previous| current.as_ref() != Some(previous)) {
            self.keys.remove_holder(&previous, id.ordinal);
            self.update_holders(&previous, id.ordinal, step);
        }
        match current {
            Some(key) => {
                self.keys.add_holder(&key, id.ordinal);
                self.update_holders(&key, id.ordinal, step);
            }
            None => self.set_key_violation(id.ordinal, None, step),
        }
    }

    /// Updates all keys after the drafts were loaded.
    pub(super) fn update_all_keys(&mut self) -> Step {
        let mut step = Step::default();
        self.keys = Keys::default();
        let ids: Vec<DraftId> = self.drafts.iter().map(|draft| draft.id.clone()).collect();
        for id in ids {
            self.update_key(&id, &mut step);
        }
        step
    }

    /// Whether no other draft uses the key that a rejected or deleted draft released. Always `true` for
    /// other drafts: their violations tell.
    pub(super) fn has_unique_key(&self, draft: &TaskDraft) -> bool {
        !draft.is_discarded()
            || draft
                .key(self.schema.roles())
                .is_none_or(|key| !self.keys.holders.contains_key(key.as_str()))
    }

    /// The key of a draft; `None` if the draft is rejected or deleted.
    fn active_key(&self, draft: &TaskDraft) -> Option<String> {
        if draft.is_discarded() {
            return None;
        }
        draft.key(self.schema.roles())
    }

    /// Updates the violations of a key's holders. `changed` is the draft that was added, removed or
    /// updated; if the owner stays the same, the other holders are unaffected.
    fn update_holders(&mut self, key: &str, changed: u32, step: &mut Step) {
        let Some(holders) = self.keys.holders.get(key) else {
            return;
        };
        let is_approved_or_posted = |ordinal: &&u32| {
            self.draft_at(**ordinal).is_some_and(|draft| {
                matches!(draft.review, Review::Approved(_))
                    || draft.delivery.stage != DeliveryStage::Idle
            })
        };
        let all = holders.all();
        let Some(owner) = all
            .iter()
            .find(is_approved_or_posted)
            .or(all.first())
            .copied()
        else {
            return;
        };
        let affected: Vec<u32> = if holders.owner() == owner {
            all.iter()
                .copied()
                .filter(|ordinal| *ordinal == changed)
                .collect()
        } else {
            all.to_vec()
        };
        if let Some(holders) = self.keys.holders.get_mut(key) {
            holders.set_owner(owner);
        }
        for ordinal in affected {
            let violation = (ordinal != owner).then(|| self.duplicate_key(key, owner));
            self.set_key_violation(ordinal, violation, step);
        }
    }

    fn duplicate_key(&self, key: &str, owner: u32) -> Violation {
        let name = self.schema.roles().key.as_deref().unwrap_or_default();
        Violation {
            instance_path: push_token("", name),
            schema_path: String::new(),
            keyword: UNIQUE_KEY.to_owned(),
            message: format!("{name} “{key}” is already used by task {owner} of this run"),
            ..Violation::default()
        }
    }

    /// Sets or removes the violation about a draft's key. Does nothing while the draft is being
    /// checked.
    fn set_key_violation(&mut self, ordinal: u32, violation: Option<Violation>, step: &mut Step) {
        let id = DraftId {
            run: self.id.clone(),
            ordinal,
        };
        let is_about_key = |violation: &Violation| violation.keyword == UNIQUE_KEY;
        let existing = self.draft(&id).and_then(|draft| draft.violations.as_ref());
        let has_changed = existing.is_some_and(|existing| match &violation {
            Some(violation) => !existing.contains(violation),
            None => existing.iter().any(is_about_key),
        });
        if !has_changed {
            // An unchanged draft stays shared with the page.
            return;
        }
        let draft = self.draft_mut(&id);
        if let Some(violations) = draft.and_then(|draft| draft.violations.as_mut()) {
            violations.retain(|violation| !is_about_key(violation));
            violations.extend(violation);
            step.changes.push(Change::Draft(id));
        }
    }

    fn draft_at(&self, ordinal: u32) -> Option<&TaskDraft> {
        let index = usize::try_from(ordinal).ok()?.checked_sub(1)?;
        self.drafts.get(index).map(|draft| &**draft)
    }
}

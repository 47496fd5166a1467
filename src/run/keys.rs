//! Keys stay unique over a run: of the tasks that have the same one, all but one break a rule.
//!
//! The one that keeps it is the first that was approved or has left, else the first at all. Nothing
//! is ever renamed; what is rejected gives its key free.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::{Change, Step};
use super::{Run, TaskDraft};
use crate::delivery::receipt::Stage;
use crate::document::push_token;
use crate::review::{DraftId, Review};
use crate::schema::{UNIQUE_KEY, Violation};

/// Who has which key. Made from the drafts, never kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Keys {
    holders: HashMap<Arc<str>, Holders>,
    /// The key of each draft, by its place.
    of: Vec<Option<Arc<str>>>,
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq)]
enum Holders {
    /// One, as nearly always: it owns the key.
    One(u32),
    /// Several, in their order.
    Many(Box<Shared>),
}

#[derive(Debug, Clone, PartialEq)]
struct Shared {
    all: Vec<u32>,
    owner: u32,
}

impl Keys {
    /// Notes the key of the draft at a place, and says which one it had.
    fn put(&mut self, place: usize, key: Option<Arc<str>>) -> Option<Arc<str>> {
        if self.of.len() <= place {
            self.of.resize(place + 1, None);
        }
        let held = self.of.get_mut(place)?;
        std::mem::replace(held, key)
    }

    fn take(&mut self, key: &Arc<str>, ordinal: u32) {
        self.holders
            .entry(Arc::clone(key))
            .and_modify(|holders| holders.insert(ordinal))
            .or_insert(Holders::One(ordinal));
    }

    fn give_up(&mut self, key: &str, ordinal: u32) {
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

    /// The key, shared with those that hold it already.
    fn shared(&self, key: &str) -> Arc<str> {
        let held = self.holders.get_key_value(key);
        held.map_or_else(|| Arc::from(key), |(held, _)| Arc::clone(held))
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
    /// Looks at the key of a draft anew, after its text, its review or its check has changed.
    pub(super) fn update_key(&mut self, id: &DraftId, step: &mut Step) {
        let now = self.draft(id).and_then(|draft| self.key_of(draft));
        let now = now.map(|key| self.keys.shared(&key));
        let before = id
            .place()
            .and_then(|place| self.keys.put(place, now.clone()));
        if let Some(before) = before.filter(|before| now.as_ref() != Some(before)) {
            self.keys.give_up(&before, id.ordinal);
            self.mark_holders(&before, id.ordinal, step);
        }
        match now {
            Some(key) => {
                self.keys.take(&key, id.ordinal);
                self.mark_holders(&key, id.ordinal, step);
            }
            None => self.mark(id.ordinal, None, step),
        }
    }

    /// Looks at all keys, after the drafts came from their records.
    pub(super) fn update_all_keys(&mut self) -> Step {
        let mut step = Step::default();
        self.keys = Keys::default();
        let ids: Vec<DraftId> = self.drafts.iter().map(|draft| draft.id.clone()).collect();
        for id in ids {
            self.update_key(&id, &mut step);
        }
        step
    }

    /// Whether a draft that was rejected can have its key back. Of the others the violations say so.
    pub(super) fn has_free_key(&self, draft: &TaskDraft) -> bool {
        let is_rejected = matches!(draft.review, Review::Rejected { .. });
        !is_rejected
            || draft
                .key(self.schema.roles())
                .is_none_or(|key| !self.keys.holders.contains_key(key.as_str()))
    }

    /// The key of a draft that counts.
    fn key_of(&self, draft: &TaskDraft) -> Option<String> {
        match draft.review {
            Review::Rejected { .. } => None,
            Review::Proposed | Review::Approved(_) => draft.key(self.schema.roles()),
        }
    }

    /// Says of the holders of a key which break the rule. `changed` is the one that came, went or
    /// was looked at; where the owner stays, nothing is new about the others.
    fn mark_holders(&mut self, key: &str, changed: u32, step: &mut Step) {
        let Some(holders) = self.keys.holders.get(key) else {
            return;
        };
        let is_settled = |ordinal: &&u32| {
            self.draft_at(**ordinal).is_some_and(|draft| {
                matches!(draft.review, Review::Approved(_)) || draft.delivery.stage != Stage::Idle
            })
        };
        let all = holders.all();
        let Some(owner) = all.iter().find(is_settled).or(all.first()).copied() else {
            return;
        };
        let to_mark: Vec<u32> = match holders.owner() == owner {
            true => all
                .iter()
                .copied()
                .filter(|held| *held == changed)
                .collect(),
            false => all.to_vec(),
        };
        if let Some(holders) = self.keys.holders.get_mut(key) {
            holders.set_owner(owner);
        }
        for ordinal in to_mark {
            let broken = (ordinal != owner).then(|| self.repeated(key, owner));
            self.mark(ordinal, broken, step);
        }
    }

    fn repeated(&self, key: &str, owner: u32) -> Violation {
        let name = self.schema.roles().key.as_deref().unwrap_or_default();
        Violation {
            instance_path: push_token("", name),
            schema_path: String::new(),
            keyword: UNIQUE_KEY.to_owned(),
            message: format!("task {owner} of this run has the {name} {key:?} already"),
        }
    }

    /// Sets what a draft's violations say of its key. While it is being checked they say nothing.
    fn mark(&mut self, ordinal: u32, broken: Option<Violation>, step: &mut Step) {
        let id = DraftId {
            run: self.id.clone(),
            ordinal,
        };
        let is_of_key = |violation: &Violation| violation.keyword == UNIQUE_KEY;
        let held = self.draft(&id).and_then(|draft| draft.violations.as_ref());
        let is_new = held.is_some_and(|held| match &broken {
            Some(broken) => !held.contains(broken),
            None => held.iter().any(is_of_key),
        });
        if !is_new {
            // What does not change stays shared.
            return;
        }
        let draft = self.draft_mut(&id);
        if let Some(violations) = draft.and_then(|draft| draft.violations.as_mut()) {
            violations.retain(|violation| !is_of_key(violation));
            violations.extend(broken);
            step.changes.push(Change::Draft(id));
        }
    }

    fn draft_at(&self, ordinal: u32) -> Option<&TaskDraft> {
        let place = usize::try_from(ordinal).ok()?.checked_sub(1)?;
        self.drafts.get(place).map(|draft| &**draft)
    }
}

//! Cross-tab change notifications (`BroadcastChannel`, HTML standard, section 9.6): a tab announces
//! which records of a run it wrote, so that read-only tabs read them again.

use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::review::{DraftId, RunId};
use crate::run::Change;

const NAME: &str = "taskwright";

/// The channel between tabs. In a browser without `BroadcastChannel` it does nothing.
pub struct Tabs {
    channel: Option<BroadcastChannel>,
    /// Must live as long as the channel may call it.
    _listener: Option<Closure<dyn FnMut(MessageEvent)>>,
}

/// Which records of a run were written.
#[derive(Serialize, Deserialize)]
struct ChangeMessage {
    run: RunId,
    /// Whether the record of the run itself was written.
    head: bool,
    /// Ordinals of the drafts that were written.
    drafts: Vec<u32>,
}

impl Tabs {
    /// Opens the channel and calls `on_changes` for each message from another tab.
    #[must_use]
    pub fn open(on_changes: impl Fn(RunId, Vec<Change>) + 'static) -> Tabs {
        let channel = BroadcastChannel::new(NAME).ok();
        let listener = channel.as_ref().map(|channel| {
            let listener = Closure::new(move |event: MessageEvent| {
                let message = event
                    .data()
                    .as_string()
                    .and_then(|text| serde_json::from_str::<ChangeMessage>(&text).ok());
                if let Some(message) = message {
                    let (run, changes) = message.into_changes();
                    on_changes(run, changes);
                }
            });
            channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
            listener
        });
        Tabs {
            channel,
            _listener: listener,
        }
    }

    /// Notifies the other tabs that these records of a run were written.
    pub fn broadcast(&self, run: &RunId, changes: &[Change]) {
        let Some(channel) = &self.channel else { return };
        if let Ok(text) = serde_json::to_string(&ChangeMessage::new(run, changes)) {
            // A tab that misses a message shows its last state, and says that it is read-only.
            let _ = channel.post_message(&text.into());
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.set_onmessage(None);
            channel.close();
        }
    }
}

impl ChangeMessage {
    fn new(run: &RunId, changes: &[Change]) -> ChangeMessage {
        ChangeMessage {
            run: run.clone(),
            head: changes.contains(&Change::Run),
            drafts: changes
                .iter()
                .filter_map(|change| match change {
                    Change::Draft(id) => Some(id.ordinal),
                    Change::Run => None,
                })
                .collect(),
        }
    }

    fn into_changes(self) -> (RunId, Vec<Change>) {
        let head = self.head.then_some(Change::Run);
        let drafts = self.drafts.into_iter().map(|ordinal| {
            Change::Draft(DraftId {
                run: self.run.clone(),
                ordinal,
            })
        });
        let changes = head.into_iter().chain(drafts).collect();
        (self.run, changes)
    }
}

//! Word between the tabs of this page (`BroadcastChannel`, HTML standard, section 9.6): which
//! records of a run were written, so that tabs that look on read them anew.

use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::review::{DraftId, RunId};
use crate::run::Change;

const NAME: &str = "taskwright";

/// The channel between tabs. Where a browser has none, nothing is told and nothing is heard.
pub struct Tabs {
    channel: Option<BroadcastChannel>,
    /// Lives as long as the channel may call it.
    _listener: Option<Closure<dyn FnMut(MessageEvent)>>,
}

/// What was written of a run.
#[derive(Serialize, Deserialize)]
struct Word {
    run: RunId,
    head: bool,
    drafts: Vec<u32>,
}

impl Tabs {
    /// Opens the channel; what other tabs wrote is handed to `heard`.
    #[must_use]
    pub fn open(heard: impl Fn(RunId, Vec<Change>) + 'static) -> Tabs {
        let channel = BroadcastChannel::new(NAME).ok();
        let listener = channel.as_ref().map(|channel| {
            let listener = Closure::new(move |message: MessageEvent| {
                let word = message
                    .data()
                    .as_string()
                    .and_then(|text| serde_json::from_str::<Word>(&text).ok());
                if let Some(word) = word {
                    let (run, changes) = word.read();
                    heard(run, changes);
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

    /// Tells other tabs what was written of a run.
    pub fn tell(&self, run: &RunId, changes: &[Change]) {
        let Some(channel) = &self.channel else { return };
        if let Ok(text) = serde_json::to_string(&Word::of(run, changes)) {
            // A tab that hears nothing shows what it read last, and says so.
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

impl Word {
    fn of(run: &RunId, changes: &[Change]) -> Word {
        Word {
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

    fn read(self) -> (RunId, Vec<Change>) {
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

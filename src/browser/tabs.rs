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
    /// Whether the setup was written.
    setup: bool,
    /// Whether the state of the run itself was written.
    state: bool,
    /// Numbers of the requests that were written.
    requests: Vec<u32>,
    /// Numbers of the requests whose raw response was written.
    responses: Vec<u32>,
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
        let mut message = ChangeMessage {
            run: run.clone(),
            setup: false,
            state: false,
            requests: Vec::new(),
            responses: Vec::new(),
            drafts: Vec::new(),
        };
        for change in changes {
            match change {
                Change::Setup => message.setup = true,
                Change::Run => message.state = true,
                Change::Request(number) => message.requests.push(*number),
                Change::Response(number) => message.responses.push(*number),
                Change::Draft(id) => message.drafts.push(id.ordinal),
            }
        }
        message
    }

    fn into_changes(self) -> (RunId, Vec<Change>) {
        let run = self.run;
        let drafts = self.drafts.into_iter().map(|ordinal| {
            Change::Draft(DraftId {
                run: run.clone(),
                ordinal,
            })
        });
        let changes = self
            .setup
            .then_some(Change::Setup)
            .into_iter()
            .chain(self.state.then_some(Change::Run))
            .chain(self.requests.into_iter().map(Change::Request))
            .chain(self.responses.into_iter().map(Change::Response))
            .chain(drafts)
            .collect();
        (run, changes)
    }
}

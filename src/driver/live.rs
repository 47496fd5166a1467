//! Carries out a live run: asks the model (see [`super::model_call`]), posts the tasks.

use std::cell::RefCell;
use std::rc::Rc;

use super::Report;
use crate::delivery::rest::{self, ServerReply};
use crate::delivery::{DeliveryOutcome, look_up};
use crate::ports::{ModelTransport, TaskSink};
use crate::review::{Approval, DraftId};
use crate::run::{Event, Posting};
use crate::secrets::{Keyring, Secret, SecretName};
use crate::settings::TaskServer;

/// The driver of live runs.
pub struct LiveDriver<M, T> {
    pub(super) model: M,
    tasks: T,
    pub(super) secrets: Rc<RefCell<Keyring>>,
}

impl<M: ModelTransport, T: TaskSink> LiveDriver<M, T> {
    /// A driver that takes secrets from `secrets` when it needs them.
    pub fn new(model: M, tasks: T, secrets: Rc<RefCell<Keyring>>) -> Self {
        LiveDriver {
            model,
            tasks,
            secrets,
        }
    }

    /// Posts one task, once. `now` says when the answer was there, in milliseconds since 1970.
    pub async fn deliver(
        &self,
        server: Option<&TaskServer>,
        posting: Posting,
        now: impl Fn() -> u64,
        report: &dyn Fn(Report),
    ) {
        let outcome = match server.map(|server| (server, self.take_token(server))) {
            None => rest::outcome(&not_configured(), now()),
            Some((_, None)) => rest::outcome(&ServerReply::NoToken, now()),
            Some((server, Some(token))) => {
                post(&self.tasks, server, &posting.approval, &token, now).await
            }
        };
        report(Report::event(Event::Answered {
            draft: posting.draft,
            attempt: posting.attempt,
            outcome,
        }));
    }

    /// Asks the server for a task by its key. `now` says when the answer was there, in milliseconds
    /// since 1970.
    pub async fn look_up(
        &self,
        server: Option<&TaskServer>,
        draft: DraftId,
        key: &str,
        now: impl Fn() -> u64,
        report: &dyn Fn(Report),
    ) {
        let answer = match server.map(|server| (server, self.take_token(server))) {
            None => look_up::read(&not_configured(), key, now()),
            Some((_, None)) => look_up::read(&ServerReply::NoToken, key, now()),
            Some((server, Some(token))) => {
                let request = look_up::request(server, key);
                let answer = self.tasks.look_up(&request, &token).await;
                look_up::read(&answer, key, now()).with_words(|text| token.taken_out_of(text))
            }
        };
        report(Report::event(Event::LookedUp { draft, answer }));
    }

    /// The server's token, copied: it is held only while a request is put together.
    fn take_token(&self, server: &TaskServer) -> Option<Secret> {
        let secrets = self.secrets.borrow();
        let held = secrets.get(SecretName::AgentToken, &server.url)?;
        held.copy_for(&server.url).ok()
    }
}

/// Posts an approved body, once, and says what came of it. A token that the server repeats is
/// taken out of its words.
async fn post<T: TaskSink>(
    tasks: &T,
    server: &TaskServer,
    approval: &Approval,
    token: &Secret,
    now: impl Fn() -> u64,
) -> DeliveryOutcome {
    let answer = tasks.post(&rest::request(server, approval), token).await;
    rest::outcome(&answer, now()).with_words(|text| token.taken_out_of(text))
}

fn not_configured() -> ServerReply {
    ServerReply::NotSent {
        message: "No task server is configured.".to_owned(),
    }
}

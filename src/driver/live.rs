//! Executes the effects of a live run: calls the model (see [`super::model_call`]), posts tasks and
//! looks them up.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::Report;
use crate::delivery::response::{self, Redirect, Sent, ServerReply, redirect};
use crate::delivery::{look_up, request};
use crate::http::{HttpRequest, PrepareError, PreparedRequest};
use crate::ports::{ModelTransport, TaskSink};
use crate::review::DraftId;
use crate::run::{Event, Posting};
use crate::secrets::Keyring;
use crate::settings::TaskServer;

/// The driver of live runs.
pub struct LiveDriver<M, T> {
    pub(super) model: M,
    tasks: T,
    pub(super) secrets: Rc<RefCell<Keyring>>,
}

impl<M: ModelTransport, T: TaskSink> LiveDriver<M, T> {
    /// Creates a driver that takes the secrets of a request from `secrets` when it sends it.
    pub fn new(model: M, tasks: T, secrets: Rc<RefCell<Keyring>>) -> Self {
        LiveDriver {
            model,
            tasks,
            secrets,
        }
    }

    /// Posts one task, once. `now` returns the time of the response, in milliseconds since 1970.
    pub async fn deliver(
        &self,
        server: Option<&TaskServer>,
        posting: Posting,
        now: impl Fn() -> u64,
        report: &dyn Fn(Report),
    ) {
        let mut redactor = None;
        let reply = match self.prepare(server, |server| request::post(server, &posting.approval)) {
            Err(reply) => reply,
            Ok(request) => {
                let reply = self.tasks.post(&request).await;
                let reply = reply.redacted(request.redactor());
                redactor = Some(Arc::clone(request.redactor()));
                self.with_known_redirect(reply, &request.request().url)
                    .await
            }
        };
        let url = server.map(TaskServer::tasks_url).unwrap_or_default();
        let template = server.and_then(|server| server.body_template.as_ref());
        let id_pointer = server.and_then(|server| server.id_pointer.as_deref());
        let sent = Sent::new(&url, &posting.approval.body, template).with_id_at(id_pointer);
        let mut outcome = response::outcome(&reply, &sent, now());
        if let Some(redactor) = redactor {
            outcome = outcome.with_redacted_reasons(&redactor);
        }
        report(Report::event(Event::AttemptEnded {
            draft: posting.draft,
            attempt: posting.attempt,
            outcome,
        }));
    }

    /// The reply to a post of `url`. If the browser hides where it redirects, two `GET`s without a token
    /// may prove that it only adjusts the slash.
    async fn with_known_redirect(&self, reply: ServerReply, url: &str) -> ServerReply {
        let is_hidden = matches!(
            reply,
            ServerReply::Redirected {
                redirect: Redirect::Hidden
            }
        );
        let Some(other) = redirect::other_spelling(url).filter(|_| is_hidden) else {
            return reply;
        };
        let posted = self.probe(url).await;
        let other = self.probe(&other).await;
        ServerReply::Redirected {
            redirect: redirect::of_probes(&posted, &other),
        }
    }

    async fn probe(&self, url: &str) -> ServerReply {
        let prepared = request::probe(url).prepare(&self.secrets.borrow());
        match prepared {
            Ok(request) => self.tasks.look_up(&request).await,
            Err(error) => ServerReply::NotSent {
                message: error.to_string(),
            },
        }
    }

    /// Looks a task up on the server by its key. `now` returns the time of the response, in
    /// milliseconds since 1970.
    pub async fn look_up(
        &self,
        server: Option<&TaskServer>,
        draft: DraftId,
        key: &str,
        now: impl Fn() -> u64,
        report: &dyn Fn(Report),
    ) {
        let reply = match self.prepare(server, |server| look_up::request(server, key)) {
            Err(reply) => reply,
            Ok(request) => {
                let reply = self.tasks.look_up(&request).await;
                reply.redacted(request.redactor())
            }
        };
        let result = look_up::read(&reply, key, now());
        report(Report::event(Event::LookedUp {
            draft,
            key: key.to_owned(),
            result,
        }));
    }

    /// Prepares a request to the task server. Returns the reply to report instead if the request
    /// cannot be sent.
    fn prepare(
        &self,
        server: Option<&TaskServer>,
        build: impl FnOnce(&TaskServer) -> HttpRequest,
    ) -> Result<PreparedRequest, ServerReply> {
        let server = server.ok_or_else(|| ServerReply::NotSent {
            message: "No task server is configured.".to_owned(),
        })?;
        build(server)
            .prepare(&self.secrets.borrow())
            .map_err(|error| match error {
                PrepareError::Missing { .. } => ServerReply::NoToken,
                other => ServerReply::NotSent {
                    message: other.to_string(),
                },
            })
    }
}

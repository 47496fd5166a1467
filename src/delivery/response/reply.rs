//! A task server's reply, as far as a page can see it.

use crate::secrets::Redactor;

/// A task server's reply, as far as a page can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerReply {
    /// An HTTP response.
    Http {
        /// The status.
        status: u16,
        /// `Content-Type`, if there is one.
        content_type: Option<String>,
        /// `Retry-After`, if CORS exposes it.
        retry_after: Option<String>,
        /// `Location`, if CORS exposes it. Of a 2xx, it identifies what was created (RFC 9110, section
        /// 10.2.2).
        location: Option<String>,
        /// Whether `Idempotent-Replayed: true` is present and exposed.
        replayed: bool,
        /// The body, at most [`MAX_BODY_BYTES`](super::MAX_BODY_BYTES) of it.
        body: String,
    },
    /// A redirect. It is never followed.
    Redirected {
        /// What it is known to do.
        redirect: Redirect,
    },
    /// No HTTP response that the page can see: a refused connection, a preflight that failed, a
    /// missing CORS header on an error, and a lost response look the same.
    None {
        /// The browser's message.
        message: String,
    },
    /// No response within the timeout.
    TimedOut {
        /// The timeout in milliseconds.
        milliseconds: u32,
    },
    /// The request was not sent: no token is held for this server.
    NoToken,
    /// The request was not sent.
    NotSent {
        /// Why.
        message: String,
    },
}

/// What is known about a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// It demonstrably only adds or removes the trailing slash, so the server did not take the task.
    AdjustsSlash,
    /// It leads elsewhere.
    Elsewhere,
    /// The browser hides status and target.
    Hidden,
}

impl ServerReply {
    /// The reply without any secret that the server repeats in it. Everything that is read from a reply
    /// is read afterwards, so that no secret can be truncated before it is found.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> ServerReply {
        match self {
            ServerReply::Http {
                status,
                content_type,
                retry_after,
                location,
                replayed,
                body,
            } => ServerReply::Http {
                status,
                content_type: content_type.map(|text| redactor.redact(&text)),
                // Only a time is read from it.
                retry_after,
                location: location.map(|text| redactor.redact(&text)),
                replayed,
                body: redactor.redact_body(&body).into_owned(),
            },
            ServerReply::None { message } => ServerReply::None {
                message: redactor.redact(&message),
            },
            ServerReply::NotSent { message } => ServerReply::NotSent {
                message: redactor.redact(&message),
            },
            other @ (ServerReply::Redirected { .. }
            | ServerReply::TimedOut { .. }
            | ServerReply::NoToken) => other,
        }
    }
}

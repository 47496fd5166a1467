//! The traits through which effects reach the world. The browser implements them at the border;
//! tests implement them in memory. Nothing here is `Send`: a page has one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::delivery::response::ServerReply;
use crate::http::PreparedRequest;
use crate::model::End;

/// What arrives of a model's answer.
#[derive(Debug)]
pub enum ResponsePart<'a> {
    /// Status and headers; always first.
    Head {
        /// The HTTP status.
        status: u16,
        /// Header values by lower-case name, as far as the page may read them.
        headers: Vec<(String, String)>,
        /// When they came, in milliseconds since 1970.
        at: u64,
    },
    /// Bytes of the body.
    Bytes(&'a [u8]),
}

/// How a call to the model ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// There was an answer, and its body ended so.
    Answered(End),
    /// There was none: unreachable, refused, hidden by CORS, or redirected.
    Unreachable {
        /// What the browser said.
        reason: String,
    },
    /// The request could not be made, so nothing left.
    NotSent {
        /// What stood in the way.
        reason: String,
    },
    /// It was stopped before there was one.
    Stopped,
}

/// How long a call to a model may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Longest time without a byte, in milliseconds.
    pub idle: u32,
    /// Longest time for the whole call, in milliseconds.
    pub total: u32,
}

/// Asks a model. Never follows a redirect, sends no cookies and no referrer.
pub trait ModelTransport {
    /// Sends `request` and hands over what arrives until the body ends, `stop` is given, or one of
    /// the `timeouts` is over.
    fn call(
        &self,
        request: &PreparedRequest,
        timeouts: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>),
    ) -> impl Future<Output = CallEnd>;
}

/// Posts a task. Never follows a redirect, sends no cookies and no referrer.
pub trait TaskSink {
    /// Posts one task, once.
    fn post(&self, request: &PreparedRequest) -> impl Future<Output = ServerReply>;
    /// Looks a task up.
    fn look_up(&self, request: &PreparedRequest) -> impl Future<Output = ServerReply>;
}

/// What time it is, and waiting.
pub trait Clock {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// Comes back after so many milliseconds; with 0 as soon as the page had a chance to be drawn.
    fn sleep(&self, milliseconds: u32) -> impl Future<Output = ()>;
}

/// Which shelf a record stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Runs, by id.
    Runs,
    /// Drafts with their attempts, by run and ordinal.
    Drafts,
}

impl Table {
    /// Its name in a database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Runs => "runs",
            Table::Drafts => "drafts",
        }
    }
}

/// One record to be kept: JSON text under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The shelf.
    pub table: Table,
    /// The key; an earlier record under it is replaced.
    pub key: String,
    /// The record.
    pub text: String,
}

/// How sure a write must be before it counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives the page.
    Relaxed,
    /// It survives the machine, as far as the browser can say.
    Strict,
}

/// Why nothing could be kept or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no storage for this page, as in some private windows.
    #[error("this browser keeps nothing for this page: {reason}")]
    Unavailable {
        /// What the browser said.
        reason: String,
    },
    /// There is no room left.
    #[error("there is no room left to keep this: {reason}")]
    Full {
        /// What the browser said.
        reason: String,
    },
    /// Another tab holds an older version of the page open.
    #[error("another tab keeps an older version of this page open")]
    Blocked,
    /// Anything else.
    #[error("it could not be kept: {reason}")]
    Failed {
        /// What the browser said.
        reason: String,
    },
}

impl StoreError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => "store_unavailable",
            StoreError::Full { .. } => "store_full",
            StoreError::Blocked => "store_blocked",
            StoreError::Failed { .. } => "store_failed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => {
                "Open the page in an ordinary window. Here a reload loses what is on the screen, and nothing can be posted live."
            }
            StoreError::Full { .. } => {
                "Make room on the disk, or clear this site's data once its tasks are delivered. What is on the screen stays."
            }
            StoreError::Blocked => "Close or reload the other tabs of this page.",
            StoreError::Failed { .. } => "Try again; what is on the screen stays.",
        }
    }
}

/// Keeps records.
pub trait Store {
    /// Writes all of `entries` or none, and comes back once they are committed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    fn write(
        &self,
        entries: Vec<Entry>,
        durability: Durability,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// The record under a key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(
        &self,
        table: Table,
        key: &str,
    ) -> impl Future<Output = Result<Option<String>, StoreError>>;

    /// Every record whose key begins with `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_all(
        &self,
        table: Table,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>>;
}

/// A stop that can be given once and be heard by whatever is under way.
#[derive(Clone, Default)]
pub struct StopSignal {
    inner: Rc<StopInner>,
}

#[derive(Default)]
struct StopInner {
    stopped: Cell<bool>,
    listener: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl StopSignal {
    /// Gives the stop. Further calls do nothing.
    pub fn stop(&self) {
        self.inner.stopped.set(true);
        let listener = self.inner.listener.borrow_mut().take();
        if let Some(listener) = listener {
            listener();
        }
    }

    /// Whether it was given.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.inner.stopped.get()
    }

    /// Calls `listener` when the stop is given, at once where it was. One listener at a time.
    pub fn on_stop(&self, listener: impl FnOnce() + 'static) {
        if self.is_stopped() {
            listener();
        } else {
            *self.inner.listener.borrow_mut() = Some(Box::new(listener));
        }
    }
}

impl std::fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StopSignal")
            .field(&self.is_stopped())
            .finish()
    }
}

//! The traits that effects use for I/O. The `browser` module implements them for the page, tests
//! implement them in memory. Nothing here is `Send`, because a page has one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::delivery::response::ServerReply;
use crate::http::PreparedRequest;
use crate::model::End;

/// A part of a model's response, as it arrives.
#[derive(Debug)]
pub enum ResponsePart<'a> {
    /// Status and headers; always first.
    Head {
        /// The HTTP status.
        status: u16,
        /// Header values by lower-case name, as far as CORS exposes them.
        headers: Vec<(String, String)>,
        /// When they arrived, in milliseconds since 1970.
        at: u64,
    },
    /// Bytes of the body.
    Bytes(&'a [u8]),
}

/// What the reader of a response still needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Everything until the body ends; the model has not begun to write.
    FirstToken,
    /// Everything until the body ends.
    All,
    /// What follows soon: the outcome is known, but the token usage may follow.
    Rest {
        /// Whether this part contained an event, and not only a comment that keeps the connection
        /// open: then there may be more.
        is_news: bool,
    },
    /// Nothing: reading can end.
    Nothing,
}

/// How a call to the model ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// The endpoint responded, or a timeout expired; [`End`] tells how the body ended.
    Responded(End),
    /// There was no response: unreachable, refused, hidden by CORS, or redirected.
    Unreachable {
        /// The browser's message.
        reason: String,
    },
    /// There was no connection, so nothing was sent. A page cannot tell this from
    /// [`CallEnd::Unreachable`].
    NotConnected {
        /// The message of the network.
        reason: String,
    },
    /// The request could not be built and was not sent.
    NotSent {
        /// Why not.
        reason: String,
    },
    /// It was stopped before there was a response.
    Stopped,
}

/// How long a call to a model may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Longest time until the model begins to write, in milliseconds.
    pub first_token: u32,
    /// Longest time without a byte, in milliseconds.
    pub idle: u32,
    /// Longest time for the whole call, in milliseconds.
    pub total: u32,
}

/// Calls a model. Never follows a redirect, sends no cookies and no referrer.
pub trait ModelTransport {
    /// Sends `request` and passes each part of the response to `on_part`, until the body ends,
    /// `on_part` needs no more, `stop` is signalled, or one of the `timeouts` expires.
    fn call(
        &self,
        request: &PreparedRequest,
        timeouts: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> impl Future<Output = CallEnd>;
}

/// Posts tasks. Never follows a redirect, sends no cookies and no referrer.
pub trait TaskSink {
    /// Posts one task, once.
    fn post(&self, request: &PreparedRequest) -> impl Future<Output = ServerReply>;
    /// Looks up one task.
    fn look_up(&self, request: &PreparedRequest) -> impl Future<Output = ServerReply>;
}

/// Time and timers.
pub trait Clock {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// Waits for that many milliseconds. With 0 it only lets the page handle input and repaint.
    fn sleep(&self, milliseconds: u32) -> impl Future<Output = ()>;
}

/// A table of records. The key of a record is the run's id, or starts with it and a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// The state of each run, by run. The list of runs reads nothing else.
    Runs,
    /// Brief, connection and schema of each run, by run.
    Setups,
    /// Requests to the model with their calls, by run and number.
    Requests,
    /// The raw response to each request, by run and number.
    Responses,
    /// Drafts with their attempts, by run and ordinal.
    Drafts,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 5] = [
        Table::Runs,
        Table::Setups,
        Table::Requests,
        Table::Responses,
        Table::Drafts,
    ];

    /// The table's name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Runs => "runs",
            Table::Setups => "setups",
            Table::Requests => "requests",
            Table::Responses => "responses",
            Table::Drafts => "drafts",
        }
    }
}

/// A record to write: JSON text under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table.
    pub table: Table,
    /// The key. An earlier record with this key is replaced.
    pub key: String,
    /// The JSON text.
    pub text: String,
}

/// What a write must survive before it counts as committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The page may crash.
    Relaxed,
    /// The machine may crash, as far as the browser can guarantee it.
    Strict,
}

/// Why records could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no storage for this page, as in some private windows.
    #[error("this browser has no storage for this page: {reason}")]
    Unavailable {
        /// The browser's message.
        reason: String,
    },
    /// No space is left.
    #[error("the browser's storage is full: {reason}")]
    Full {
        /// The browser's message.
        reason: String,
    },
    /// Another tab has an older version of the page open.
    #[error("another tab has an older version of this page open")]
    Blocked,
    /// A newer version of the page stored data in this browser.
    #[error("a newer version of this page has stored data in this browser")]
    Newer,
    /// The records were deleted while the page was open. Nothing was written.
    #[error("the browser deleted what this page had stored")]
    Cleared,
    /// Anything else.
    #[error("the browser's storage failed: {reason}")]
    Failed {
        /// The browser's message.
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
            StoreError::Newer => "store_newer",
            StoreError::Cleared => "store_cleared",
            StoreError::Failed { .. } => "store_failed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => {
                "Open the page in a regular (not private) window. In this one a reload loses everything on the page, and nothing can be posted live."
            }
            StoreError::Full { .. } => {
                "Open Runs and delete raw responses or runs that you no longer need, or free some disk space. The tasks on the page are not lost."
            }
            StoreError::Blocked => "Close or reload the other tabs of this page.",
            StoreError::Newer => "Reload the page to get the newer version. Nothing was changed.",
            StoreError::Cleared => {
                "The run on the page is stored again. Other runs that this browser had stored are lost."
            }
            StoreError::Failed { .. } => "Try again. The tasks on the page are not lost.",
        }
    }
}

/// A store of records.
pub trait Store {
    /// Writes all of `entries` or none, and returns once they are committed.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written. [`StoreError::Cleared`] means that all earlier records
    /// are gone; the next write creates the store again.
    fn write(
        &self,
        entries: Vec<Entry>,
        durability: Durability,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Returns the record with this key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(
        &self,
        table: Table,
        key: &str,
    ) -> impl Future<Output = Result<Option<String>, StoreError>>;

    /// Returns all records whose key starts with `prefix`, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_all(
        &self,
        table: Table,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>>;

    /// Deletes all records of these tables whose key starts with `prefix`, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was deleted.
    fn delete(
        &self,
        tables: &[Table],
        prefix: &str,
    ) -> impl Future<Output = Result<(), StoreError>>;
}

/// A signal to stop whatever is in progress. Clones share it, and it is signalled at most once.
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
    /// Signals the stop. Further calls do nothing.
    pub fn stop(&self) {
        self.inner.stopped.set(true);
        let listener = self.inner.listener.borrow_mut().take();
        if let Some(listener) = listener {
            listener();
        }
    }

    /// Whether the stop was signalled.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.inner.stopped.get()
    }

    /// Calls `listener` when the stop is signalled, or immediately if it already was. A new listener
    /// replaces the previous one.
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

//! The pieces that the module is cut into, so that the page answers before all of it has arrived.
//!
//! With the feature `split`, each function declared by [`piece_entry!`] is the entrance to a piece:
//! calling it loads the piece's file first. What only such functions reach is in that file. Without
//! the feature the module is one file, and the functions are ready at once.

pub mod validator;
pub mod vault;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The file of a piece could not be loaded. Calling the function again tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of Taskwright could not be loaded")]
pub struct NotLoaded;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for NotLoaded {
    fn from(_error: wasm_split_helpers::SplitLoaderError) -> Self {
        NotLoaded
    }
}

/// Declares an entrance to a piece: an asynchronous function that returns `Result<_, NotLoaded>`,
/// and one that only loads the piece.
///
/// ```text
/// piece_entry! {
///     /// Documentation.
///     validator(load_validator): fn compile(schema: TaskSchema) -> Outcome { … }
/// }
/// ```
macro_rules! piece_entry {
    (
        $(#[$attribute:meta])*
        $piece:ident($load:ident): $vis:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $output:ty $body:block
    ) => {
        #[cfg(feature = "split")]
        #[wasm_split_helpers::wasm_split($piece, fallible, preload(#[allow(unsafe_code, missing_docs, clippy::missing_errors_doc)] $load))]
        // The splitter finds the entrances by their exported names, which Rust calls unsafe.
        #[allow(unsafe_code)]
        $(#[$attribute])*
        $vis fn $name($($argument: $type),*) -> Result<$output, $crate::pieces::NotLoaded> {
            Ok($body)
        }

        #[cfg(not(feature = "split"))]
        $(#[$attribute])*
        $vis async fn $name($($argument: $type),*) -> Result<$output, $crate::pieces::NotLoaded> {
            Ok($body)
        }

        #[cfg(not(feature = "split"))]
        #[allow(missing_docs, clippy::missing_errors_doc)]
        $vis async fn $load() -> Result<(), $crate::pieces::NotLoaded> {
            Ok(())
        }
    };
}
pub(crate) use piece_entry;

/// Runs a future: at once as far as it is ready, which it is if it waits only for pieces that are
/// loaded, and the rest when it can continue.
pub fn run(future: impl Future<Output = ()> + 'static) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    if future.as_mut().poll(&mut context).is_pending() {
        // The executor polls it again with a waker of its own.
        wasm_bindgen_futures::spawn_local(future);
    }
}

/// The result of a future that is ready at once: of a function whose piece is loaded.
pub fn if_ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

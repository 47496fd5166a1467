//! The JavaScript and TypeScript API of `pkg/`.
//!
//! ```text
//! JavaScript value ── JSON text ───────────→ input type ─→ the module's own type
//!                     arguments              brief, settings, batch, delivery   │
//! JavaScript value ←─ serde-wasm-bindgen ── `Js…` type ←────────────────────────┘
//!                     arguments::to_js       events, outcome, generation, receipt, batch
//! ```
//!
//! Arguments cross as the JSON text that `JSON.stringify` returns for them, so that getters, proxies
//! and cycles are dealt with in one place, and are then read by serde. Results are plain objects,
//! never a `Map`; a member that is unknown is absent, never `null`. A task crosses as a string with
//! its exact text, and a schema as JSON text, because JavaScript numbers cannot hold all of theirs.
//! The input types and `Js…` types belong to this module, so that a change of the inner types does
//! not change the API.
//!
//! `mount` puts the page into an element; importing the module mounts nothing. Everything except
//! the conversion to and from JavaScript values compiles natively and is tested there. A module that
//! is cut into pieces (feature `split`) exports `mount` only: what else it exported could be called
//! before its piece is loaded, so all of it would be in the first file.

pub mod batch;
pub mod brief;
pub mod delivery;
pub mod error;
pub mod events;
pub mod generation;
mod number;
pub mod outcome;
pub mod receipt;
mod schema;
pub mod settings;
mod shape;

#[cfg(target_arch = "wasm32")]
pub mod arguments;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
mod event_objects;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
pub mod functions;
#[cfg(target_arch = "wasm32")]
pub mod mount;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
mod signal;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
pub mod stream;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
mod text_buffer;
#[cfg(all(target_arch = "wasm32", not(feature = "split")))]
pub mod validator;

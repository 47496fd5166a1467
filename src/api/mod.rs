//! What `pkg/` gives to JavaScript and TypeScript.
//!
//! ```text
//! JavaScript value ─ arguments ─→ border type ─→ the module's own type
//!                                 error, brief, settings                │
//! JavaScript value ←─ JSON text ←─ border type ←────────────────────────┘
//!                                 events, outcome, generation, receipt, batch
//! ```
//!
//! Plain values cross as JSON text, in both directions: what comes out is what `JSON.parse` makes
//! of it (objects, never a `Map`; a member that is not known is absent, never `null`), and what
//! comes in is what `JSON.stringify` makes of it. A task crosses as a string that holds its exact
//! text. The border types are this module's own, so that a change inside is no change outside.
//!
//! `mount` puts the page into an element; nothing mounts on import. Everything but the last step to
//! a JavaScript value compiles and is tested natively.

pub mod batch;
pub mod brief;
pub mod delivery;
pub mod error;
pub mod events;
pub mod generation;
pub mod outcome;
pub mod receipt;
pub mod settings;
mod shape;

#[cfg(target_arch = "wasm32")]
pub mod arguments;
#[cfg(target_arch = "wasm32")]
mod event_objects;
#[cfg(target_arch = "wasm32")]
pub mod functions;
#[cfg(target_arch = "wasm32")]
mod mount;
#[cfg(target_arch = "wasm32")]
mod signal;
#[cfg(target_arch = "wasm32")]
pub mod stream;
#[cfg(target_arch = "wasm32")]
mod text_buffer;
#[cfg(target_arch = "wasm32")]
pub mod validator;

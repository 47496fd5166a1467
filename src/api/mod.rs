//! The JavaScript and TypeScript surface, and the one place where the parts are put together.
//!
//! `surface` is what the module gives to JavaScript without its page. Of the page,
//! `engine` runs a run over the ports, `office` is what stands behind the page's desk, `mount`
//! puts the page into an element. Nothing mounts on import.

#[cfg(target_arch = "wasm32")]
mod engine;
#[cfg(target_arch = "wasm32")]
mod mount;
#[cfg(target_arch = "wasm32")]
mod office;
#[cfg(target_arch = "wasm32")]
mod panic_page;
pub mod surface;

//! The JavaScript and TypeScript surface, and the one place where the parts are put together.
//!
//! `engine` runs a run over the ports, `office` is what stands behind the page's desk, `mount`
//! puts the page into an element. Nothing mounts on import.

mod engine;
mod mount;
mod office;
mod panic_page;

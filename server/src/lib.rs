//! The task server that comes along with Taskwright: it takes tasks at `POST /tasks`, checks them
//! against the schema the page uses, and stores them durably before it confirms them.
//!
//! [`Server::bind`] makes everything ready, [`Server::run`] serves until it is asked to stop;
//! [`program`] is both as a program.
//!
//! The way of a request: [`connection`] → [`app`] (log, security headers, [`cors`], [`problem`],
//! draining) → [`tasks`] → [`store`]. [`pages`] serves the page beside it.

pub mod agent_config;
pub mod app;
pub mod connection;
pub mod cors;
pub mod enforced_schema;
pub mod openapi;
pub mod options;
pub mod pages;
pub mod problem;
pub mod program;
pub mod rate_limit;
pub mod server;
pub mod signals;
pub mod start_error;
pub mod store;
pub mod tasks;
pub mod tls;
pub mod tokens;
pub mod write_timeout;

pub use options::Options;
pub use server::Server;
pub use start_error::StartError;

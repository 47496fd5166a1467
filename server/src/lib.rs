//! The task server bundled with Taskwright. It accepts tasks at `POST /tasks`, validates them against
//! a JSON Schema, and stores them durably before it confirms them.
//!
//! [`Server::bind`] sets up the server, [`Server::run`] serves until it is asked to stop, and
//! [`program`] wraps both in a command-line program.
//!
//! A request passes [`connection`] → [`app`] (log, security headers, [`cors`], [`problem`],
//! draining) → [`tasks`] → [`store`]. [`pages`] serves the page, from a folder or from [`embedded_files`],
//! and [`gateway`] passes requests on to a model endpoint.
//!
//! [`secret_sources`] names the places of the agent tokens and of the model's key, [`vault`] is one of
//! them, and [`secret_refresh`] reads them again while the server runs.

pub mod address_slots;
pub mod agent_config;
pub mod app;
pub mod caller;
pub mod client_address;
pub mod connection;
pub mod cors;
pub mod embedded_files;
pub mod enforced_schema;
pub mod environment;
pub mod gateway;
pub mod named_secrets;
pub mod openapi;
pub mod options;
pub mod outbound;
pub mod pages;
pub mod problem;
pub mod program;
pub mod rate_limit;
pub mod request_body;
pub mod response_clock;
pub mod scope;
pub mod secret_refresh;
pub mod secret_sources;
pub mod secret_text;
pub mod server;
pub mod signals;
pub mod start_error;
pub mod store;
pub mod tasks;
pub mod tls;
pub mod tokens;
pub mod vault;
pub mod write_timeout;
pub mod wrong_tokens;

pub use environment::Environment;
pub use options::Options;
pub use server::Server;
pub use start_error::StartError;

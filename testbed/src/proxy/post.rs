//! The record of a `POST` that came through the proxy.

use serde::Serialize;

use super::fault::Fault;
use super::plan::Plan;

/// A `POST` and what was done to it.
#[derive(Clone, Debug, Serialize)]
pub struct Post {
    /// Its number in the order of arrival, from 1.
    pub number: u64,
    /// When it had arrived completely, in milliseconds since 1970.
    pub at_ms: u64,
    /// The method, which is `POST`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The value of `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The fault that was injected.
    pub fault: Option<Fault>,
    /// Whether the proxy connected to the upstream to forward it. If false, the upstream has
    /// certainly not received it.
    pub reached_upstream: bool,
    /// The status of the upstream's response; absent if there was none.
    pub upstream_status: Option<u16>,
    /// The status that was sent to the client; absent if the connection was closed or reset.
    pub answered: Option<u16>,
    /// Whether the proxy is done with it.
    pub finished: bool,
}

/// The plan, and every `POST` since it was set.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The current plan.
    pub plan: Plan,
    /// The `POST`s in the order of arrival, without the oldest if there were too many.
    pub posts: Vec<Post>,
    /// How many are left out.
    pub left_out: u64,
}

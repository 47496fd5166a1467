//! taskwright-server.
fn main() {}

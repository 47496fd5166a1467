//! taskwright-testbed.
fn main() {}

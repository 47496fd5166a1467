//! `taskwright-server` with its store turned off: it confirms every task and stores none.
//! `cargo xtask bench server` compares the real server with it. As an example it is compiled against
//! the same library as the server, but never shipped with it.

use std::process::ExitCode;

use taskwright_server::program;
use taskwright_server::store::Store;

fn main() -> ExitCode {
    program::main(|_| Ok(Store::turned_off()))
}

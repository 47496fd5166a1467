//! The program `taskwright-server` with its store turned off: it confirms every task and keeps none.
//! `cargo xtask bench server` measures the real one beside it. It is an example, so that it is
//! compiled against the same library as the program and never delivered with it.

use std::process::ExitCode;

use taskwright_server::program;
use taskwright_server::store::Store;

fn main() -> ExitCode {
    program::main(|_| Ok(Store::turned_off()))
}

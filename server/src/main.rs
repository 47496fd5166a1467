//! The program `taskwright-server`.

use std::process::ExitCode;

use taskwright_server::program;
use taskwright_server::store::Store;

fn main() -> ExitCode {
    program::main(|options| Store::open(&options.data_directory(), &options.store_options()))
}

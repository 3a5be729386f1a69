//! The binary `casement`: a subcommand for each role.
//!
//! In: the command line, a configuration file, variables. Out: an exit code, and on failure one line that says what to
//! do. Each subcommand lives in a file of its own below `commands`.

use std::process::ExitCode;

use casement::{cli, commands, telemetry};
use clap::Parser as _;

/// Messages are made of small pieces that one thread allocates and another frees, which costs the system's allocator a
/// sixth of all time under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    telemetry::start(cli.log_json);
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(commands::exit_code(&error))
        }
    }
}

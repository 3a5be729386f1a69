//! The binary `casement`: a subcommand for each role.
//!
//! In: the command line, a configuration file, variables. Out: an exit code, and on failure one line that says what to
//! do. Each subcommand has a file of its own in `commands`.

use std::{io::Write as _, process::ExitCode};

use casement::{cli, commands, telemetry};
use clap::Parser as _;

/// Messages consist of small allocations that another thread frees, on which the system's allocator spends a sixth of
/// all time under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    telemetry::start(cli.log_json);
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed the stream wants no line; the exit code stays.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(commands::exit_code(&error))
        }
    }
}

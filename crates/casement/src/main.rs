//! The binary `casement`: a subcommand for each role.
//!
//! In: the command line, a configuration file, variables. Out: an exit code, and on failure one line that says what to
//! do. Each subcommand has a file of its own in `commands`.

use std::process::ExitCode;

use casement::{cli, commands, telemetry};

/// Messages consist of small allocations that another thread frees, on which the system's allocator spends a sixth of
/// all time under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    telemetry::start(cli.log_json);
    ExitCode::from(commands::conclude(|| commands::run(cli.command)))
}

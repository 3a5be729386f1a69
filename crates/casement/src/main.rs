//! The binary `casement`: a subcommand for each role.
//!
//! In: the command line, a configuration file, variables. Out: an exit code, and on failure one line that says what to
//! do. Each subcommand has a file of its own in `commands`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use casement::{
    cli, commands,
    telemetry::{self, panics, stream},
};

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
    // A panic of this thread must reach the exit code below.
    let result = catch_unwind(AssertUnwindSafe(|| commands::run(cli.command)));
    let code = match &result {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            stream::ERR.write(&format!("error: {error:#}\n"));
            commands::exit_code(error)
        }
        Err(_) => panics::EXIT_CODE,
    };
    telemetry::flush();
    ExitCode::from(if panics::happened() {
        panics::EXIT_CODE
    } else {
        code
    })
}

//! One file for each subcommand.

mod accounts;
mod addition;
mod backend;
mod bench;
mod brokers;
mod compare;
mod config;
mod devices;
mod engine;
mod evaluate;
mod features;
mod generate;
mod journal;
mod ml;
mod models;
mod plot;
mod predict;
mod progress;
mod provision;
mod runtime;
mod simulate;
mod sql;
mod storage;
mod train;
mod up;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    cli::Command,
    data_dir,
    telemetry::{self, panics, stream},
};

use runtime::{block_on, serve};

/// Runs a subcommand to its end.
pub fn run(command: Command) -> anyhow::Result<()> {
    // Devices, files and pages need more descriptors than the usual 1,024; before the engine confines itself.
    monitoring::raise_descriptor_limit();
    if command.keeps_data() {
        data_dir::make_files_private();
    }
    match command {
        Command::Plot(flags) => block_on(plot::run(flags)),
        Command::Features(flags) => features::run(&flags),
        Command::Predict(flags) => predict::run(flags),
        Command::Models(flags) => models::run(flags),
        Command::Sql(flags) => sql::run(flags),
        Command::Storage(flags) => block_on(storage::run(flags)),
        Command::Train(flags) => block_on(train::run(flags)),
        Command::Evaluate(flags) => block_on(evaluate::run(flags)),
        Command::Config(flags) => config::run(flags),
        Command::Bench(flags) => block_on(bench::run(flags)),
        Command::Journal(flags) => journal::run(flags),
        Command::Devices(flags) => devices::run(flags),
        Command::Accounts(flags) => accounts::run(flags),
        Command::Provision(flags) => provision::run(flags),
        Command::Up(flags) => serve(up::run(flags)),
        Command::Backend(flags) => serve(backend::run(flags)),
        Command::Ml(flags) => serve(ml::run(flags)),
        Command::Engine(flags) => serve(engine::run(engine::prepare(flags)?)),
        Command::Generate(flags) => block_on(generate::run(flags)),
        Command::Simulate(flags) => serve(simulate::run(flags)),
    }
}

/// Runs `work`, prints its error, and returns the exit code: 1 for an error, 3 if `casement sql` or `casement storage` reaches no ClickHouse, and
/// [`panics::EXIT_CODE`] after a panic.
pub fn conclude(work: impl FnOnce() -> anyhow::Result<()>) -> u8 {
    let code = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            stream::ERR.write(&format!("error: {error:#}\n"));
            if error.is::<sql::Unreachable>() { 3 } else { 1 }
        }
        Err(_) => panics::EXIT_CODE,
    };
    telemetry::flush();
    if panics::happened() {
        panics::EXIT_CODE
    } else {
        code
    }
}

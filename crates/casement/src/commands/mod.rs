//! One file for each subcommand.

mod backend;
mod bench;
mod compare;
mod config;
mod engine;
mod evaluate;
mod features;
mod journal;
mod ml;
mod models;
mod predict;
mod runtime;
mod simulate;
mod sql;
mod train;
mod up;

use crate::cli::Command;

use runtime::block_on;

/// Runs a subcommand to its end.
pub fn run(command: Command) -> anyhow::Result<()> {
    // Devices, files and pages need more descriptors than the usual 1,024; before the engine confines itself.
    monitoring::raise_descriptor_limit();
    match command {
        Command::Features(flags) => features::run(&flags),
        Command::Predict(flags) => predict::run(flags),
        Command::Models(flags) => models::run(flags),
        Command::Sql(flags) => sql::run(flags),
        Command::Train(flags) => block_on(train::run(flags)),
        Command::Evaluate(flags) => block_on(evaluate::run(flags)),
        Command::Config(flags) => config::run(flags),
        Command::Bench(flags) => block_on(bench::run(flags)),
        Command::Journal(flags) => journal::run(flags),
        Command::Up(flags) => block_on(up::run(flags)),
        Command::Backend(flags) => block_on(backend::run(flags)),
        Command::Ml(flags) => block_on(ml::run(flags)),
        Command::Engine(flags) => block_on(engine::run(engine::prepare(flags)?)),
        Command::Simulate(flags) => block_on(simulate::run(flags)),
    }
}

/// Returns the exit code of an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<sql::Unreachable>() { 3 } else { 1 }
}

//! One file for each subcommand.

mod accounts;
mod addition;
mod asyncapi;
mod backend;
mod backup;
mod bench;
mod brokers;
mod check_message;
mod compare;
mod config;
mod devices;
mod doctor;
mod documents;
mod engine;
mod evaluate;
mod explain;
mod features;
mod finished;
mod generate;
mod journal;
mod ml;
mod models;
mod plot;
mod predict;
mod progress;
mod provision;
mod restore;
mod runtime;
mod self_check;
mod simulate;
mod sql;
mod storage;
mod top;
mod train;
mod up;
mod writable;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    cli::Command,
    data_dir,
    telemetry::{self, panics, stream},
    trainer,
};

use finished::Finished;
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
        Command::Trainer => block_on(trainer::run()),
        Command::Evaluate(flags) => block_on(evaluate::run(flags)),
        Command::Config(flags) => config::run(flags),
        Command::Doctor(flags) => block_on(doctor::run(flags)),
        Command::SelfCheck(flags) => block_on(self_check::run(flags)),
        Command::Top(flags) => block_on(top::run(flags)),
        Command::Explain(flags) => block_on(explain::run(flags)),
        Command::CheckMessage(flags) => block_on(check_message::run(flags)),
        Command::AsyncApi(flags) => asyncapi::run(flags),
        Command::Completions(flags) => {
            documents::completions(&flags);
            Ok(())
        }
        Command::Man(flags) => documents::man(&flags),
        Command::Bench(flags) => block_on(bench::run(flags)),
        Command::Journal(flags) => journal::run(flags),
        Command::Backup(flags) => block_on(backup::run(flags)),
        Command::Restore(flags) => block_on(restore::run(flags)),
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

/// Runs `work`, prints its error, and returns the exit code: that of a `Finished`, 1 for an error, 3 if `casement sql` or `casement storage` reaches no ClickHouse, and
/// [`panics::EXIT_CODE`] after a panic.
pub fn conclude(work: impl FnOnce() -> anyhow::Result<()>) -> u8 {
    let code = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) if error.is::<Finished>() => {
            let finished = error.downcast_ref::<Finished>().expect("it is one");
            if let Some(line) = &finished.line {
                stream::ERR.write(&format!("error: {line}\n"));
            }
            finished.code
        }
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

//! The checks, one file for each subject.
//!
//! In: a [`Context`]. Out: an [`Outcome`]. A check that waits for a disk or a service runs off the workers.

mod accounts;
mod broker;
mod certificates;
mod clickhouse;
mod clocks;
mod configuration;
mod data;
mod devices;
mod disk;
mod engine;
mod host;
mod journal;
mod model;
mod numbers;
mod page;
mod place;
mod ports;
mod processor;
mod rights;
mod trial;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{Check, Context, Group, Outcome, Setup};

pub(crate) use rights::is_trial;

const ANY: &[Setup] = &[Setup::Up, Setup::Backend, Setup::Ml, Setup::Engine];
const SERVING: &[Setup] = &[Setup::Up, Setup::Backend];
const AT_BROKER: &[Setup] = &[Setup::Up, Setup::Backend, Setup::Ml];
const STORING: &[Setup] = &[Setup::Up, Setup::Backend, Setup::Engine];
const UP: &[Setup] = &[Setup::Up];
const PREDICTING: &[Setup] = &[Setup::Up, Setup::Ml];
const RUNNING_ENGINE: &[Setup] = &[Setup::Up, Setup::Engine];

const SHORT: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(20);
/// The library is half a gigabyte, and a memory card reads it at 20 MB/s.
const FIRST_START: Duration = Duration::from_mins(1);

/// Every check, in the order of the report.
pub(super) fn all() -> Vec<Check> {
    use Group as G;
    let slow = |name, group, setups, run| check(name, group, setups, false, LONG, run);
    let usual = |name, group, setups, run| check(name, group, setups, false, SHORT, run);
    let quick = |name, group, setups, run| check(name, group, setups, true, SHORT, run);
    vec![
        quick(
            "configuration",
            G::Configuration,
            ANY,
            configuration::check as Run,
        ),
        quick("page", G::Page, AT_BROKER, page::check),
        usual("ports", G::Host, ANY, ports::check),
        quick("broker", G::Broker, AT_BROKER, broker::reachable),
        usual("anonymous", G::Broker, AT_BROKER, broker::anonymous),
        slow("device_rights", G::Broker, UP, rights::check),
        usual("accounts", G::Accounts, SERVING, accounts::check),
        usual("certificate", G::Tls, SERVING, certificates::files),
        usual("handshake", G::Tls, SERVING, certificates::handshakes),
        quick("clickhouse", G::ClickHouse, STORING, clickhouse::answers),
        usual("schema", G::ClickHouse, SERVING, clickhouse::schema),
        usual("clickhouse_rights", G::ClickHouse, STORING, clickhouse::rights),
        usual("engine_library", G::ClickHouse, RUNNING_ENGINE, engine::library),
        usual("kernel_locks", G::Host, RUNNING_ENGINE, engine::locks),
        slow("model", G::Model, PREDICTING, model::check),
        quick("journal", G::Data, SERVING, journal::check),
        usual("data_permissions", G::Data, STORING, data::permissions),
        usual("disk_space", G::Data, STORING, disk::space),
        slow("disk_speed", G::Data, STORING, disk::speed),
        usual("memory", G::Host, ANY, host::memory),
        usual("open_files", G::Host, ANY, host::open_files),
        usual("clock", G::Host, STORING, clocks::host),
        usual("device_clocks", G::Devices, SERVING, clocks::devices),
        usual("devices", G::Devices, SERVING, devices::check),
    ]
}

/// What a machine has to have and to do before anything is installed on it, in the order of the report.
pub(super) fn of_machine() -> Vec<Check> {
    use Group as G;
    let usual = |name, group, run| check(name, group, UP, false, LONG, run);
    vec![
        usual("processor", G::Host, processor::check as Run),
        usual("kernel_locks", G::Host, engine::locks),
        usual("memory", G::Host, host::memory),
        usual("open_files", G::Host, host::open_files),
        usual("clock", G::Host, clocks::host),
        usual("data_directory", G::Data, place::check),
        usual("ports", G::Host, ports::check),
        usual("engine_library", G::ClickHouse, engine::library),
        check(
            "engine_answers",
            G::ClickHouse,
            UP,
            false,
            FIRST_START,
            trial::check,
        ),
        usual("features", G::Model, numbers::features),
        usual("default_model", G::Model, numbers::default_model),
    ]
}

type Run = fn(Arc<Context>) -> BoxFuture<'static, Outcome>;

const fn check(
    name: &'static str,
    group: Group,
    setups: &'static [Setup],
    quick: bool,
    deadline: Duration,
    run: Run,
) -> Check {
    Check {
        name,
        group,
        quick,
        setups,
        deadline,
        run,
    }
}

/// Looks at something that may wait, off the workers.
fn off_worker(
    context: Arc<Context>,
    look: impl FnOnce(&Context) -> Outcome + Send + 'static,
) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        let looked = tokio::task::spawn_blocking(move || look(&context)).await;
        looked.unwrap_or_else(|_| {
            Outcome::failed(
                "the check ended with a fault of its own",
                "Report it, with the log.",
            )
        })
    })
}

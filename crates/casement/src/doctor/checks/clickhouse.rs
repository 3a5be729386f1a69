//! ClickHouse: whether it answers, whether its schema is this program's, and what its users may.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;

use super::{
    super::{Context, Outcome, Setup},
    off_worker,
};

/// An insert of no rows: what it needs is the right to insert.
fn insert(database: &str) -> String {
    format!("INSERT INTO {database}.ingest_errors SELECT * FROM {database}.ingest_errors LIMIT 0")
}

/// The user that services write as, and its password.
fn writer(context: &Context) -> (String, String) {
    let (user, password) = if context.embeds_engine() {
        ("default".to_owned(), &context.config.engine.password)
    } else {
        let config = &context.config.clickhouse;
        (config.user.clone(), &config.password)
    };
    let password = password.as_ref().map_or("", |secret| secret.expose_secret());
    (user, password.to_owned())
}

/// Whether the writer's password was made by the service and is known to nobody else.
fn writer_is_secret(context: &Context) -> bool {
    let engine = &context.config.engine;
    context.setup == Setup::Up
        && context.embeds_engine()
        && !engine.addr.ip().is_loopback()
        && engine.password.is_none()
}

fn run(context: &Context, sql: &str) -> Result<String, String> {
    let (user, password) = writer(context);
    let answer = context
        .client
        .statement(&context.clickhouse(), (&user, &password), sql)?;
    if answer.status == 200 {
        Ok(answer.text.trim().to_owned())
    } else {
        let text = answer.text.trim();
        Err(text.chars().take(300).collect())
    }
}

pub(super) fn answers(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let url = context.clickhouse();
        match context.client.get(&format!("{url}/ping")) {
            Ok(answer) if answer.status == 200 => Outcome::ok(format!("ClickHouse answers at {url}")),
            Ok(answer) => Outcome::failed(
                format!("{url} answers {}", answer.status),
                "Is this ClickHouse's HTTP interface? Correct clickhouse.addr.",
            ),
            Err(error)
                if context.embeds_engine() && context.service.is_none() && context.setup == Setup::Up =>
            {
                Outcome::skipped(format!(
                    "the embedded ClickHouse runs with the service, which does not ({error})"
                ))
            }
            Err(error) => Outcome::failed(
                format!("ClickHouse cannot be reached at {url}: {error}"),
                "Start it, or correct clickhouse.addr. Readings wait in the journal meanwhile.",
            ),
        }
    })
}

pub(super) fn schema(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if writer_is_secret(context) {
            return Outcome::skipped("ClickHouse's writer is known to the service alone");
        }
        let database = &context.config.clickhouse.database;
        let asked = run(
            context,
            &format!("SELECT max(version) FROM {database}.schema_migrations"),
        );
        match asked.map(|text| text.parse::<u32>()) {
            Ok(Ok(found)) => {
                let outcome = judged(found, store::SCHEMA_VERSION);
                match run(context, "SELECT version()") {
                    Ok(version) => Outcome {
                        summary: format!("{}; ClickHouse has version {version}", outcome.summary),
                        ..outcome
                    },
                    Err(_) => outcome,
                }
            }
            Ok(Err(_)) => Outcome::failed(
                "the schema's version is no number",
                "Is this Casement's database?",
            ),
            Err(error) if context.service.is_none() => Outcome::skipped(format!(
                "the schema cannot be looked at while no service runs ({error})"
            )),
            Err(error) => Outcome::failed(
                format!("the schema cannot be read: {error}"),
                "See clickhouse; the service makes the schema when it reaches ClickHouse.",
            ),
        }
    })
}

fn judged(found: u32, known: u32) -> Outcome {
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Outcome::ok(format!("the schema has version {known}, as this program")),
        std::cmp::Ordering::Less => Outcome::warning(
            format!("the schema has version {found}, this program version {known}"),
            "The service of this version brings it up at its start: restart it.",
        ),
        std::cmp::Ordering::Greater => Outcome::failed(
            format!("the schema has version {found}, this program knows {known}"),
            "A newer casement has changed it: use that one.",
        ),
    }
}

pub(super) fn rights(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        if writer_is_secret(context) {
            return Outcome::skipped("ClickHouse's writer is known to the service alone");
        }
        let database = context.config.clickhouse.database.clone();
        if context.service.is_none() && run(context, "SELECT 1").is_err() {
            return Outcome::skipped("ClickHouse does not answer; see clickhouse");
        }
        if let Err(error) = run(context, &insert(&database)) {
            return if context.setup == Setup::Engine && error.contains("UNKNOWN_") {
                Outcome::skipped("there is no schema yet: a backend makes it")
            } else {
                Outcome::failed(
                    format!("the writer may not insert: {error}"),
                    "Correct clickhouse.user and its password, or GRANT ALL ON the database.",
                )
            };
        }
        if !context.embeds_engine() || context.config.engine.reader_password.is_some() {
            return Outcome::ok("the writer may insert; readers are not tried");
        }
        let reader = ("reader", "");
        let client = &context.client;
        let read = client.statement(&context.clickhouse(), reader, "SELECT 1");
        if !read.is_ok_and(|answer| answer.status == 200) {
            return Outcome::ok(
                "the writer may insert; the reader has a password of its own and is not tried",
            );
        }
        match client.statement(&context.clickhouse(), reader, &insert(&database)) {
            Ok(answer) if answer.status == 200 => Outcome::failed(
                "the user 'reader' can insert",
                "Stop the engine, and report this: it must refuse.",
            ),
            _ => Outcome::ok("the writer may insert, the reader reads and may not"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_schema_of_another_version_is_told() {
        assert_eq!(judged(3, 3).state, State::Ok);
        assert_eq!(judged(2, 3).state, State::Warning);
        assert_eq!(judged(4, 3).state, State::Failed);
    }
}

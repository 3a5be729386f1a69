//! `casement journal`: the content of a journal, and whether all of it can be read.
//!
//! In: the directory of a journal that no process has open. Out: text or JSON; an error if there is damage. It changes
//! nothing: a journal is repaired when it is opened.

use std::{
    io::{self, Write as _},
    path::Path,
};

use ::journal::{Damage, JournalError, LogDamage};
use anyhow::{Context as _, bail};
use serde_json::json;
use store::Row;

use crate::{
    cli::{self, JournalCommand},
    config::{Config, Reader, Sources},
};

pub(super) fn run(flags: cli::Journal) -> anyhow::Result<()> {
    let config = Sources::process(flags.config)
        .data(flags.data)
        .load_for(Reader::Journal)?;
    match flags.command {
        JournalCommand::Status { json } => status(&config, json),
        JournalCommand::Inspect { from, limit } => inspect(&config, from, limit),
        JournalCommand::Verify { json } => verify(&config, json),
    }
}

/// Explains the error if the journal is in use: reading it then could show half of a write.
fn explained<T>(config: &Config, found: Result<T, JournalError>) -> anyhow::Result<T> {
    let path = config.journal.path.display();
    match found {
        Err(JournalError::Held { pid, .. }) => {
            let holder = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            bail!(
                "the journal {path} is at work in another process{holder}: ask that one with 'curl http://{}/api/v1/status', or stop it first",
                config.http.addr
            )
        }
        Err(error) if !config.journal.path.join("log").exists() => Err(error)
            .with_context(|| format!("there is no journal in {path}; name the directory with --data DIR")),
        other => other.with_context(|| format!("the journal {path} cannot be read")),
    }
}

fn status(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let found = explained(config, ::journal::inspect(&config.journal.path, None, 0))?;
    let records = found.next_seq - found.oldest_seq;
    let mut out = io::stdout().lock();
    if as_json {
        let figures = json!({
            "path": config.journal.path, "id": found.id, "records": records, "oldest": found.oldest_seq,
            "next": found.next_seq, "bytes": found.bytes, "max_bytes": config.journal.max_bytes,
            "plans": found.plans, "log_damaged": found.log_damaged.iter().map(log_damage).collect::<Vec<_>>(),
        });
        writeln!(out, "{figures}")?;
        return Ok(());
    }
    writeln!(
        out,
        "journal   {} (id {})",
        config.journal.path.display(),
        found.id
    )?;
    match records {
        0 => writeln!(out, "records   none waits; the next is number {}", found.next_seq)?,
        _ => writeln!(
            out,
            "records   {records} wait, numbers {} to {}",
            found.oldest_seq,
            found.next_seq - 1
        )?,
    }
    let percent = found.bytes as f64 / config.journal.max_bytes as f64 * 100.0;
    writeln!(
        out,
        "bytes     {} of {} ({percent:.1} %)",
        found.bytes, config.journal.max_bytes
    )?;
    for (first, last) in &found.plans {
        writeln!(
            out,
            "plan      {first} to {last} is under way and will be done again"
        )?;
    }
    print_log_damage(&mut out, &found.log_damaged)?;
    Ok(())
}

fn inspect(config: &Config, from: Option<u64>, limit: usize) -> anyhow::Result<()> {
    let found = explained(config, ::journal::inspect(&config.journal.path, from, limit))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (number, payload) in &found.records {
        let line = match Row::decode(payload) {
            Ok(row) => json!({"number": number, "table": row.table().name(), "row": columns(&row)?}),
            Err(error) => json!({"number": number, "error": error.to_string(), "bytes": payload.len()}),
        };
        writeln!(out, "{line}")?;
    }
    for damage in &found.damaged {
        writeln!(out, "{}", record_damage(damage))?;
    }
    out.flush()?;
    Ok(())
}

/// Returns the row without the name of its kind.
fn columns(row: &Row) -> anyhow::Result<serde_json::Value> {
    let value = serde_json::to_value(row)?;
    let inner = value.as_object().and_then(|kind| kind.values().next());
    Ok(inner.cloned().unwrap_or(value))
}

fn verify(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let found = explained(config, ::journal::verify(&config.journal.path))?;
    let mut out = io::stdout().lock();
    if as_json {
        let figures = json!({
            "path": config.journal.path, "sound": found.is_sound(), "records": found.records,
            "log_groups": found.log_groups, "log_damaged": found.log_damaged.iter().map(log_damage).collect::<Vec<_>>(),
            "damaged": found.damaged.iter().map(record_damage).collect::<Vec<_>>(),
        });
        writeln!(out, "{figures}")?;
    } else {
        writeln!(
            out,
            "{} records and {} groups of the log are sound",
            found.records, found.log_groups
        )?;
        print_log_damage(&mut out, &found.log_damaged)?;
        for Damage { first, last, reason } in &found.damaged {
            writeln!(out, "records {first} to {last}: {reason}")?;
        }
    }
    if !found.is_sound() {
        let lost: u64 = found
            .damaged
            .iter()
            .map(|damage| damage.last - damage.first + 1)
            .sum();
        bail!(
            "the journal is damaged: {lost} records cannot be read. The next start saves all others, reports these, and keeps the damaged file in {}",
            Path::new(&config.journal.path).join("damaged").display()
        );
    }
    Ok(())
}

fn print_log_damage(out: &mut impl io::Write, damaged: &[LogDamage]) -> io::Result<()> {
    for LogDamage {
        file,
        offset,
        bytes,
        saved_records,
    } in damaged
    {
        let file = file.display();
        writeln!(
            out,
            "damage    {file}: {bytes} bytes at offset {offset}; {saved_records} records within can be saved"
        )?;
    }
    Ok(())
}

fn log_damage(damage: &LogDamage) -> serde_json::Value {
    json!({"file": damage.file, "offset": damage.offset, "bytes": damage.bytes, "saved_records": damage.saved_records})
}

fn record_damage(damage: &Damage) -> serde_json::Value {
    json!({"first": damage.first, "last": damage.last, "damage": damage.reason})
}

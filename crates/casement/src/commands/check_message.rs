//! `casement check-message`: says what the backend would do with a message, and why.
//!
//! In: a topic and a payload. Out: lines for people, or JSON. It reads the message as ingest does and sends nothing. Exit codes:
//! 0 accepted, 1 refused, 2 none of the messages that the backend reads, or nothing to look at.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::Context as _;
use backend::{Inspection, Inspector, Message, Passage, Verdict};
use domain::Timestamp;

use super::Finished;
use crate::{
    assembly, cli,
    config::{Reader, Sources},
    output::say,
};

/// Largest payload that is read: beyond the largest clip, so that its refusal says how large one may be.
const MAX_BYTES: u64 = 4 << 20;
const REFUSED: u8 = 1;
const UNUSABLE: u8 = 2;

pub(super) async fn run(flags: cli::CheckMessage) -> anyhow::Result<()> {
    let inspection = inspect(&flags).await;
    let inspection = inspection.map_err(|error| Finished::telling(UNUSABLE, &error))?;
    if flags.json {
        say!("{}", serde_json::to_string_pretty(&inspection)?);
    } else {
        say!("{}", told(&inspection));
    }
    match inspection.verdict {
        Verdict::Accepted | Verdict::Suspect => Ok(()),
        Verdict::Refused => Err(Finished::with(REFUSED).into()),
        Verdict::Ignored | Verdict::Foreign => Err(Finished::with(UNUSABLE).into()),
    }
}

async fn inspect(flags: &cli::CheckMessage) -> anyhow::Result<Inspection> {
    let payload = match (&flags.file, flags.payload.as_deref()) {
        (Some(path), _) => from_file(path)?,
        (None, Some("-")) => bounded(io::stdin().lock()).context("standard input cannot be read")?,
        (None, payload) => payload.unwrap_or_default().as_bytes().to_vec(),
    };
    let config = Sources::process(flags.config.clone()).load_for(Reader::Topics)?;
    let inspector = Inspector::new(&assembly::backend(&config)?)?;
    let message = Message {
        topic: flags.topic.clone(),
        payload: payload.into(),
        received_at: Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()),
        passage: Passage::default(),
    };
    Ok(inspector.inspect(&message, |_, _| None).await)
}

fn from_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = File::open(path).and_then(bounded);
    read.with_context(|| format!("{} cannot be read", path.display()))
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The inspection in lines.
fn told(seen: &Inspection) -> String {
    let verdict = match seen.verdict {
        Verdict::Accepted => "accepted",
        Verdict::Suspect => "suspect",
        Verdict::Refused => "refused",
        Verdict::Ignored => "ignored",
        Verdict::Foreign => "foreign",
    };
    let mut lines = vec![match (seen.kind, &seen.device_id) {
        (Some(kind), Some(device_id)) => format!("{verdict}: {kind} of {device_id}"),
        _ => verdict.to_owned(),
    }];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<10}{text}"));
    if let Some(reason) = seen.reason {
        line("reason", reason.to_owned());
    }
    if let Some(detail) = &seen.detail {
        line("why", detail.clone());
    }
    if let Some(value) = &seen.value {
        line("value", format!("{} {}", value.value, value.unit));
    }
    if let Some(time) = &seen.time {
        line("time", format!("{} ({})", time.stored, time.clock));
        if let Some(detail) = &time.detail {
            line("", detail.clone());
        }
    }
    for repaired in &seen.repaired {
        line("forgiven", repaired.clone());
    }
    for note in &seen.notes {
        line("note", note.clone());
    }
    if let Some(table) = &seen.table {
        line("stored in", table.clone());
    }
    if let Some(example) = &seen.example {
        line("right form", example.to_string());
    }
    lines.join("\n")
}

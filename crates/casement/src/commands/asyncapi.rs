//! `casement asyncapi`: prints the topics and payloads of this installation as AsyncAPI 3.0, or the schema of one payload.

use anyhow::Context as _;
use mqtt::TopicKind;

use crate::{
    cli,
    config::{Reader, Sources},
    messages,
    output::say,
};

pub(super) fn run(flags: cli::AsyncApi) -> anyhow::Result<()> {
    let document = if let Some(word) = flags.schema {
        let known = || TopicKind::ALL.map(TopicKind::as_str).join(", ");
        let kind = TopicKind::from_word(&word);
        let kind = kind.with_context(|| format!("'{word}' is no kind of message; there are {}", known()))?;
        mqtt::payload_schema(kind)
    } else {
        messages::document(&Sources::process(flags.config).load_for(Reader::Topics)?)?
    };
    say!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

//! `casement top`: a live view of a running service.

use std::{
    io::{IsTerminal as _, stdin, stdout},
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    asking::{self, Client},
    cli,
    config::{Config, Reader, Sources},
    output::say,
    page_urls::PageUrls,
    shutdown,
    top::{self, Feed, Source, State},
};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);

pub(super) async fn run(flags: cli::Top) -> anyhow::Result<()> {
    let once = flags.once || !stdout().is_terminal() || !stdin().is_terminal();
    let source = source(&flags.service)?;
    if once {
        return tokio::task::spawn_blocking(move || print_once(&source)).await?;
    }
    let shutdown = shutdown::on_signal()?;
    let showing = tokio::task::spawn_blocking(move || {
        let feed = Feed::start(&source);
        top::show(State::new(source.url), &feed, &shutdown)
    });
    showing.await?.context("the terminal cannot be used")
}

fn print_once(source: &Source) -> anyhow::Result<()> {
    let mut state = State::new(&source.url);
    let updates = source.ask(true).map_err(anyhow::Error::msg);
    let updates = updates.with_context(|| format!("{} does not answer", source.url))?;
    for update in updates {
        state.update(update);
    }
    say!("{}", top::snapshot(&state, jiff::Timestamp::now()));
    Ok(())
}

/// The service that is asked, and who asks.
pub(super) fn source(flags: &cli::Running) -> anyhow::Result<Source> {
    let named = asking::token(flags.token_file.as_deref())?;
    if let Some(url) = &flags.url {
        let url = url.trim_end_matches('/').to_owned();
        let client = Client::new(QUESTION, flags.ca_file.as_deref(), named);
        return Ok(Source { url, client });
    }
    let config = configuration(flags)?;
    let ca = flags.ca_file.clone().or_else(|| asking::authority(&config));
    let url = PageUrls::noted(&config).links("").swap_remove(0);
    // A token of this machine's own is for its own page alone.
    let token = named.or_else(|| asking::admin_token(&config, &url));
    Ok(Source {
        url,
        client: Client::new(QUESTION, ca.as_deref(), token),
    })
}

fn configuration(flags: &cli::Running) -> anyhow::Result<Config> {
    let sources = Sources::process(flags.config.clone()).data(flags.data.clone());
    Ok(sources.load_for(Reader::Accounts)?)
}

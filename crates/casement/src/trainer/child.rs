//! The process that trains: `casement trainer`, which only the service starts.

use std::{io::Write as _, process::exit};

use anyhow::Context as _;
use simulator::dataset::DatasetOptions;
use store::{Outcome, Store};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use training::{Example, TrainingOptions};

use super::{
    humility::take_last_place,
    messages::{Examples, Order, Said},
};
use crate::examples;

const FAILED: i32 = 1;

/// Reads an order, trains, says every step. Returns when the model is told.
pub(crate) async fn run() -> anyhow::Result<()> {
    take_last_place(|limit| {
        say(&Said::Failed(format!(
            "it needs more than {} MiB of memory, which is what this machine can spare; choose fewer examples",
            limit >> 20
        )));
        exit(FAILED);
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let first = lines.next_line().await.context("the order cannot be read")?;
    let order = first.context(
        "there is no order: `casement trainer` is started by a running service; use `casement train`",
    )?;
    let order: Order = serde_json::from_str(&order).context("the order cannot be understood")?;
    tokio::spawn(async move {
        // The service holds the other end for as long as it wants a model.
        while let Ok(Some(_)) = lines.next_line().await {}
        exit(FAILED);
    });
    let said = trained(order).await;
    say(&said.unwrap_or_else(|error| Said::Failed(format!("{error:#}"))));
    Ok(())
}

async fn trained(order: Order) -> anyhow::Result<Said> {
    let (examples, training_data) = collected(order.examples, order.seed).await?;
    say(&Said::Collected(examples.len() as u64));
    let options = TrainingOptions {
        seed: order.seed,
        version: order.version,
        training_data,
        epochs: order.epochs,
        ..TrainingOptions::default()
    };
    let trained = tokio::task::spawn_blocking(move || {
        training::train(&examples, &options, &mut |epoch| {
            say(&Said::Epoch {
                number: epoch.number as u32,
                validation_mae: epoch.validation_mae,
            });
        })
    });
    let trained = trained
        .await
        .context("the training ended with a fault of its own")??;
    Ok(Said::Trained {
        file: hex::encode(&trained.pth),
        sidecar: serde_json::to_value(&trained.sidecar)?,
    })
}

/// The examples, and where they come from in words.
async fn collected(from: Examples, seed: u64) -> anyhow::Result<(Vec<Example>, String)> {
    match from {
        Examples::Stored { since_ms, access } => {
            let store = Store::new(access.into())?;
            let since = domain::Timestamp::from_millis(since_ms);
            let examples = examples::stored_in(&store, Outcome::Chosen, since).await?;
            let text = format!("positions that people and schedules chose since {since}, from ClickHouse");
            Ok((examples, text))
        }
        Examples::Simulated { rooms, days } => {
            let options = DatasetOptions {
                rooms,
                days,
                ..DatasetOptions::new(seed)
            };
            let source = examples::Source::Simulator(options);
            let text = source.describe();
            let collecting = tokio::task::spawn_blocking(move || match source {
                examples::Source::Simulator(options) => examples::simulated(&options),
                _ => unreachable!("it was made above"),
            });
            let examples = collecting
                .await
                .context("the simulation ended with a fault of its own")??;
            Ok((examples, text))
        }
    }
}

/// Writes a line. Where nobody reads it any more, there is nothing left to do.
fn say(said: &Said) {
    let line = serde_json::to_string(said).expect("it is plain data");
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        exit(FAILED);
    }
}

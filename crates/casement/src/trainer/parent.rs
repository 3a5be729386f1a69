//! The service's side: it starts the process, gives it the order, hears its steps, and ends it.

use std::{path::PathBuf, process::Stdio};

use anyhow::Context as _;
use api::{TrainedModel, Trainer, TrainingExamples, TrainingOrder, TrainingStep, TrainingTold};
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
};

use super::messages::{Examples, Order, Said};
use crate::{assembly, config::ClickHouse};

const DAY_MS: i64 = 86_400_000;
/// Bytes that the process may say: a model of the largest form is a few MiB, twice as long in hex.
const MOST_SAID: u64 = 64 << 20;
/// Bytes of its last words.
const LAST_WORDS: u64 = 64 << 10;

/// Trains in processes of this program.
pub(crate) struct ChildTrainer {
    pub(crate) program: PathBuf,
    pub(crate) clickhouse: ClickHouse,
}

impl Trainer for ChildTrainer {
    fn train(
        &self,
        order: TrainingOrder,
        told: TrainingTold,
    ) -> BoxFuture<'static, Result<TrainedModel, String>> {
        let (program, order) = (self.program.clone(), self.order(order));
        Box::pin(async move {
            let trained = async {
                let line = serde_json::to_string(&order?)?;
                let child = begun(program, &line).await?;
                heard(child, &told).await
            };
            trained.await.map_err(|error: anyhow::Error| format!("{error:#}"))
        })
    }
}

impl ChildTrainer {
    fn order(&self, order: TrainingOrder) -> anyhow::Result<Order> {
        let examples = match order.examples {
            TrainingExamples::Simulated { rooms, days } => Examples::Simulated {
                rooms: rooms as usize,
                days,
            },
            TrainingExamples::Stored { days } => Examples::Stored {
                since_ms: jiff::Timestamp::now().as_millisecond() - i64::from(days) * DAY_MS,
                access: assembly::store(&self.clickhouse)?.into(),
            },
        };
        Ok(Order {
            version: order.version,
            epochs: order.epochs as usize,
            seed: order.seed,
            examples,
        })
    }
}

/// Starts the process and gives it the order. Dropping it ends it.
async fn begun(program: PathBuf, order: &str) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("trainer")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A terminal's Ctrl-C goes to the service, which ends it.
        .process_group(0);
    let mut child = command
        .spawn()
        .context("the process that trains does not start")?;
    let stdin = child.stdin.as_mut().expect("it is piped");
    stdin
        .write_all(format!("{order}\n").as_bytes())
        .await
        .context("the process that trains takes no order")?;
    Ok(child)
}

/// Hears the process to its end.
async fn heard(mut child: Child, told: &TrainingTold) -> anyhow::Result<TrainedModel> {
    let stdout = child.stdout.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped").take(LAST_WORDS);
    let words = tokio::spawn(async move {
        let mut words = Vec::new();
        let _ = stderr.read_to_end(&mut words).await;
        // What is beyond is read and forgotten, so that the process is not kept waiting.
        let _ = tokio::io::copy(&mut stderr.into_inner(), &mut tokio::io::sink()).await;
        String::from_utf8_lossy(&words).into_owned()
    });
    let mut lines = BufReader::new(stdout.take(MOST_SAID)).lines();
    while let Some(line) = lines
        .next_line()
        .await
        .context("the process that trains cannot be heard")?
    {
        match serde_json::from_str(&line).context("the process that trains says something else")? {
            Said::Collected(examples) => told(TrainingStep::Collected(examples)),
            Said::Epoch {
                number,
                validation_mae,
            } => told(TrainingStep::Epoch {
                number,
                validation_mae,
            }),
            Said::Failed(why) => anyhow::bail!(why),
            Said::Trained { file, sidecar } => {
                return Ok(TrainedModel {
                    file: hex::decode(file).context("the model is told in another form")?,
                    sidecar: serde_json::to_vec(&sidecar)?,
                });
            }
        }
    }
    let status = child.wait().await.context("the process that trains is lost")?;
    let words = words.await.unwrap_or_default();
    let last = words.lines().rev().find(|line| !line.trim().is_empty());
    anyhow::bail!(
        "the process that trains ended before its end ({status}){}",
        last.map(|line| format!(": {line}")).unwrap_or_default()
    )
}

//! The embedded ClickHouse, tried: its library is loaded in a process of its own, beside no data, and computes something.

use std::{net::TcpListener, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::super::{Context, Outcome};
use crate::{asking::Client, engine_part, system::this_program};

/// The sum of the first thousand numbers, and who has computed it.
const QUESTION: &str = "SELECT sum(number), version() FROM numbers(1000) FORMAT TSV";
const ANSWER: &str = "499500\t";
/// How long it may take to compute that.
const COMPUTING: Duration = Duration::from_secs(20);
/// How long its process may take to end.
const ENDING: Duration = Duration::from_secs(5);

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        if !context.embeds_engine() {
            return Outcome::skipped("ClickHouse runs elsewhere");
        }
        if engine::find_library(context.config.engine.library.as_deref()).is_err() {
            return Outcome::skipped("its library is not there");
        }
        match tried(&context).await {
            Ok(version) => Outcome::ok(format!("ClickHouse {version} starts and computes")),
            Err(reason) => Outcome::failed(
                format!("the embedded ClickHouse does not answer: {reason}"),
                "Fetch its library again; look at processor, memory and kernel_locks; or name a ClickHouse of yours (--clickhouse URL).",
            ),
        }
    })
}

/// Starts an engine without data, asks it, and ends it. Returns its version.
async fn tried(context: &Context) -> Result<String, String> {
    let directory = tempfile::tempdir().map_err(|error| format!("no directory can be made: {error}"))?;
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.map_err(|error| format!("loopback has no free port: {error}"))?;
    let mut config = context.config.clone();
    config.engine.path = directory.path().join("engine");
    config.engine.addr = address;
    let program = this_program().map_err(|error| format!("{error:#}"))?;
    let process = engine_part::process(&config, program);
    let engine = engine::Supervisor::start(process)
        .await
        .map_err(|error| error.to_string())?;
    let password = config.engine.password.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let client = Client::new(COMPUTING, None, None);
        let password = password.as_ref().map_or("", |secret| secret.expose_secret());
        client.statement(&format!("http://{address}"), ("default", password), QUESTION)
    });
    let asked = asked.await;
    engine.stop(Instant::now() + ENDING).await;
    let answer = asked.map_err(|error| error.to_string())??;
    version(answer.status, &answer.text)
}

/// The version in an answer that is right.
fn version(status: u16, text: &str) -> Result<String, String> {
    match text.trim().strip_prefix(ANSWER) {
        Some(version) if status == 200 => Ok(version.to_owned()),
        _ => Err(format!(
            "it answers {status}, {}",
            text.trim().chars().take(200).collect::<String>()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_no_version() {
        assert_eq!(version(200, "499500\t26.7.3\n").unwrap(), "26.7.3");
        assert!(version(200, "499501\t26.7.3\n").is_err());
        assert!(version(500, "499500\t26.7.3\n").is_err());
    }
}

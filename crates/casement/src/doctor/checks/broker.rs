//! The broker: whether it takes a connection, and whether it lets strangers in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use mqtt::{BrokerUrl, ConnectionOptions, Event, Protocol};

use super::{
    super::{Context, Outcome},
    ports::reachable as from_here,
};
use crate::{assembly, config::Anonymous};

/// How long a broker may take to answer a greeting.
const GREETING: Duration = Duration::from_secs(3);

/// What a broker says to a greeting.
pub(super) enum Greeting {
    Accepted,
    Refused(String),
}

/// Connects once and leaves again.
pub(super) async fn greet(options: ConnectionOptions) -> Greeting {
    let (publisher, mut incoming) = mqtt::connect(options);
    let answer = tokio::time::timeout(GREETING, async {
        while let Some(event) = incoming.recv().await {
            match event {
                Event::Connected { .. } => return Greeting::Accepted,
                Event::Disconnected { reason } => return Greeting::Refused(reason),
                _ => {}
            }
        }
        Greeting::Refused("the connection ended".to_owned())
    });
    let answer = answer.await;
    if matches!(answer, Ok(Greeting::Accepted)) {
        publisher.disconnect().await;
    }
    answer.unwrap_or_else(|_| Greeting::Refused("no answer".to_owned()))
}

/// The plain addresses of the embedded broker that speak MQTT over TCP, with whether clients may come without an account.
fn plain_doors(context: &Context) -> Vec<(SocketAddr, bool)> {
    let doors = context.config.broker.doors().into_iter();
    let plain = doors.filter(|door| !door.tls && !door.websocket);
    plain
        .map(|door| (from_here(door.addr), door.anonymous == Some(true)))
        .collect()
}

/// The options of a connection to the embedded broker at `address`.
pub(super) fn at(address: SocketAddr) -> ConnectionOptions {
    let url = BrokerUrl::tcp(address.ip().to_string(), address.port());
    let mut options = ConnectionOptions::new(url, mqtt::random_client_id("doctor"));
    options.protocol = Protocol::V5;
    options
}

pub(super) fn reachable(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        if context.embeds_broker() {
            return embedded(&context).await;
        }
        let broker = &context.config.mqtt.broker;
        let options = match assembly::connection(&context.config.mqtt, &mqtt::random_client_id("doctor")) {
            Ok(options) => options,
            Err(error) => return Outcome::failed(format!("{error:#}"), "Correct mqtt.ca_file."),
        };
        match greet(options).await {
            Greeting::Accepted => Outcome::ok(format!("the broker {broker} takes a connection")),
            Greeting::Refused(reason) => Outcome::failed(
                format!("the broker {broker} does not take a connection: {reason}"),
                "Start it, or correct mqtt.broker, mqtt.username and the password.",
            ),
        }
    })
}

async fn embedded(context: &Context) -> Outcome {
    if context.service.is_none() {
        return Outcome::skipped("the embedded broker runs with the service, which does not");
    }
    let Some((address, _)) = plain_doors(context).into_iter().next() else {
        return Outcome::skipped("the embedded broker has no plain listener; see handshake");
    };
    // A refusal is an answer, too: it comes from a broker.
    match greet(at(address)).await {
        Greeting::Accepted => Outcome::ok(format!("the embedded broker takes a connection at {address}")),
        Greeting::Refused(reason) if is_refusal(&reason) => {
            Outcome::ok(format!("the embedded broker answers at {address}"))
        }
        Greeting::Refused(reason) => Outcome::failed(
            format!("the embedded broker does not answer at {address}: {reason}"),
            "Give doctor the flags and the configuration that the service was started with, or look at its log.",
        ),
    }
}

/// Whether the broker's own words say no, so that it is there.
fn is_refusal(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    [
        "authori",
        "password",
        "credential",
        "refused the connection",
        "banned",
    ]
    .iter()
    .any(|word| reason.contains(word))
        && !reason.contains("os error")
}

pub(super) fn anonymous(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        if context.embeds_broker() {
            if context.service.is_none() {
                return Outcome::skipped("the embedded broker runs with the service, which does not");
            }
            return embedded_doors(&context).await;
        }
        elsewhere(&context).await
    })
}

async fn embedded_doors(context: &Context) -> Outcome {
    let mut outcomes = Vec::new();
    for (address, may) in plain_doors(context) {
        let is_let_in = matches!(greet(at(address)).await, Greeting::Accepted);
        outcomes.push(match (is_let_in, may) {
            (true, true) => Outcome::ok(format!("{address} lets this machine in without an account, as configured")),
            (false, false) => Outcome::ok(format!("{address} lets nobody in without an account")),
            (false, true) => Outcome::warning(
                format!("{address} lets nobody in without an account, although the configuration says so"),
                "Restart the service with this configuration.",
            ),
            (true, false) => Outcome::failed(
                format!("{address} lets anybody in without an account, and must not"),
                "Restart the service with this configuration (broker.anonymous, the listener's own anonymous).",
            ),
        });
    }
    Outcome::worst(outcomes, || {
        Outcome::skipped("no plain listener of the embedded broker; see handshake")
    })
}

async fn elsewhere(context: &Context) -> Outcome {
    let config = &context.config.mqtt;
    let Ok(mut options) = assembly::connection(config, &mqtt::random_client_id("doctor")) else {
        return Outcome::skipped("the connection to the broker cannot be made; see broker");
    };
    (options.username, options.password) = (None, None);
    let broker = &config.broker;
    match greet(options).await {
        Greeting::Refused(reason) if is_refusal(&reason) => {
            Outcome::ok(format!("the broker {broker} lets nobody in without an account"))
        }
        Greeting::Refused(reason) => {
            Outcome::skipped(format!("the broker {broker} does not answer: {reason}"))
        }
        Greeting::Accepted => {
            let found = format!("the broker {broker} lets anybody in without an account");
            let remedy = "Close it: in Mosquitto allow_anonymous false; `casement provision mosquitto` writes the files.";
            if context.config.broker.anonymous == Anonymous::Never {
                Outcome::failed(found, remedy)
            } else {
                Outcome::warning(found, remedy)
            }
        }
    }
}

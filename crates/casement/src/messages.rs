//! Topics and payloads of this installation, as AsyncAPI 3.0.
//!
//! In: the configuration. Out: a document for programs. The servers are the broker's own listeners, or the broker that is named.

use mqtt::Server;
use serde_json::Value;

use crate::{assembly, config::Config, host};

/// Returns the description of the topics and payloads of this configuration.
pub fn document(config: &Config) -> anyhow::Result<Value> {
    Ok(mqtt::asyncapi(&assembly::topics(&config.mqtt)?, &servers(config)))
}

fn servers(config: &Config) -> Vec<Server> {
    if !config.embeds_broker() {
        let url = &config.mqtt.broker;
        return vec![Server {
            name: "broker".to_owned(),
            host: format!("{}:{}", url.host(), url.port()),
            tls: url.tls(),
            websocket: false,
        }];
    }
    let doors = config.broker.doors().into_iter().enumerate();
    let server = |(place, door): (usize, crate::config::BrokerListener)| Server {
        name: format!("listener_{}", place + 1),
        host: if door.addr.ip().is_unspecified() {
            format!("{}:{}", host::name(), door.addr.port())
        } else {
            door.addr.to_string()
        },
        tls: door.tls,
        websocket: door.websocket,
    };
    doors.map(server).collect()
}

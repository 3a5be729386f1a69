//! The embedded broker: its start, and the ways between it and the services of this process, which need no socket.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use backend::{Acceptance, Backend, Ingest, Message, Outlet, Passage};
use broker::{Broker, Callbacks, LocalPublisher, Observer, Publish, PublishHook, Reception, Verdict};
use domain::{RefusalReason, Timestamp};
use monitoring::Registry;
use mqtt::{BrokerUrl, Pipe, PublishError};

use crate::{
    assembly,
    certificates::{self, Certificates},
    config::Config,
    data_dir,
    door_book::{DoorBook, refusals, samples},
    doorkeeper::Doorkeeper,
};

/// Starts the embedded broker in front of the backend and makes it the broker of the configuration.
pub(crate) async fn start_broker(
    config: &mut Config,
    backend: &Backend,
    registry: &mut Registry,
    certificates: Option<&Certificates>,
    (doorkeeper, observer): (Doorkeeper, DoorBook),
) -> anyhow::Result<Broker> {
    data_dir::create(&config.broker.path)?;
    let hook = Arc::new(Hook(backend.ingest()));
    let observer: Arc<dyn Observer> = Arc::new(observer);
    let callbacks = Callbacks {
        hook,
        observer: Some(observer),
        access: Some(Arc::new(doorkeeper)),
    };
    let options = assembly::broker(config, certificates::mqtt_listeners(config, certificates));
    let broker = Broker::start_with(options, callbacks)
        .await
        .context("the broker cannot start (choose another address with --mqtt ADDR, or a broker of your own with --mqtt URL)")?;
    let figures = broker.figures();
    let refusing = broker.figures();
    backend.count_refusals(move || refusals(&refusing));
    registry
        .sub_registry_with_prefix("casement_broker")
        .register_collector(monitoring::collector(move || samples(&figures)));
    let listen = broker.listen();
    config.mqtt.broker = BrokerUrl::tcp(listen.ip().to_string(), listen.port());
    Ok(broker)
}

/// The second input: the embedded broker asks the backend before it acknowledges.
struct Hook(Arc<Ingest>);

/// Requests, and what devices are told, go to the embedded broker without a connection.
pub(crate) struct Requests(LocalPublisher);

impl Requests {
    /// Requests to this broker.
    pub(crate) fn to(broker: &Broker) -> Self {
        Self(broker.local_publisher())
    }
}

#[async_trait]
impl Outlet for Requests {
    fn is_connected(&self) -> bool {
        true
    }

    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError> {
        let mqtt::Message {
            topic,
            payload,
            expires_at,
            retain,
            ..
        } = message;
        let shown: String = topic.chars().take(100).collect();
        let is_sent = if retain {
            self.0.publish_retained(topic, payload, expires_at)
        } else {
            self.0.publish(topic, payload, expires_at)
        };
        if is_sent {
            Ok(())
        } else {
            Err(PublishError::BadTopic(shown))
        }
    }

    fn brings_back(&self) -> bool {
        // It is published past the hook.
        false
    }

    fn forgets_what_expired(&self) -> bool {
        true
    }
}

/// The ML service's way to the embedded broker.
pub(crate) fn pipe(broker: &Broker) -> Pipe {
    let connector = broker.local_connector();
    Pipe::new(move || connector.connect())
}

#[async_trait]
impl PublishHook for Hook {
    async fn accept(&self, publish: Publish<'_>) -> Reception {
        let received_at = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let message = Message {
            topic: publish.topic.to_owned(),
            payload: publish.payload,
            received_at,
            // Whether the broker is to retain it is the sender's wish: the message itself is live.
            passage: Passage {
                is_marked: publish.dup,
                may_clear: publish.retain,
                is_taken_first: true,
                ..Passage::default()
            },
        };
        let mut interpreted = self.0.interpret(&message).await;
        if interpreted.goes_ahead() {
            let ingest = Arc::clone(&self.0);
            return Reception::Ahead(Box::pin(async move {
                let accepted = ingest.persist(&mut interpreted).await;
                ingest.handed_on(&interpreted);
                verdict(accepted)
            }));
        }
        verdict(self.0.persist(&mut interpreted).await).into()
    }
}

const fn verdict(acceptance: Acceptance) -> Verdict {
    match acceptance {
        Acceptance::Withheld => Verdict::Withhold,
        // Otherwise it would wait for each absent subscriber.
        Acceptance::Refused(RefusalReason::TooLarge) => Verdict::Refuse,
        _ => Verdict::Accept,
    }
}

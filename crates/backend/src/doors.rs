//! The doors of a backend: where messages come in, and where requests and what devices are told go out.
//!
//! In: a broker, external or in this process. Out: tasks that end with [`Backend::close_doors`].

use std::{collections::HashMap, sync::Arc};

use mqtt::{ConnectionOptions, Qos, TopicKind};

use crate::{
    Backend, Door, Outlet, messenger::Messenger, requests::Requests, subscription::Subscription,
    windows::Mover,
};

impl Backend {
    /// Connects to an external broker, to receive and to publish requests. Acknowledges by hand.
    pub fn connect(&mut self, mut connection: ConnectionOptions) {
        connection.manual_acks = true;
        connection.subscriptions = TopicKind::ALL
            .into_iter()
            .filter(|kind| !kind.is_said_by_backend())
            .map(|kind| mqtt::Subscription {
                filter: self.topics.filter(kind),
                qos: Qos::AtLeastOnce,
            })
            .collect();
        let (publisher, incoming) = mqtt::connect(connection);
        let _ = self.vitals.publisher.set(publisher.clone());
        self.open_door(Box::new(Subscription {
            incoming,
            vitals: Arc::clone(&self.vitals),
        }));
        self.send_requests(publisher.clone());
        self.publisher = Some(publisher);
    }

    /// Is told that the broker is in this process: its hook brings messages, and `outlet` takes requests.
    pub fn embed_broker(&mut self, outlet: impl Outlet) {
        self.vitals.broker.up();
        self.vitals.subscriptions.up();
        self.send_requests(outlet);
    }

    /// Opens a door until [`Backend::close_doors`].
    pub fn open_door(&mut self, door: Box<dyn Door>) {
        let running = door.run(self.ingest(), self.doors.clone());
        self.door_tasks.push(tokio::spawn(running));
    }

    /// Publishes requests, and what devices are told, through `outlet` until [`Backend::close_doors`].
    pub fn send_requests(&mut self, outlet: impl Outlet) {
        let outlet = Arc::new(outlet);
        let requests = Requests {
            trigger: Arc::clone(&self.ingest.trigger),
            topics: self.topics.clone(),
            outlet: Arc::clone(&outlet),
            devices: self.devices(),
            windows: Arc::clone(&self.ingest.windows),
            understands_context: self.ml_understands_context,
            told: HashMap::new(),
            feed: Arc::clone(&self.ingest.feed),
            log: Arc::clone(&self.log),
            metrics: Arc::clone(&self.ingest.metrics),
        };
        let mover = Mover {
            windows: Arc::clone(&self.ingest.windows),
            ingest: self.ingest(),
            topics: self.topics.clone(),
            outlet: Arc::clone(&outlet),
        };
        let doors = self.doors.clone();
        self.door_tasks.push(tokio::spawn(async move {
            doors.run_until_cancelled(mover.run()).await;
        }));
        if let Some(clockless) = self.clockless.take() {
            let messenger = Messenger {
                registry: Arc::clone(&self.registry),
                devices: self.devices(),
                topics: self.topics.clone(),
                outlet,
                clockless,
            };
            let doors = self.doors.clone();
            self.door_tasks.push(tokio::spawn(async move {
                doors.run_until_cancelled(messenger.run()).await;
            }));
        }
        let doors = self.doors.clone();
        self.door_tasks.push(tokio::spawn(async move {
            doors.run_until_cancelled(requests.run()).await;
        }));
    }
}

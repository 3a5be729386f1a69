//! The publishing side: messages enter a bounded outbox and leave it when the broker has them.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::oneshot, time::timeout};

use super::{
    ConnectionStats, Message, PublishError, Qos,
    link::{Farewell, Handle, packet_bytes},
    outbox::Confirm,
};

/// Time that [`Publisher::disconnect`] allows for sending messages, and then for the task to end.
const DRAIN: Duration = Duration::from_secs(2);
const END: Duration = Duration::from_secs(2);

/// Publishes over one connection. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    handle: Arc<Handle>,
}

impl Publisher {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        Self { handle }
    }

    /// Queues a message, waiting for room. At `QoS` 1 it is repeated across connections until the broker acknowledges it.
    pub async fn publish(
        &self,
        topic: impl Into<String>,
        payload: impl Into<Bytes>,
        qos: Qos,
        retain: bool,
    ) -> Result<(), PublishError> {
        self.send(message(topic, payload, qos, retain)).await
    }

    /// Queues a message, or fails with [`PublishError::Full`] immediately.
    pub fn try_publish(
        &self,
        topic: impl Into<String>,
        payload: impl Into<Bytes>,
        qos: Qos,
        retain: bool,
    ) -> Result<(), PublishError> {
        self.try_send(message(topic, payload, qos, retain))
    }

    /// Queues a [`Message`], or fails with [`PublishError::Full`] immediately.
    pub fn try_send(&self, message: Message) -> Result<(), PublishError> {
        self.check(&message)?;
        match self.enqueue((message, None))? {
            None => Ok(()),
            Some(_) => Err(PublishError::Full),
        }
    }

    /// Queues a message and waits until the broker has acknowledged it (`QoS` 1) or it has been written to the socket
    /// (`QoS` 0).
    pub async fn publish_confirmed(
        &self,
        topic: impl Into<String>,
        payload: impl Into<Bytes>,
        qos: Qos,
        retain: bool,
    ) -> Result<(), PublishError> {
        self.send_confirmed(message(topic, payload, qos, retain)).await
    }

    /// Queues a [`Message`] and waits as [`Publisher::publish_confirmed`] does.
    pub async fn send_confirmed(&self, message: Message) -> Result<(), PublishError> {
        let (confirm, confirmed) = oneshot::channel();
        self.send_with(message, Some(confirm)).await?;
        confirmed.await.unwrap_or(Err(PublishError::Closed))
    }

    /// Queues a [`Message`], waiting for room.
    pub async fn send(&self, message: Message) -> Result<(), PublishError> {
        self.send_with(message, None).await
    }

    async fn send_with(&self, message: Message, confirm: Option<Confirm>) -> Result<(), PublishError> {
        self.check(&message)?;
        let mut pending = (message, confirm);
        loop {
            let room = self.handle.shared.room.notified();
            tokio::pin!(room);
            // The waiter is registered before the check, or a wake-up in between would be missed.
            room.as_mut().enable();
            match self.enqueue(pending)? {
                None => return Ok(()),
                Some(returned) => pending = returned,
            }
            room.await;
        }
    }

    /// Queues a message. Returns it if there is no room.
    fn enqueue(
        &self,
        pending: (Message, Option<Confirm>),
    ) -> Result<Option<(Message, Option<Confirm>)>, PublishError> {
        let mut link = self.handle.shared.link.lock();
        if link.closed {
            return Err(PublishError::Closed);
        }
        let (message, confirm) = pending;
        if !link.outbox.has_room(message.payload.len()) {
            return Ok(Some((message, confirm)));
        }
        link.outbox.push(message, confirm);
        let online = link.online;
        drop(link);
        if online {
            self.handle.shared.wake.notify_one();
        }
        Ok(None)
    }

    fn check(&self, message: &Message) -> Result<(), PublishError> {
        let shared = &self.handle.shared;
        let topic = &message.topic;
        if topic.is_empty() || topic.len() > 65_535 || topic.contains(['+', '#', '\0']) {
            return Err(PublishError::BadTopic(topic.chars().take(100).collect()));
        }
        let limit = shared.link.lock().max_packet_bytes;
        if packet_bytes(topic.len(), message.payload.len()) > limit as usize {
            return Err(PublishError::TooLarge { limit });
        }
        Ok(())
    }

    /// Returns whether the connection is up.
    pub fn is_connected(&self) -> bool {
        self.handle.shared.link.lock().online
    }

    /// Returns the counters of the connection.
    pub fn stats(&self) -> ConnectionStats {
        self.handle.shared.stats()
    }

    /// Accepts no more messages, sends the queued ones (2 s at most, none if offline), disconnects from the broker, so
    /// that the last will is not sent, and ends the task.
    pub async fn disconnect(&self) {
        let ended = &self.handle.shared.ended;
        if !self.leave(Farewell::WhenEmpty) {
            self.handle.shared.stop.cancel();
        } else if timeout(DRAIN, ended.cancelled()).await.is_err() {
            self.leave(Farewell::Now);
        }
        if timeout(END, ended.cancelled()).await.is_err() {
            self.handle.shared.stop.cancel();
            let _ = timeout(END, ended.cancelled()).await;
        }
    }

    /// Accepts no more messages. Returns whether there is a connection to end.
    fn leave(&self, farewell: Farewell) -> bool {
        let shared = &self.handle.shared;
        let online = {
            let mut link = shared.link.lock();
            link.closed = true;
            if link.farewell != Farewell::Sent {
                link.farewell = farewell;
            }
            link.online
        };
        shared.room.notify_waiters();
        shared.wake.notify_one();
        online
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("stats", &self.stats()).finish()
    }
}

fn message(topic: impl Into<String>, payload: impl Into<Bytes>, qos: Qos, retain: bool) -> Message {
    Message {
        topic: topic.into(),
        payload: payload.into(),
        qos,
        retain,
        expires_at: None,
    }
}

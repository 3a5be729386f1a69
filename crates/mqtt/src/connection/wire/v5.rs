//! MQTT 5, by rumqttc's client for it.

use std::time::Duration;

use rumqttc::{
    NetworkOptions, Outgoing, Transport,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError,
        mqttbytes::{
            QoS,
            v5::{
                ConnectProperties, ConnectReturnCode, Filter, LastWill, Packet, PubAckReason, Publish,
                PublishProperties, RetainForwardRule, SubscribeReasonCode,
            },
        },
    },
};
use secrecy::ExposeSecret;

use super::{
    super::{ConnectionOptions, Message, PublishError, Qos, Subscription, tls},
    Arrival, Failure, LineEvent, NotAccepted, Terms, Unsupported,
};

pub(in super::super) struct Line {
    event_loop: EventLoop,
    connected: bool,
}

pub(in super::super) struct Sender {
    client: AsyncClient,
    acknowledged: Publish,
}

pub(super) fn open(options: &ConnectionOptions) -> (Sender, Line) {
    let (client, event_loop) = AsyncClient::new(to_client(options), options.channel_capacity());
    let sender = Sender {
        client,
        acknowledged: Publish::new("", QoS::AtLeastOnce, bytes::Bytes::new(), None),
    };
    let line = Line {
        event_loop,
        connected: false,
    };
    (sender, line)
}

impl Line {
    pub(super) async fn poll(&mut self) -> Result<LineEvent, Failure> {
        match self.event_loop.poll().await {
            Ok(event) => {
                self.connected = true;
                if matches!(event, Event::Incoming(_)) {
                    self.note_life();
                }
                Ok(line_event(event))
            }
            Err(error) => {
                let unsupported = match &error {
                    _ if self.connected => Unsupported::No,
                    ConnectionError::ConnectionRefused(
                        ConnectReturnCode::UnsupportedProtocolVersion
                        | ConnectReturnCode::RefusedProtocolVersion,
                    ) => Unsupported::Yes,
                    // A refusal in the format of MQTT 3.1.1 is too short for the client, which then waits for more
                    // until the broker hangs up. If there is no answer at all, the broker is more likely to be absent.
                    ConnectionError::MqttState(_) => Unsupported::Perhaps,
                    _ => Unsupported::No,
                };
                Err(Failure {
                    reason: describe(&error),
                    unsupported,
                })
            }
        }
    }

    pub(super) fn note_life(&mut self) {
        // With the next ping, the client ends the connection if this is set.
        self.event_loop.state.await_pingresp = false;
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.event_loop.options.keep_alive()
    }

    pub(super) fn drain(&mut self) -> Vec<LineEvent> {
        self.event_loop.state.events.drain(..).map(line_event).collect()
    }

    pub(super) fn discard(&mut self) {
        self.connected = false;
        self.event_loop.clean();
        self.event_loop.pending.clear();
        self.event_loop.state.collision = None;
    }
}

impl Sender {
    pub(super) fn acknowledge(&mut self, packet_id: u16) -> Result<(), NotAccepted> {
        self.acknowledged.pkid = packet_id;
        self.client.try_ack(&self.acknowledged).map_err(|_| NotAccepted)
    }

    pub(super) fn publish(&self, message: &Message, left: Option<Duration>) -> Result<(), NotAccepted> {
        let properties = PublishProperties {
            // The broker counts whole seconds.
            message_expiry_interval: left.map(|left| left.as_millis().div_ceil(1_000) as u32),
            ..PublishProperties::default()
        };
        self.client
            .try_publish_with_properties(
                message.topic.clone(),
                qos(message.qos),
                message.retain,
                message.payload.clone(),
                properties,
            )
            .map_err(|_| NotAccepted)
    }

    /// Subscribes to every filter on every connection, because a kept session may have older ones. Retained messages
    /// are requested for new subscriptions only, so that a reconnect does not repeat them.
    pub(super) fn subscribe(
        &self,
        options: &ConnectionOptions,
        session_present: bool,
    ) -> Result<(), NotAccepted> {
        let filter = |subscription: &Subscription| Filter {
            retain_forward_rule: if session_present {
                RetainForwardRule::OnNewSubscribe
            } else {
                RetainForwardRule::OnEverySubscribe
            },
            ..Filter::new(subscription.filter.clone(), qos(subscription.qos))
        };
        let filters: Vec<_> = options.subscriptions.iter().map(filter).collect();
        self.client.try_subscribe_many(filters).map_err(|_| NotAccepted)
    }

    pub(super) fn disconnect(&self) -> Result<(), NotAccepted> {
        self.client.try_disconnect().map_err(|_| NotAccepted)
    }
}

fn line_event(event: Event) -> LineEvent {
    match event {
        Event::Incoming(Packet::Publish(publish)) => LineEvent::Publish(Arrival {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            packet_id: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
            payload: publish.payload,
            retain: publish.retain,
            dup: publish.dup,
        }),
        Event::Incoming(Packet::ConnAck(connack)) => {
            let properties = connack.properties.as_ref();
            LineEvent::Connected(Terms {
                session_present: connack.session_present,
                receive_maximum: properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX),
                max_packet_bytes: properties.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX),
            })
        }
        Event::Incoming(Packet::SubAck(suback)) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            LineEvent::Subscribed(suback.return_codes.iter().map(granted).collect())
        }
        Event::Incoming(Packet::PubAck(puback)) => LineEvent::Acknowledged(
            puback.pkid,
            match puback.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                reason => Err(PublishError::Refused(format!("{reason:?}"))),
            },
        ),
        Event::Outgoing(Outgoing::Publish(packet_id)) => LineEvent::PublishWritten(packet_id),
        Event::Outgoing(Outgoing::PubAck(_)) => LineEvent::AckWritten,
        Event::Outgoing(Outgoing::Disconnect) => LineEvent::DisconnectWritten,
        _ => LineEvent::Other,
    }
}

fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        ConnectionError::Timeout(_) => "the broker did not answer in time".to_owned(),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            "the broker closed the connection".to_owned()
        }
        ConnectionError::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

const fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

fn to_client(options: &ConnectionOptions) -> MqttOptions {
    let mut client = MqttOptions::new(
        options.effective_client_id(),
        options.broker.dial_host(),
        options.broker.port(),
    );
    client.set_keep_alive(options.keep_alive());
    client.set_clean_start(options.clean_start);
    client.set_connect_properties(ConnectProperties {
        session_expiry_interval: Some(options.session_expiry.as_secs().min(u64::from(u32::MAX)) as u32),
        receive_maximum: Some(options.receive_maximum.max(1)),
        max_packet_size: Some(options.max_packet_bytes),
        ..ConnectProperties::new()
    });
    client.set_outgoing_inflight_upper_limit(options.inflight.saturating_add(1));
    client.set_manual_acks(true);
    if let Some(username) = &options.username {
        client.set_credentials(
            username,
            options.password.as_ref().map_or("", ExposeSecret::expose_secret),
        );
    }
    if let Some(will) = &options.last_will {
        client.set_last_will(LastWill::new(
            &*will.topic,
            will.payload.to_vec(),
            qos(will.qos),
            will.retain,
            None,
        ));
    }
    if options.broker.tls() {
        let config = tls::client_config(options.trusted_certificates_pem.as_deref());
        client.set_transport(Transport::tls_with_config(config.into()));
    }
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    client.set_network_options(network);
    client
}

//! MQTT 3.1.1, by rumqttc's client for it: no receive maximum, no packet size, no expiry.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions,
    Outgoing, Packet, Publish, QoS, StateError, SubscribeFilter, SubscribeReasonCode, Transport,
};
use secrecy::ExposeSecret;

use super::{
    super::{ConnectionOptions, Message, Qos, tls},
    Arrival, Failure, LineEvent, NotAccepted, Terms, Unsupported,
};

/// The largest packet of the protocol. A smaller limit cannot be announced to the broker, and a packet that the client
/// refuses to read is sent again on every connection.
const LARGEST_PACKET: usize = 268_435_455 + 5;
/// Largest number of our unacknowledged messages; a broker may accept fewer.
const RECEIVE_MAXIMUM: u16 = 100;

pub(in super::super) struct Line {
    event_loop: EventLoop,
    connected: bool,
}

pub(in super::super) struct Sender {
    client: AsyncClient,
    acknowledged: Publish,
}

pub(super) fn open(options: &ConnectionOptions) -> (Sender, Line) {
    let (client, mut event_loop) = AsyncClient::new(to_client(options), options.channel_capacity());
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    event_loop.set_network_options(network);
    let sender = Sender {
        client,
        acknowledged: Publish::new("", QoS::AtLeastOnce, Vec::new()),
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
                    ConnectionError::ConnectionRefused(ConnectReturnCode::RefusedProtocolVersion) => {
                        Unsupported::Yes
                    }
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
        self.event_loop.mqtt_options.keep_alive()
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

    pub(super) fn publish(&self, message: &Message) -> Result<(), NotAccepted> {
        let (topic, payload) = (message.topic.clone(), message.payload.clone());
        self.client
            .try_publish(topic, qos(message.qos), message.retain, payload)
            .map_err(|_| NotAccepted)
    }

    pub(super) fn subscribe(&self, options: &ConnectionOptions) -> Result<(), NotAccepted> {
        let filters = options
            .subscriptions
            .iter()
            .map(|subscription| SubscribeFilter::new(subscription.filter.clone(), qos(subscription.qos)));
        self.client.try_subscribe_many(filters).map_err(|_| NotAccepted)
    }

    pub(super) fn disconnect(&self) -> Result<(), NotAccepted> {
        self.client.try_disconnect().map_err(|_| NotAccepted)
    }
}

fn line_event(event: Event) -> LineEvent {
    match event {
        Event::Incoming(Packet::Publish(publish)) => LineEvent::Publish(Arrival {
            topic: publish.topic,
            packet_id: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
            payload: publish.payload,
            retain: publish.retain,
            dup: publish.dup,
        }),
        Event::Incoming(Packet::ConnAck(connack)) => LineEvent::Connected(Terms {
            session_present: connack.session_present,
            receive_maximum: RECEIVE_MAXIMUM,
            max_packet_bytes: u32::MAX,
        }),
        Event::Incoming(Packet::SubAck(suback)) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            LineEvent::Subscribed(suback.return_codes.iter().map(granted).collect())
        }
        // A refused message is acknowledged, too, because this version has no other answer.
        Event::Incoming(Packet::PubAck(puback)) => LineEvent::Acknowledged(puback.pkid, Ok(())),
        Event::Outgoing(Outgoing::Publish(packet_id)) => LineEvent::PublishWritten(packet_id),
        Event::Outgoing(Outgoing::PubAck(_)) => LineEvent::AckWritten,
        Event::Outgoing(Outgoing::Disconnect) => LineEvent::DisconnectWritten,
        _ => LineEvent::Other,
    }
}

fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            "the broker did not answer in time".to_owned()
        }
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
    client.set_clean_session(options.clean_start);
    client.set_max_packet_size(LARGEST_PACKET, options.max_packet_bytes as usize);
    client.set_inflight(options.inflight.saturating_add(1));
    client.set_manual_acks(true);
    if let Some(username) = &options.username {
        client.set_credentials(
            username,
            options.password.as_ref().map_or("", ExposeSecret::expose_secret),
        );
    }
    if let Some(will) = &options.last_will {
        let payload = will.payload.to_vec();
        client.set_last_will(LastWill::new(&*will.topic, payload, qos(will.qos), will.retain));
    }
    if options.broker.tls() {
        let config = tls::client_config(options.trusted_certificates_pem.as_deref());
        client.set_transport(Transport::tls_with_config(config.into()));
    }
    client
}

//! MQTT 5: an event loop of our own over rumqttc's codec.
//!
//! rumqttc's event loop writes one acknowledgement for several messages that it reads, so that acknowledgements fall
//! far behind a broker that does not stop at the receive maximum. Here everything that waits is written at once.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    time::Duration,
};

use rumqttc::{
    v5::mqttbytes::{
        QoS,
        v5::{
            ConnAck, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter,
            LastWill, Login, Packet, PingReq, PubAck, PubAckReason, Publish, PublishProperties,
            RetainForwardRule, Subscribe, SubscribeReasonCode,
        },
    },
    valid_filter,
};
use secrecy::ExposeSecret;
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{
    super::{ConnectionOptions, Message, PublishError, Qos, Subscription},
    Arrival, Failure, LineEvent, NotAccepted, Terms, Unsupported,
    socket::{Progress, Socket},
};

/// Time for a connection and the answer to our CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of pings without any sign of life at which the next one ends the connection.
const MAX_UNANSWERED: u32 = 1;

pub(in super::super) struct Line {
    options: ConnectionOptions,
    client_id: String,
    keep_alive: Duration,
    packets: mpsc::Receiver<Packet>,
    socket: Option<Socket>,
    events: VecDeque<LineEvent>,
    last_packet_id: u16,
    /// Packet ids of our messages that the broker has not acknowledged.
    in_flight: BTreeSet<u16>,
    next_ping: Instant,
    /// Number of pings since something arrived.
    unanswered: u32,
    /// Whether the last step wrote something, so that it is time to read.
    has_written: bool,
}

pub(in super::super) struct Sender {
    packets: mpsc::Sender<Packet>,
}

pub(super) fn open(options: &ConnectionOptions) -> (Sender, Line) {
    let (sender, packets) = mpsc::channel(options.channel_capacity());
    let line = Line {
        client_id: options.effective_client_id(),
        keep_alive: options.keep_alive(),
        options: options.clone(),
        packets,
        socket: None,
        events: VecDeque::new(),
        last_packet_id: 0,
        in_flight: BTreeSet::new(),
        next_ping: Instant::now(),
        unanswered: 0,
        has_written: false,
    };
    (Sender { packets: sender }, line)
}

impl Line {
    pub(super) async fn poll(&mut self) -> Result<LineEvent, Failure> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if self.socket.is_none() {
                self.connect().await?;
                continue;
            }
            if let Err(reason) = self.step().await {
                self.socket = None;
                let unsupported = Unsupported::No;
                return Err(Failure { reason, unsupported });
            }
        }
    }

    /// Writes and reads what can be written and read now, or waits for it.
    async fn step(&mut self) -> Result<(), String> {
        if !std::mem::take(&mut self.has_written) {
            while self.socket.as_ref().is_some_and(Socket::has_room)
                && let Ok(packet) = self.packets.try_recv()
            {
                self.add(packet)?;
            }
        }
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        let is_written = socket.is_written();
        select! {
            biased;
            progress = socket.progress() => match progress.map_err(|error| describe(&error))? {
                Progress::Written => self.has_written = true,
                Progress::Read => self.read()?,
            },
            Some(packet) = self.packets.recv(), if is_written => self.add(packet)?,
            () = sleep_until(self.next_ping) => self.ping()?,
            () = std::future::ready(()), if !self.events.is_empty() => {}
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let connecting = connect(&self.options, connect_packet(&self.options, &self.client_id));
        let (socket, connack) = timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| {
            Err(Failure {
                reason: "the broker did not answer in time".to_owned(),
                unsupported: Unsupported::No,
            })
        })?;
        self.socket = Some(socket);
        let properties = connack.properties.as_ref();
        let keep_alive = properties
            .and_then(|p| p.server_keep_alive)
            .filter(|seconds| *seconds > 0);
        self.keep_alive = keep_alive.map_or_else(
            || self.options.keep_alive(),
            |seconds| Duration::from_secs(u64::from(seconds)),
        );
        self.next_ping = Instant::now() + self.keep_alive;
        self.unanswered = 0;
        self.events.push_back(LineEvent::Connected(Terms {
            session_present: connack.session_present,
            receive_maximum: properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX),
            max_packet_bytes: properties.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX),
        }));
        // What the broker sent right behind its answer.
        self.read().map_err(|reason| Failure {
            reason,
            unsupported: Unsupported::No,
        })
    }

    /// Adds a packet to what is to be written, with a packet id if it needs one.
    fn add(&mut self, mut packet: Packet) -> Result<(), String> {
        let event = match &mut packet {
            Packet::Publish(publish) => {
                if publish.qos != QoS::AtMostOnce {
                    publish.pkid = self.packet_id();
                    self.in_flight.insert(publish.pkid);
                }
                LineEvent::PublishWritten(publish.pkid)
            }
            Packet::Subscribe(subscribe) => {
                subscribe.pkid = self.packet_id();
                LineEvent::Other
            }
            Packet::PubAck(_) => LineEvent::AckWritten,
            Packet::Disconnect(_) => LineEvent::DisconnectWritten,
            _ => LineEvent::Other,
        };
        self.events.push_back(event);
        let socket = self.socket.as_mut().ok_or("not connected")?;
        socket.add(&packet).map_err(|error| error.to_string())
    }

    /// Returns a packet id that is not in use.
    fn packet_id(&mut self) -> u16 {
        loop {
            self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
            if !self.in_flight.contains(&self.last_packet_id) {
                return self.last_packet_id;
            }
        }
    }

    /// Takes every packet that was read.
    fn read(&mut self) -> Result<(), String> {
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        while let Some(packet) = socket.packet().map_err(|error| error.to_string())? {
            self.unanswered = 0;
            if let Packet::PubAck(puback) = &packet {
                self.in_flight.remove(&puback.pkid);
            }
            if let Packet::Disconnect(disconnect) = &packet {
                return Err(format!(
                    "the broker closed the connection: {:?}",
                    disconnect.reason_code
                ));
            }
            self.events.extend(line_event(packet));
        }
        Ok(())
    }

    fn ping(&mut self) -> Result<(), String> {
        if self.unanswered >= MAX_UNANSWERED {
            return Err("nothing came from the broker, not even the answer to a ping".to_owned());
        }
        self.unanswered += 1;
        self.next_ping = Instant::now() + self.keep_alive;
        self.add(Packet::PingReq(PingReq))
    }

    pub(super) fn note_life(&mut self) {
        self.unanswered = 0;
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    pub(super) fn drain(&mut self) -> Vec<LineEvent> {
        self.events.drain(..).collect()
    }

    pub(super) fn discard(&mut self) {
        self.socket = None;
        self.events.clear();
        self.in_flight.clear();
        self.has_written = false;
        while self.packets.try_recv().is_ok() {}
    }
}

impl Sender {
    fn send(&self, packet: Packet) -> Result<(), NotAccepted> {
        self.packets.try_send(packet).map_err(|_| NotAccepted)
    }

    pub(super) fn acknowledge(&self, packet_id: u16) -> Result<(), NotAccepted> {
        self.send(Packet::PubAck(PubAck::new(packet_id, None)))
    }

    pub(super) fn publish(&self, message: &Message, left: Option<Duration>) -> Result<(), NotAccepted> {
        let properties = left.map(|left| PublishProperties {
            // The broker counts whole seconds.
            message_expiry_interval: Some(left.as_millis().div_ceil(1_000) as u32),
            ..PublishProperties::default()
        });
        let (topic, payload) = (message.topic.clone(), message.payload.clone());
        let mut publish = Publish::new(topic, qos(message.qos), payload, properties);
        publish.retain = message.retain;
        self.send(Packet::Publish(publish))
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
            // Then the flag means a message from before the subscription, as in MQTT 3.1.1.
            preserve_retain: false,
            ..Filter::new(subscription.filter.clone(), qos(subscription.qos))
        };
        let filters: Vec<_> = options.subscriptions.iter().map(filter).collect();
        if !filters.iter().all(|filter| valid_filter(&filter.path)) {
            return Err(NotAccepted);
        }
        self.send(Packet::Subscribe(Subscribe::new_many(filters, None)))
    }

    pub(super) fn disconnect(&self) -> Result<(), NotAccepted> {
        self.send(Packet::Disconnect(Disconnect::new(
            DisconnectReasonCode::NormalDisconnection,
        )))
    }
}

/// Connects, sends CONNECT and returns the broker's answer.
async fn connect(options: &ConnectionOptions, packet: Packet) -> Result<(Socket, ConnAck), Failure> {
    let failure = |reason: String, unsupported| Failure { reason, unsupported };
    let mut socket = Socket::connect(options)
        .await
        .map_err(|error| failure(error.to_string(), Unsupported::No))?;
    // A refusal in the format of MQTT 3.1.1 is too short for the codec, which then waits for more until the broker
    // hangs up. If there is no answer at all, the broker is more likely to be absent.
    let unreadable = |reason: String| failure(reason, Unsupported::Perhaps);
    socket
        .add(&packet)
        .map_err(|error| unreadable(error.to_string()))?;
    loop {
        match socket.packet().map_err(|error| unreadable(error.to_string()))? {
            Some(Packet::ConnAck(connack)) if connack.code == ConnectReturnCode::Success => {
                return Ok((socket, connack));
            }
            Some(Packet::ConnAck(connack)) => {
                let unsupported = match connack.code {
                    ConnectReturnCode::UnsupportedProtocolVersion
                    | ConnectReturnCode::RefusedProtocolVersion => Unsupported::Yes,
                    _ => Unsupported::No,
                };
                let reason = format!("the broker refused the connection: {:?}", connack.code);
                return Err(failure(reason, unsupported));
            }
            Some(_) => return Err(unreadable("the broker did not answer our CONNECT".to_owned())),
            None => {}
        }
        socket
            .progress()
            .await
            .map_err(|error| unreadable(describe(&error)))?;
    }
}

fn connect_packet(options: &ConnectionOptions, client_id: &str) -> Packet {
    let connect = Connect {
        keep_alive: options.keep_alive().as_secs() as u16,
        client_id: client_id.to_owned(),
        clean_start: options.clean_start,
        properties: Some(ConnectProperties {
            session_expiry_interval: Some(options.session_expiry.as_secs().min(u64::from(u32::MAX)) as u32),
            receive_maximum: Some(options.receive_maximum.max(1)),
            max_packet_size: Some(options.max_packet_bytes),
            ..ConnectProperties::new()
        }),
    };
    let will = options.last_will.as_ref().map(|will| {
        LastWill::new(
            &*will.topic,
            will.payload.to_vec(),
            qos(will.qos),
            will.retain,
            None,
        )
    });
    let password = options.password.as_ref().map_or("", ExposeSecret::expose_secret);
    let login = options
        .username
        .as_ref()
        .map(|username| Login::new(username, password));
    Packet::Connect(connect, will, login)
}

fn line_event(packet: Packet) -> Option<LineEvent> {
    Some(match packet {
        Packet::Publish(publish) => LineEvent::Publish(Arrival {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            packet_id: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
            payload: publish.payload,
            retain: publish.retain,
            dup: publish.dup,
        }),
        Packet::SubAck(suback) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            LineEvent::Subscribed(suback.return_codes.iter().map(granted).collect())
        }
        Packet::PubAck(puback) => LineEvent::Acknowledged(
            puback.pkid,
            match puback.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                reason => Err(PublishError::Refused(format!("{reason:?}"))),
            },
        ),
        _ => return None,
    })
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the broker closed the connection".to_owned(),
        _ => error.to_string(),
    }
}

const fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

//! A client on a bare socket, so that every odd byte can be sent.
#![allow(dead_code, unreachable_pub, reason = "test support; each file uses its part")]

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::within;

/// CONNACK of MQTT 3.1.1 without an earlier session.
pub const WELCOME: [u8; 4] = [0x20, 2, 0, 0];

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub struct Raw {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// One packet: its first byte and what follows its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPacket {
    pub first: u8,
    pub body: Vec<u8>,
}

impl Raw {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await;
        Self::over(stream.expect("the broker accepts connections"))
    }

    /// `None` where nobody listens.
    pub async fn try_open(address: SocketAddr) -> Option<Self> {
        let stream = within("a connection", TcpStream::connect(address)).await;
        stream.ok().map(Self::over)
    }

    /// Connects with MQTT 3.1.1; `None` where the broker closes.
    pub async fn try_greet(address: SocketAddr, id: &str) -> Option<Self> {
        let mut raw = Self::try_open(address).await?;
        raw.send(&connect(4, id, &Greeting::default())).await;
        raw.packet().await.map(|_| raw)
    }

    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        }
    }

    /// Connects with MQTT 3.1.1 and a clean session.
    pub async fn v3(address: SocketAddr, id: &str) -> Self {
        Self::open(address).await.greet(id).await
    }

    /// Connects over a stream, with MQTT 3.1.1 and a clean session.
    pub async fn v3_over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, id: &str) -> Self {
        Self::over(stream).greet(id).await
    }

    async fn greet(self, id: &str) -> Self {
        let mut raw = self;
        raw.send(&connect(4, id, &Greeting::default())).await;
        let connack = raw.packet().await.expect("CONNACK");
        assert_eq!((connack.first, connack.body[1]), (0x20, 0), "{connack:?}");
        raw
    }

    /// Connects with MQTT 5, a clean start and these properties.
    pub async fn v5(address: SocketAddr, id: &str, properties: &[u8]) -> Self {
        let mut raw = Self::open(address).await;
        let greeting = Greeting {
            properties: properties.to_vec(),
            ..Greeting::default()
        };
        raw.send(&connect(5, id, &greeting)).await;
        let connack = raw.packet().await.expect("CONNACK");
        assert_eq!((connack.first, connack.body[1]), (0x20, 0), "{connack:?}");
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        // Whether the broker has closed meanwhile is seen when reading.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next packet; `None` when the broker has closed.
    pub async fn packet(&mut self) -> Option<RawPacket> {
        within("a packet", self.next()).await
    }

    /// The next packet of a kind; others are skipped.
    pub async fn packet_of(&mut self, kind: u8) -> RawPacket {
        loop {
            let packet = self.packet().await.expect("a packet before the end");
            if packet.first >> 4 == kind {
                return packet;
            }
        }
    }

    /// Whether nothing arrives for a while.
    pub async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.next()).await.is_err()
    }

    async fn next(&mut self) -> Option<RawPacket> {
        loop {
            if let Some((length, header)) = length(&self.buffer)
                && self.buffer.len() >= header + length
            {
                let rest = self.buffer.split_off(header + length);
                let packet = std::mem::replace(&mut self.buffer, rest);
                return Some(RawPacket {
                    first: packet[0],
                    body: packet[header..].to_vec(),
                });
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(1..) => {}
                _ => return None,
            }
        }
    }

    pub async fn subscribe(&mut self, v5: bool, filter: &str, options: u8) -> RawPacket {
        let properties: &[u8] = if v5 { &[0] } else { &[] };
        let body = [&[0, 9], properties, &text(filter), &[options]].concat();
        self.send(&packet(0x82, &body)).await;
        self.packet_of(9).await
    }

    /// The reason of the DISCONNECT that ends the connection.
    pub async fn disconnected(&mut self) -> u8 {
        let packet = self.packet_of(14).await;
        assert_eq!(self.packet().await, None, "open after DISCONNECT");
        packet.body[0]
    }
}

fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((length, place + 2));
        }
    }
    None
}

/// What a CONNECT carries beside version and id.
#[derive(Debug, Default)]
pub struct Greeting {
    /// Keeps the session (`clean` is the default).
    pub keep: bool,
    pub keep_alive_s: u16,
    pub properties: Vec<u8>,
    pub will: Option<(String, Vec<u8>)>,
    pub will_properties: Vec<u8>,
    pub username: Option<String>,
    pub password: Option<Vec<u8>>,
}

pub fn connect(level: u8, id: &str, greeting: &Greeting) -> Vec<u8> {
    let name = if level & 0x7F == 3 { "MQIsdp" } else { "MQTT" };
    let mut flags = if greeting.keep { 0 } else { 2 };
    let mut payload = text(id);
    if let Some((topic, message)) = &greeting.will {
        // At QoS 1, retained.
        flags |= 0b0010_1100;
        if level == 5 {
            payload.push(greeting.will_properties.len() as u8);
            payload.extend(&greeting.will_properties);
        }
        payload.extend(text(topic));
        payload.extend((message.len() as u16).to_be_bytes());
        payload.extend(message);
    }
    if let Some(username) = &greeting.username {
        flags |= 0x80;
        payload.extend(text(username));
    }
    if let Some(password) = &greeting.password {
        flags |= 0x40;
        payload.extend((password.len() as u16).to_be_bytes());
        payload.extend(password);
    }
    let mut body = [
        &text(name)[..],
        &[level, flags],
        &greeting.keep_alive_s.to_be_bytes(),
    ]
    .concat();
    if level == 5 {
        body.push(greeting.properties.len() as u8);
        body.extend(&greeting.properties);
    }
    body.extend(payload);
    packet(0x10, &body)
}

/// A PUBLISH; `id` 0 for `QoS` 0.
pub fn publish(v5: bool, qos: u8, id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    if v5 {
        body.push(0);
    }
    body.extend(payload);
    packet(0x30 | qos << 1, &body)
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let byte = (length & 0x7F) as u8;
        length >>= 7;
        packet.push(byte | if length > 0 { 0x80 } else { 0 });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

pub fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// Topic and payload of a PUBLISH of MQTT 3.1.1.
pub fn message(packet: &RawPacket) -> (String, Vec<u8>) {
    let topic_length = usize::from(u16::from_be_bytes([packet.body[0], packet.body[1]]));
    let (topic, rest) = packet.body[2..].split_at(topic_length);
    let id = if packet.first & 0b0110 == 0 { 0 } else { 2 };
    (String::from_utf8_lossy(topic).into_owned(), rest[id..].to_vec())
}

/// The packet id of a PUBLISH or an acknowledgement.
pub fn id_of(packet: &RawPacket) -> u16 {
    let at = if packet.first >> 4 == 3 {
        2 + usize::from(u16::from_be_bytes([packet.body[0], packet.body[1]]))
    } else {
        0
    };
    u16::from_be_bytes([packet.body[at], packet.body[at + 1]])
}

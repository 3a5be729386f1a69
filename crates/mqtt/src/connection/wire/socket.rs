//! The bytes of a connection: a TCP, TLS or in-process stream, and what is read and not yet written.
//!
//! Everything is safe to cancel.

use std::io;

use bytes::BytesMut;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::TcpStream,
    select,
};

use super::{
    super::{ConnectionOptions, tls},
    packet::{Decoded, Outgoing, Received, Version},
};

/// Room for a read. What is read at once is bounded by it and one packet. Payloads are parts of it.
const READ_BYTES: usize = 64 << 10;
/// Room at which more is made.
const LITTLE_ROOM: usize = 2 << 10;
/// Bytes that wait to be written at which no more are added.
const WRITE_BYTES: usize = 64 << 10;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Socket {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    incoming: BytesMut,
    outgoing: BytesMut,
    unflushed: bool,
    /// Nothing is written after what waits.
    ends: bool,
    max_packet_bytes: u32,
}

/// What a socket has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Read,
    Written,
}

impl Socket {
    /// Connects to the broker, without a word of MQTT.
    pub(super) async fn connect(options: &ConnectionOptions) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match &options.pipe {
            Some(pipe) => Box::new(pipe.open()?),
            None => dial(options).await?,
        };
        let (reader, writer) = tokio::io::split(stream);
        Ok(Self {
            reader,
            writer,
            incoming: BytesMut::with_capacity(READ_BYTES),
            outgoing: BytesMut::with_capacity(READ_BYTES),
            unflushed: false,
            ends: false,
            max_packet_bytes: options.max_packet_bytes,
        })
    }

    /// Returns whether another packet may be added.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < WRITE_BYTES
    }

    /// What was read and is no packet yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.incoming
    }

    pub(super) fn is_written(&self) -> bool {
        self.outgoing.is_empty() && !self.unflushed
    }

    /// Adds our CONNECT to what is to be written.
    pub(super) fn greet(
        &mut self,
        options: &ConnectionOptions,
        version: Version,
        client_id: &str,
    ) -> Result<(), String> {
        version.greet(options, client_id, &mut self.outgoing)
    }

    /// Adds a packet to what is to be written. After a DISCONNECT our side of the connection is closed: brokers wait
    /// for that before they close theirs.
    pub(super) fn add(&mut self, version: Version, packet: Outgoing) -> Result<(), String> {
        self.ends |= matches!(packet, Outgoing::Disconnect);
        version.encode(packet, &mut self.outgoing)
    }

    /// Returns the next packet that was read.
    pub(super) fn packet(&mut self, version: Version) -> Result<Option<Received>, String> {
        match version.decode(&mut self.incoming, self.max_packet_bytes)? {
            Decoded::Packet(received) => Ok(Some(received)),
            Decoded::Incomplete(missing) => {
                self.incoming.reserve(missing);
                Ok(None)
            }
        }
    }

    /// Writes what is to be written, or reads something if `reads`. Reading goes on while nobody takes what is written.
    pub(super) async fn progress(&mut self, reads: bool) -> io::Result<Progress> {
        let (written, incoming) = (self.is_written(), &mut self.incoming);
        if incoming.capacity() - incoming.len() < LITTLE_ROOM {
            incoming.reserve(READ_BYTES);
        }
        select! {
            biased;
            result = write(&mut self.writer, &mut self.outgoing, &mut self.unflushed, self.ends), if !written => {
                result.map(|()| Progress::Written)
            }
            bytes = self.reader.read_buf(incoming), if reads => match bytes? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Progress::Read),
            },
            else => std::future::pending().await,
        }
    }
}

/// Connects over the network.
async fn dial(options: &ConnectionOptions) -> io::Result<Box<dyn Stream>> {
    let host = options.broker.dial_host();
    let tcp = TcpStream::connect(format!("{host}:{}", options.broker.port())).await?;
    tcp.set_nodelay(true)?;
    if !options.broker.tls() {
        return Ok(Box::new(tcp));
    }
    let config = tls::client_config(options.trusted_certificates_pem.as_deref())?;
    let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    Ok(Box::new(connector.connect(name, tcp).await?))
}

async fn write(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    outgoing: &mut BytesMut,
    unflushed: &mut bool,
    ends: bool,
) -> io::Result<()> {
    while !outgoing.is_empty() {
        *unflushed = true;
        if writer.write_buf(outgoing).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    writer.flush().await?;
    if ends {
        writer.shutdown().await?;
    }
    *unflushed = false;
    Ok(())
}

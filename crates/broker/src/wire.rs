//! The bytes of one connection: what was read and is not a packet yet, what is to be written.
//!
//! In: a stream. Out: frames whose size was checked before memory was taken for them. Buffers grow with what has arrived,
//! not with what a header promises.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use rmqtt_codec::v5::DisconnectReasonCode as Reason;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use crate::packet::Malformed;

const FIRST_READ_BYTES: usize = 2 << 10;
const LARGEST_READ_BYTES: usize = 64 << 10;
/// The largest packet that is no PUBLISH.
const MAX_CONTROL_BYTES: usize = 512 << 10;
/// The largest properties of a PUBLISH; each takes many times its size once it is decoded.
const MAX_PROPERTIES_BYTES: usize = 64 << 10;
/// Emptied output buffers above this size are given back.
const KEPT_OUTPUT_BYTES: usize = 256 << 10;

/// A stream and its buffers.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    pub(crate) input: BytesMut,
    pub(crate) output: BytesMut,
    read_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            read_bytes: FIRST_READ_BYTES,
        }
    }

    /// Reads once; 0 is the end.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.read_bytes / 2 {
            self.input
                .reserve(self.read_bytes.max(self.input.len().min(1 << 20)));
        }
        let read = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.input))?;
        if read >= self.read_bytes / 2 {
            self.read_bytes = (self.read_bytes * 2).min(LARGEST_READ_BYTES);
        }
        Poll::Ready(Ok(read))
    }

    /// Writes once; returns the number of bytes written.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.output.advance(written);
        if self.output.is_empty() {
            if self.output.capacity() > KEPT_OUTPUT_BYTES {
                self.output = BytesMut::new();
            } else {
                self.output.clear();
            }
        }
        Poll::Ready(Ok(written))
    }

    /// Writes everything that is left and closes the sending side.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
        }
        std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await
    }

    /// Reads and discards until the client closes: closing with unread data resets the connection, and the client would
    /// lose what was written last.
    pub(crate) async fn discard(&mut self) {
        loop {
            self.input.clear();
            match std::future::poll_fn(|cx| self.poll_read(cx)).await {
                Ok(read) if read > 0 => {}
                _ => return,
            }
        }
    }
}

/// How much of the input is the next packet; `None` while it is not there as a whole. Checks sizes as soon as they are known.
pub(crate) fn frame(input: &[u8], limits: FrameLimits) -> Result<Option<usize>, Malformed> {
    let Some((remaining, header)) = variable_length(input.get(1..).unwrap_or_default())? else {
        return Ok(None);
    };
    let (length, body) = (1 + header + remaining, 1 + header);
    let is_publish = input[0] >> 4 == 3;
    let max = if is_publish {
        limits.max_packet_bytes
    } else {
        limits.max_packet_bytes.min(MAX_CONTROL_BYTES)
    };
    if length > max {
        return Err(Malformed {
            reason: Reason::PacketTooLarge,
            text: "a packet is larger than the broker accepts",
        });
    }
    if is_publish && limits.properties {
        check_properties(input, body)?;
    }
    Ok((input.len() >= length).then_some(length))
}

/// What a frame may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameLimits {
    pub(crate) max_packet_bytes: usize,
    /// Whether a PUBLISH has properties.
    pub(crate) properties: bool,
}

/// Checks the size of a PUBLISH's properties, if that much of it is there.
fn check_properties(input: &[u8], body: usize) -> Result<(), Malformed> {
    let Some(topic) = input.get(body..body + 2) else {
        return Ok(());
    };
    let id = if input[0] & 0b0110 == 0 { 0 } else { 2 };
    let properties = body + 2 + usize::from(u16::from_be_bytes([topic[0], topic[1]])) + id;
    match variable_length(input.get(properties..).unwrap_or_default())? {
        Some((length, _)) if length > MAX_PROPERTIES_BYTES => Err(Malformed {
            reason: Reason::QuotaExceeded,
            text: "a message has more than 64 KiB of properties",
        }),
        _ => Ok(()),
    }
}

/// Reads a variable byte integer: its value and its length; `None` where it is not there as a whole.
pub(crate) fn variable_length(input: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (place, byte) in input.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((value, place + 1)));
        }
    }
    if input.len() < 4 {
        return Ok(None);
    }
    Err(Malformed {
        reason: Reason::MalformedPacket,
        text: "a length has more than four bytes",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits = FrameLimits {
        max_packet_bytes: 1 << 20,
        properties: true,
    };

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        assert_eq!(frame(&[], LIMITS), Ok(None));
        assert_eq!(frame(&[0xC0], LIMITS), Ok(None));
        assert_eq!(frame(&[0xC0, 0], LIMITS), Ok(Some(2)));
        assert_eq!(frame(&[0x40, 2, 0], LIMITS), Ok(None));
        assert_eq!(frame(&[0x40, 2, 0, 1, 0xC0], LIMITS), Ok(Some(4)));
    }

    #[test]
    fn sizes_are_refused_before_the_bytes_arrive() {
        let reason = |input: &[u8]| frame(input, LIMITS).unwrap_err().reason;
        assert_eq!(reason(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]), Reason::PacketTooLarge);
        assert_eq!(reason(&[0x82, 0x81, 0x80, 0x20]), Reason::PacketTooLarge);
        assert_eq!(reason(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF]), Reason::MalformedPacket);
        // Topic "t", then 65,537 bytes of properties.
        assert_eq!(
            reason(&[0x30, 0x80, 0x80, 0x08, 0, 1, b't', 0x81, 0x80, 0x04]),
            Reason::QuotaExceeded
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(input: Vec<u8>) {
            let _ = frame(&input, LIMITS);
        }
    }
}

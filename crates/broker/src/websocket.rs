//! MQTT over WebSocket: the handshake, and binary messages as a stream of bytes.
//!
//! In: a connection. Out: a stream in which packets may begin and end anywhere in a message, as the standard has it.
//! tokio-tungstenite does the protocol: it is what most of the ecosystem runs on, it is fuzzed, and it bounds the request
//! (64 KiB, 124 headers), a frame and a message. A browser says which page it connects for; a page of another site is
//! refused, because on loopback it needs no password, and elsewhere it may have the person's certificate.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::{Sink as _, Stream as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Error, Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
        http::{HeaderValue, StatusCode, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::WebSocketConfig,
    },
};

use crate::{
    events::{EventKind, What},
    sniff::{self, First},
    transport::Flushing,
};

/// Names of the protocol that clients offer: that of 3.1.1 and 5, and that of 3.1.
const PROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];
/// The largest message that the broker sends; packets may be cut anywhere.
const MESSAGE_BYTES: usize = 64 << 10;
const READ_BYTES: usize = 8 << 10;

/// Looks at the first bytes of a plain connection, so that a client of MQTT or TLS is told apart.
pub(crate) async fn check_first(stream: &TcpStream) -> Result<(), Option<What>> {
    let mut first = [0; 2];
    let length = stream.peek(&mut first).await.map_err(|_| None)?;
    let what = |reason, remedy| Some(What::new(EventKind::OtherProtocol, reason, remedy));
    match (sniff::first(&first[..length]), first[0]) {
        _ if length == 0 => Err(None),
        (First::Connect, _) => Err(what(
            "a client speaks plain MQTT, and this port speaks MQTT over WebSocket",
            "use ws:// in the client, or the port for MQTT over TCP",
        )),
        (_, 0x16) => Err(what(
            "a client speaks TLS, and this port speaks plain WebSocket",
            "use ws:// in place of wss://, or the port for WebSocket in TLS",
        )),
        _ => Ok(()),
    }
}

/// Does the handshake. `loopback`: whether only this machine can reach the port.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    loopback: bool,
    max_bytes: usize,
) -> Result<Flushing<WebSocket<S>>, Option<What>> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_BYTES)
        .max_message_size(Some(max_bytes))
        .max_frame_size(Some(max_bytes));
    let mut refused = None;
    let judge = Judge {
        loopback,
        refused: &mut refused,
    };
    let accepted = accept_hdr_async_with_config(stream, judge, Some(config)).await;
    match accepted {
        Ok(inner) => Ok(Flushing::new(WebSocket {
            inner,
            rest: Bytes::new(),
        })),
        Err(_) if refused.is_some() => Err(refused),
        Err(Error::Io(_)) => Err(None),
        Err(error) => Err(Some(What::new(
            EventKind::WebSocketRefused,
            format!("the WebSocket handshake failed: {error}"),
            "check that the client speaks MQTT over WebSocket on this port",
        ))),
    }
}

/// Decides about a request.
struct Judge<'a> {
    loopback: bool,
    refused: &'a mut Option<What>,
}

impl Callback for Judge<'_> {
    fn on_request(self, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        let mut refuse = |status, reason: &str, remedy| {
            let mut answer = ErrorResponse::new(Some(format!("{reason}\n")));
            *answer.status_mut() = status;
            *self.refused = Some(What::new(EventKind::WebSocketRefused, reason, remedy));
            answer
        };
        if !monitoring::is_own_host(request.headers(), self.loopback) {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "a page of another site asked for a connection",
                "open the page from this host, or use a client that is no browser",
            ));
        }
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
        let mut offered = offered
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim);
        let Some(protocol) = offered.find_map(|name| PROTOCOLS.into_iter().find(|known| *known == name))
        else {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "the client does not offer the WebSocket protocol mqtt",
                "set the client's WebSocket protocol to mqtt",
            ));
        };
        let headers = response.headers_mut();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        Ok(response)
    }
}

/// The bytes of MQTT in a WebSocket.
pub(crate) struct WebSocket<S> {
    inner: WebSocketStream<S>,
    /// What is left of the last message.
    rest: Bytes,
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionAborted.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Ok(Message::Close(_))) => {
                    // The answer waits in the library; whoever closes in order reads it.
                    let _ = Pin::new(&mut self.inner).poll_flush(cx);
                    return Poll::Ready(Ok(()));
                }
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                // MQTT is never text.
                Some(Ok(Message::Text(_))) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                // The library answers a ping itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = Pin::new(&mut self.inner);
        ready!(inner.as_mut().poll_ready(cx)).map_err(io_error)?;
        let length = bytes.len().min(MESSAGE_BYTES);
        let message = Message::Binary(Bytes::copy_from_slice(&bytes[..length]));
        inner.start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx).map_err(io_error)
    }
}

//! What carries MQTT: TCP, TLS, WebSocket, and WebSocket in TLS.
//!
//! In: a fresh TCP connection and the listener it came to. Out: a stream of MQTT's bytes, and the account that the
//! client's certificate names; or the line for the log. Plain TCP does not come here: it is served without a pointer in
//! between.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    events::{EventKind, What},
    options::ListenerOptions,
    websocket,
};

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A pipe in memory.
    Local,
    Tcp,
    Tls,
    WebSocket,
    SecureWebSocket,
}

impl Transport {
    pub(crate) const fn of(listener: &ListenerOptions) -> Self {
        match (listener.tls.is_some(), listener.websocket) {
            (false, false) => Self::Tcp,
            (true, false) => Self::Tls,
            (false, true) => Self::WebSocket,
            (true, true) => Self::SecureWebSocket,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "a pipe",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::WebSocket => "WebSocket",
            Self::SecureWebSocket => "WebSocket in TLS",
        }
    }
}

/// A stream of bytes of any transport.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection whose handshakes are done.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) certificate_name: Option<Arc<str>>,
    pub(crate) certificate_not_before: Option<i64>,
}

/// Does the handshakes that `listener` asks for. `Err(None)` where the client only left.
pub(crate) async fn open(
    stream: TcpStream,
    listener: &ListenerOptions,
    max_websocket_bytes: usize,
) -> Result<Opened, Option<What>> {
    let loopback = listener.address.ip().is_loopback();
    let Some(tls) = &listener.tls else {
        websocket::check_first(&stream).await?;
        let stream = websocket::accept(stream, loopback, max_websocket_bytes).await?;
        return Ok(Opened {
            stream: Box::new(stream),
            certificate_name: None,
            certificate_not_before: None,
        });
    };
    let accepted = tls.accept(stream).await.map_err(|refused| {
        let refused = refused?;
        Some(What::new(EventKind::TlsFailed, refused.reason, refused.remedy))
    })?;
    let encrypted = Flushing::new(accepted.stream);
    let stream: Box<dyn Stream> = if listener.websocket {
        Box::new(websocket::accept(encrypted, loopback, max_websocket_bytes).await?)
    } else {
        Box::new(encrypted)
    };
    Ok(Opened {
        stream,
        certificate_name: accepted.certificate_name.map(Into::into),
        certificate_not_before: accepted.certificate_not_before,
    })
}

/// A stream whose writes leave by themselves. TLS and WebSocket keep what the socket had no room for until somebody asks
/// again, and a broker's connection that has nothing more to write does not ask.
pub(crate) struct Flushing<S> {
    inner: S,
    /// Whether something was written that may not have left.
    is_behind: bool,
}

impl<S> Flushing<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self {
            inner,
            is_behind: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Flushing<S> {
    fn poll_catch_up(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_behind {
            ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
            self.is_behind = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Flushing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever waits to read is woken when there is room to write again. A failure is the next write's.
        let _ = self.poll_catch_up(cx);
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Flushing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_catch_up(cx))?;
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.is_behind = true;
        match self.poll_catch_up(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(written)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

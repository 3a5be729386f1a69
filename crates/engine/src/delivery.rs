//! Connections that tell when what was written to them is with the kernel.
//!
//! An answer that fails in the middle ends with a mark and a broken connection. Breaking drops what the HTTP server still
//! holds back for a slow client, so that the mark must have left before.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures_util::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::timeout,
};

/// How long a client may leave the end of a failed answer unread.
const LONGEST_DELIVERY: Duration = Duration::from_mins(1);

/// A piece of an answer, or the failure that breaks it off.
pub(crate) type Piece = Result<Bytes, io::Error>;

/// Accepts connections that count their flushes.
pub(crate) struct Deliveries(pub(crate) TcpListener);

impl Listener for Deliveries {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // The last piece of an answer must not wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        (Connection::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Who is at the other end.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) delivery: Delivery,
}

impl Connected<IncomingStream<'_, Deliveries>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Deliveries>) -> Self {
        Self {
            address: *stream.remote_addr(),
            delivery: stream.io().delivery(),
        }
    }
}

/// How often everything that was written to a connection had been passed to the kernel.
#[derive(Clone)]
pub(crate) struct Delivery(watch::Receiver<u64>);

impl Delivery {
    fn flushes(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits for a flush after the first `seen`, the end of the connection, or a client that does not read.
    async fn goes_beyond(&mut self, seen: u64) {
        let _ = timeout(LONGEST_DELIVERY, self.0.wait_for(|flushes| *flushes > seen)).await;
    }
}

/// Returns the body of an answer. What came before a failure is delivered before the failure breaks the connection.
/// `kept` lives as long as the body.
pub(crate) fn body<K: Send>(
    pieces: mpsc::Receiver<Piece>,
    delivery: Option<Delivery>,
    kept: K,
) -> impl Stream<Item = Piece> {
    let state = (pieces, delivery, 0, kept);
    futures_util::stream::unfold(state, async |(mut pieces, mut delivery, mut seen, kept)| {
        let piece = pieces.recv().await?;
        match &mut delivery {
            Some(delivery) if piece.is_err() => delivery.goes_beyond(seen).await,
            // The piece is with the HTTP server as soon as it is returned: what is flushed after that includes it.
            Some(delivery) => seen = delivery.flushes(),
            None => {}
        }
        Some((piece, (pieces, delivery, seen, kept)))
    })
}

/// A connection that counts its flushes.
pub(crate) struct Connection<S> {
    stream: S,
    flushes: watch::Sender<u64>,
}

impl<S> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            flushes: watch::Sender::new(0),
        }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        Delivery(self.flushes.subscribe())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The HTTP server flushes when it has written all that it held.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.flushes.send_modify(|flushes| *flushes += 1);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{Router, body::Body, routing::get};
    use hyper_util::{rt::TokioIo, service::TowerToHyperService};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// The client reads nothing while the answer fails: of a pipe that holds 64 bytes, the rest is with the HTTP server.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_late_gets_what_came_before_the_failure() {
        for rows in [0, 1, 100, 1_000_000] {
            let (mut client, server) = tokio::io::duplex(64);
            let connection = Connection::new(server);
            let delivery = connection.delivery();
            let answer = async move || {
                let (sender, pieces) = mpsc::channel(4);
                sender.send(Ok("x".repeat(rows).into())).await.unwrap();
                sender.send(Ok("the mark".into())).await.unwrap();
                sender.send(Err(io::Error::other("failed"))).await.unwrap();
                Body::from_stream(body(pieces, Some(delivery), ()))
            };
            let service = TowerToHyperService::new(Router::new().route("/", get(answer)));
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service);
            let serving = tokio::spawn(serving);
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .await
                .unwrap();
            tokio::time::sleep(LONGEST_DELIVERY / 2).await;
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.contains("the mark"), "{rows}");
            assert!(
                !answer.ends_with("0\r\n\r\n"),
                "{rows}: a broken answer must not look whole"
            );
            serving.await.unwrap().unwrap_err();
        }
    }

    /// A client that never reads holds the connection for a minute and no longer.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_reads_is_left() {
        let (client, server) = tokio::io::duplex(64);
        let connection = Connection::new(server);
        let mut delivery = connection.delivery();
        let started = tokio::time::Instant::now();
        delivery.goes_beyond(0).await;
        assert_eq!(started.elapsed(), LONGEST_DELIVERY);
        drop((client, connection));
        delivery.goes_beyond(0).await;
        assert_eq!(started.elapsed(), LONGEST_DELIVERY, "the connection is over");
    }
}

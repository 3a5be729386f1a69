//! Options of accepted sockets.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a connection is silent before the system asks whether the other side is there, how often it asks, and how many
/// times without an answer. A client without an MQTT keep-alive that has lost its network is noticed after two minutes.
const IDLE: Duration = Duration::from_mins(1);
const INTERVAL: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 4;

/// Sends without delay, and notices when the other side is gone. It fails only where the connection is gone already.
pub(crate) fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keep_alive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(INTERVAL)
        .with_retries(ATTEMPTS);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keep_alive);
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_system_asks_whether_the_other_side_is_there() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        tune(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE);
        assert!(socket.tcp_nodelay().unwrap());
    }
}

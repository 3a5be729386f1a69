//! MQTT over WebSocket: a stream in binary messages, the protocol's name, pages of other sites, bounds.

mod support;

use std::{net::SocketAddr, time::Duration};

use broker::{BrokerOptions, EventKind, ListenerOptions};
use futures_util::{SinkExt as _, StreamExt as _};
use support::{
    Client, House,
    house::{Authority, connect as connect_tls},
    options,
    raw::{Greeting, Raw, connect, publish},
    within,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};

const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

fn websocket_options() -> BrokerOptions {
    let plain = ListenerOptions::plain((LOOPBACK, 0).into());
    BrokerOptions {
        listeners: vec![plain.clone(), plain.over_websocket()],
        ..options()
    }
}

async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    protocol: Option<&'static str>,
    origin: Option<&'static str>,
) -> Result<WebSocketStream<S>, Error> {
    let mut request = format!("ws://{host}/mqtt")
        .into_client_request()
        .expect("a request");
    let headers = request.headers_mut();
    for (name, value) in [("sec-websocket-protocol", protocol), ("origin", origin)] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    let opening = Box::pin(client_async(request, stream));
    let (client, answer) = within("the handshake", opening).await?;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "mqtt");
    Ok(client)
}

async fn open_at(
    address: SocketAddr,
    protocol: Option<&'static str>,
    origin: Option<&'static str>,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    open(stream, &address.to_string(), protocol, origin).await
}

/// The next bytes of MQTT.
async fn bytes<S: AsyncRead + AsyncWrite + Unpin>(client: &mut WebSocketStream<S>) -> Vec<u8> {
    loop {
        match within("a message", client.next())
            .await
            .expect("no end")
            .expect("a message")
        {
            Message::Binary(bytes) => return bytes.to_vec(),
            Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_begin_and_end_anywhere_in_a_message() {
    let house = House::start(websocket_options()).await;
    let mut witness = Client::connect(house.address(), "witness").await;
    witness.subscribe("#").await;
    let mut client = open_at(house.broker.addresses()[1], Some("other, mqtt"), None)
        .await
        .unwrap();
    let greeting = connect(4, "browser", &Greeting::default());
    // One packet in three messages, then two packets in one.
    for part in [&greeting[..3], &greeting[3..4], &greeting[4..]] {
        client.send(Message::Binary(part.to_vec().into())).await.unwrap();
    }
    assert_eq!(bytes(&mut client).await, [0x20, 2, 0, 0]);
    let two = [publish(false, 0, 0, "a", b"1"), publish(false, 0, 0, "b", b"2")].concat();
    client.send(Message::Ping(Vec::new().into())).await.unwrap();
    client.send(Message::Binary(two.into())).await.unwrap();
    assert_eq!(witness.message().await, ("a".to_owned(), b"1".to_vec()));
    assert_eq!(witness.message().await, ("b".to_owned(), b"2".to_vec()));
    // A subscription, and a clip that takes many messages of the broker's.
    client
        .send(Message::Binary(vec![0x82, 6, 0, 1, 0, 1, b'c', 0].into()))
        .await
        .unwrap();
    assert_eq!(bytes(&mut client).await, [0x90, 3, 0, 1, 0]);
    witness.publish("c", vec![9; 1 << 20], false).await;
    let mut received = Vec::new();
    while received.len() < (1 << 20) + 7 {
        received.extend(bytes(&mut client).await);
    }
    assert_eq!(received.len(), (1 << 20) + 7);
    assert!(received[7..].iter().all(|byte| *byte == 9));
    // Whoever closes in order is answered in order.
    client.close(None).await.unwrap();
    let end = within("the end", client.next()).await;
    assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_in_tls() {
    let authority = Authority::new(&["browser"]);
    let secure = ListenerOptions::tls((LOOPBACK, 0).into(), authority.server()).over_websocket();
    let house = House::start(BrokerOptions {
        listeners: vec![secure],
        ..options()
    })
    .await;
    let address = house.address();
    let config = authority.modern(Some(authority.identity("browser")));
    let stream = connect_tls(address, config).await.unwrap();
    let mut client = open(stream, &address.to_string(), Some("mqtt"), None)
        .await
        .unwrap();
    let greeting = connect(4, "browser", &Greeting::default());
    client.send(Message::Binary(greeting.into())).await.unwrap();
    assert_eq!(bytes(&mut client).await, [0x20, 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_and_other_protocols_are_refused() {
    let mut house = House::start(websocket_options()).await;
    let address = house.broker.addresses()[1];
    for (protocol, origin, status, reason) in [
        (Some("mqtt"), Some("https://evil.example"), 403, "another site"),
        (Some("mqtt"), Some("null"), 403, "another site"),
        (None, None, 400, "protocol mqtt"),
        (Some("chat"), None, 400, "protocol mqtt"),
    ] {
        match open_at(address, protocol, origin).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), status),
            other => panic!("{other:?}"),
        }
        let event = house.event(EventKind::WebSocketRefused).await;
        assert!(event.reason.contains(reason), "{event:?}");
    }
    // A name that was made to lead here.
    let stream = TcpStream::connect(address).await.unwrap();
    assert!(open(stream, "evil.example", Some("mqtt"), None).await.is_err());
    house.event(EventKind::WebSocketRefused).await;
    // The page of this machine, from any port.
    let own = Some("http://localhost:8080");
    open_at(address, Some("mqtt"), own).await.unwrap();
    for (first, reason) in [
        (connect(4, "c", &Greeting::default()), "plain MQTT"),
        (vec![0x16, 3, 1, 0, 5], "speaks TLS"),
    ] {
        let mut raw = Raw::open(address).await;
        raw.send(&first).await;
        let event = house.event(EventKind::OtherProtocol).await;
        assert!(event.reason.contains(reason), "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_giants_and_slow_handshakes_end_the_connection() {
    let mut house = House::start(BrokerOptions {
        connect_timeout: Duration::from_millis(500),
        max_websocket_bytes: 1_000,
        ..websocket_options()
    })
    .await;
    let address = house.broker.addresses()[1];
    let mut client = open_at(address, Some("mqtt"), None).await.unwrap();
    client.send(Message::Text("CONNECT".into())).await.unwrap();
    assert!(is_closed(&mut client).await);
    let mut client = open_at(address, Some("mqtt"), None).await.unwrap();
    client
        .send(Message::Binary(vec![0x10; 1_001].into()))
        .await
        .unwrap();
    assert!(is_closed(&mut client).await);
    // Byte by byte, without an end.
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /mqtt HTTP/1.1\r\nHost: ").await.unwrap();
    let event = house.event(EventKind::NoGreeting).await;
    assert!(event.reason.contains("over WebSocket"), "{event:?}");
    assert_eq!(within("the end", slow.read(&mut [0; 16])).await.unwrap_or(0), 0);
    // A head without an end.
    let mut endless = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {address}\r\nX: {}",
        "x".repeat(200_000)
    );
    let _ = endless.write_all(head.as_bytes()).await;
    let event = house.event(EventKind::WebSocketRefused).await;
    assert!(event.reason.contains("handshake failed"), "{event:?}");
}

async fn is_closed(client: &mut WebSocketStream<TcpStream>) -> bool {
    within("the end", async {
        loop {
            match client.next().await {
                None | Some(Err(_)) => return true,
                Some(Ok(_)) => {}
            }
        }
    })
    .await
}

//! What is said of addresses that are no broker for us.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;

use mqtt::{Event, Protocol, connect};
use support::expect;
use testkit::Mosquitto;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The first reason for which a connection to `broker` ends.
async fn reason(broker: SocketAddr, protocol: Protocol) -> String {
    let mut options = support::options(broker, "c");
    options.protocol = protocol;
    let (_publisher, mut incoming) = connect(options);
    let ended = expect(&mut incoming, "the end", |event| {
        matches!(event, Event::Disconnected { .. })
    });
    match ended.await {
        Event::Disconnected { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// Something that answers every greeting with `answer`, and closes.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1_024]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_another_protocol_is_named() {
    for protocol in [Protocol::V5, Protocol::V311] {
        let http = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let said = reason(http, protocol).await;
        assert!(said.contains("HTTP") && said.contains("1883"), "{said}");
        let closing = answering(b"").await;
        let said = reason(closing, protocol).await;
        assert!(said.contains("mqtts://"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_asks_for_an_account_is_told_with_what_to_check() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = directory.path().join("accounts");
    std::fs::write(&accounts, "").unwrap();
    let mosquitto = Mosquitto::start_with(&format!(
        "user root\nallow_anonymous false\npassword_file {}",
        accounts.display()
    ))
    .unwrap();
    for protocol in [Protocol::V5, Protocol::V311] {
        let said = reason(mosquitto.addr(), protocol).await;
        assert!(
            said.contains("not authorized; check the user name and the password"),
            "{said}"
        );
    }
}

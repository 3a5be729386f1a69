//! Starting, failing to start, stopping, and several brokers in one process.

mod support;

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use broker::{Broker, BrokerError, BrokerOptions, ListenerOptions, Publish, PublishHook, Reception, Verdict};
use support::{Client, SLOW, options, start, within};
use tokio::sync::mpsc;

struct Accept;

#[async_trait]
impl PublishHook for Accept {
    async fn accept(&self, _: Publish<'_>) -> Reception {
        Verdict::Accept.into()
    }
}

#[tokio::test]
async fn an_address_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = BrokerOptions {
        listeners: vec![ListenerOptions::plain(taken.local_addr().unwrap())],
        ..options()
    };
    let error = Broker::start(options.clone(), Arc::new(Accept))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, BrokerError::AddressInUse(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains(&options.listeners[0].address.to_string())
    );
}

#[tokio::test]
async fn without_accounts_only_this_machine_may_connect() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1883"] {
        let options = BrokerOptions {
            listeners: vec![ListenerOptions::plain(listen.parse().unwrap())],
            ..options()
        };
        let error = Broker::start(options, Arc::new(Accept)).await.err().unwrap();
        assert!(matches!(error, BrokerError::NeedsAccounts(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_brokers_in_one_process_are_independent() {
    let (first, mut first_sees) = start().await;
    let (second, mut second_sees) = start().await;
    let mut listener = Client::connect(first.listen(), "same-id").await;
    listener.subscribe("#").await;
    let mut other = Client::connect(second.listen(), "same-id").await;
    other.publish("to/second", "x", false).await;
    other.puback().await;
    assert_eq!(second_sees.recv().await.unwrap().topic, "to/second");
    second.stop().await;
    listener.publish("to/first", "x", false).await;
    assert_eq!(listener.message().await.0, "to/first");
    assert_eq!(first_sees.recv().await.unwrap().topic, "to/first");
    first.stop().await;
}

/// Reports when it starts, and is slow.
struct Deliberate {
    begun: mpsc::UnboundedSender<String>,
    finished: Arc<AtomicUsize>,
}

#[async_trait]
impl PublishHook for Deliberate {
    async fn accept(&self, publish: Publish<'_>) -> Reception {
        let _ = self.begun.send(publish.topic.to_owned());
        tokio::time::sleep(SLOW).await;
        self.finished.fetch_add(1, Ordering::SeqCst);
        Verdict::Accept.into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_the_hook_and_frees_the_port() {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let finished = Arc::new(AtomicUsize::new(0));
    let hook = Deliberate {
        begun,
        finished: Arc::clone(&finished),
    };
    let broker = Broker::start(options(), Arc::new(hook)).await.unwrap();
    let listen = broker.listen();
    let client = Client::connect(listen, "c").await;
    client.publish("a", "x", false).await;
    client.publish("b", "x", false).await;
    assert_eq!(within("the hook", begins.recv()).await.unwrap(), "a");
    let stopping = Instant::now();
    broker.stop().await;
    assert!(
        stopping.elapsed() < Duration::from_secs(2),
        "{:?}",
        stopping.elapsed()
    );
    let mut begun = 1;
    while within("the hook to be let go", begins.recv()).await.is_some() {
        begun += 1;
    }
    assert_eq!(
        finished.load(Ordering::SeqCst),
        begun,
        "one was begun and not finished"
    );

    let again = Broker::start(
        BrokerOptions {
            listeners: vec![ListenerOptions::plain(listen)],
            ..options()
        },
        Arc::new(Accept),
    )
    .await
    .unwrap();
    Client::connect(again.listen(), "c").await;
    again.stop().await;
}

//! The broker's figures below `$SYS`, by Mosquitto's names.

mod support;

use std::{collections::HashMap, time::Duration};

use broker::BrokerOptions;
use support::{
    Client, House, options,
    raw::{Raw, message},
    within,
};

#[tokio::test(flavor = "multi_thread")]
async fn figures_have_mosquittos_names() {
    let house = House::start(BrokerOptions {
        sys_interval: Duration::from_millis(100),
        ..options()
    })
    .await;
    let mut client = Client::connect(house.address(), "c").await;
    for i in 0..5 {
        client.publish("t", i.to_string(), i == 0).await;
        client.puback().await;
    }
    let mut raw = Raw::v3(house.address(), "monitor").await;
    raw.subscribe(false, "$SYS/#", 0).await;
    let mut figures = HashMap::new();
    let complete = |figures: &HashMap<String, String>| {
        figures
            .get("$SYS/broker/publish/messages/received")
            .map(String::as_str)
            == Some("5")
            && figures.get("$SYS/broker/subscriptions/count").map(String::as_str) == Some("1")
    };
    within("the figures", async {
        while !complete(&figures) {
            let (topic, payload) = message(&raw.packet_of(3).await);
            figures.insert(topic, String::from_utf8(payload).unwrap());
        }
    })
    .await;
    // What is sent after it belongs to the same tick.
    for _ in 0..60 {
        let (topic, payload) = message(&raw.packet_of(3).await);
        figures.insert(topic, String::from_utf8(payload).unwrap());
    }
    let number = |name: &str| -> f64 {
        let text = figures
            .get(&format!("$SYS/broker/{name}"))
            .unwrap_or_else(|| panic!("no {name}"));
        text.split(' ').next().unwrap().parse().unwrap()
    };
    assert!(figures["$SYS/broker/version"].starts_with("casement version "));
    assert!(figures["$SYS/broker/uptime"].ends_with(" seconds"));
    assert_eq!(figures["$SYS/broker/clients/connected"], "2");
    assert_eq!(figures["$SYS/broker/clients/total"], "2");
    assert_eq!(figures["$SYS/broker/clients/maximum"], "2");
    assert!(number("retained messages/count") > 1.0);
    for name in [
        "messages/received",
        "messages/sent",
        "bytes/received",
        "bytes/sent",
        "publish/messages/sent",
        "load/messages/received/1min",
        "load/bytes/sent/15min",
        "load/publish/received/5min",
    ] {
        assert!(number(name) > 0.0, "{name}");
    }
    assert_eq!(figures["$SYS/broker/publish/messages/dropped"], "0");
    // Nobody gets them who did not ask for them.
    let mut everything = Client::connect(house.address(), "everything").await;
    everything.subscribe("#").await;
    assert_eq!(everything.message().await.0, "t");
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.publish("marker", "x", false).await;
    assert_eq!(everything.message().await.0, "marker");
    house.broker.stop().await;
}

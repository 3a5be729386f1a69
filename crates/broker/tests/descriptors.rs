//! A process without file descriptors: the broker goes on, refuses at once, and says so. A file of its own, because the limit
//! is the process's.

mod support;

use std::time::Duration;

use broker::EventKind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{
    House, options,
    raw::{Greeting, Raw, connect, publish},
    within,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_survives_the_want_of_descriptors() {
    let mut house = House::start(options()).await;
    let mut good = Raw::v3(house.address(), "good").await;
    // All that are free are taken but one, which the client's end of the next connection takes.
    let limits = getrlimit(Resource::Nofile);
    let lowered = Rlimit {
        current: Some(256),
        ..limits
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    held.pop();
    let mut refused = Raw::open(house.address()).await;
    refused.send(&connect(4, "refused", &Greeting::default())).await;
    assert_eq!(refused.packet().await, None, "it waits for ever");
    let event = house.event(EventKind::NoDescriptors).await;
    assert!(event.remedy.contains("ulimit"), "{event:?}");
    // Who is connected notices nothing.
    good.send(&publish(false, 1, 1, "t", b"x")).await;
    good.packet_of(4).await;
    held.clear();
    setrlimit(Resource::Nofile, limits).unwrap();
    within("a connection", async {
        loop {
            let mut raw = Raw::open(house.address()).await;
            raw.send(&connect(4, "later", &Greeting::default())).await;
            if raw.packet().await.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    house.broker.stop().await;
}

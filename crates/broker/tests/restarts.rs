//! A broker that has stopped leaves neither a thread nor a descriptor. A file of its own, because both are the process's.

mod support;

use std::{fs, time::Duration};

use support::{
    House, options,
    raw::{Raw, publish},
    within,
};

fn broker_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists threads");
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("broker"))
        .count()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("Linux lists descriptors")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_broker() {
    let mut before = None;
    for round in 0..10 {
        let house = House::start(options()).await;
        let mut clients = Vec::new();
        for i in 0..5 {
            let mut raw = Raw::v3(house.address(), &i.to_string()).await;
            raw.send(&publish(false, 1, 1, "t", b"x")).await;
            raw.packet_of(4).await;
            clients.push(raw);
        }
        if round % 2 == 0 {
            house.broker.stop().await;
        } else {
            drop(house);
        }
        drop(clients);
        within("threads and descriptors to be gone", async {
            let expected = *before.get_or_insert_with(descriptors);
            while broker_threads() > 0 || descriptors() > expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

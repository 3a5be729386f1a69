//! The broker's figures below `$SYS/broker`, by Mosquitto's names, which monitoring tools ask for.
//!
//! In: the counters, every ten seconds. Out: retained messages for those who subscribe to them.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{keep::Keeper, shared::Shared, statistics::Statistics};

/// How often expired retained messages are removed.
const SWEEP: Duration = Duration::from_mins(1);

/// A counter with moving averages: its topics for one, five and fifteen minutes, and how it is read.
struct Load {
    topics: [&'static str; 3],
    read: fn(&Statistics) -> u64,
    last: u64,
    averages: [f64; 3],
}

macro_rules! load {
    ($name:literal, $read:expr) => {
        Load {
            topics: [
                concat!("$SYS/broker/load/", $name, "/1min"),
                concat!("$SYS/broker/load/", $name, "/5min"),
                concat!("$SYS/broker/load/", $name, "/15min"),
            ],
            read: $read,
            last: 0,
            averages: [0.0; 3],
        }
    };
}

/// Publishes the figures for as long as the broker runs.
pub(crate) async fn run(shared: Arc<Shared>) {
    let started = Instant::now();
    let mut swept = started;
    let mut loads = loads();
    let mut ticks = interval(shared.options.sys_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = started;
    loop {
        let now = ticks.tick().await;
        publish(&shared, now - started);
        for load in &mut loads {
            load.publish(&shared, now - before);
        }
        before = now;
        if now - swept >= SWEEP {
            swept = now;
            let mut page = shared.keeper.as_deref().map(Keeper::page);
            shared.retained.sweep(page.as_mut());
        }
    }
}

fn loads() -> [Load; 9] {
    [
        load!("messages/received", |s| s.packets_received.get()),
        load!("messages/sent", |s| s.packets_sent.get()),
        load!("publish/received", |s| s.publishes_received.get()),
        load!("publish/sent", |s| s.publishes_sent.get()),
        load!("publish/dropped", |s| s.publishes_dropped.get()),
        load!("bytes/received", |s| s.bytes_received.get()),
        load!("bytes/sent", |s| s.bytes_sent.get()),
        load!("connections", |s| s.connects.get()),
        load!("sockets", |s| s.accepted_sockets.get()),
    ]
}

impl Load {
    /// An exponentially weighted moving average of the count a minute.
    fn publish(&mut self, shared: &Shared, elapsed: Duration) {
        let value = (self.read)(&shared.statistics);
        let minutes = elapsed.as_secs_f64() / 60.0;
        if minutes > 0.0 {
            let rate = (value - self.last) as f64 / minutes;
            for (average, span) in self.averages.iter_mut().zip([1.0, 5.0, 15.0]) {
                *average = rate + (-minutes / span).exp() * (*average - rate);
            }
        }
        self.last = value;
        for (topic, average) in self.topics.into_iter().zip(self.averages) {
            shared.publish_own(topic, format!("{average:.2}"));
        }
    }
}

fn publish(shared: &Shared, uptime: Duration) {
    let statistics = &shared.statistics;
    let (connected, sessions) = (statistics.connected(), shared.registry.len() as u64);
    let absent = sessions.saturating_sub(connected);
    let (retained, retained_bytes) = shared.retained.size();
    let version = concat!("casement version ", env!("CARGO_PKG_VERSION"));
    shared.publish_own("$SYS/broker/version", version.to_owned());
    shared.publish_own("$SYS/broker/uptime", format!("{} seconds", uptime.as_secs()));
    let figures = [
        ("$SYS/broker/clients/total", sessions),
        ("$SYS/broker/clients/connected", connected),
        ("$SYS/broker/clients/active", connected),
        ("$SYS/broker/clients/disconnected", absent),
        ("$SYS/broker/clients/inactive", absent),
        ("$SYS/broker/clients/expired", statistics.expired_sessions.get()),
        ("$SYS/broker/clients/maximum", statistics.most_connected()),
        ("$SYS/broker/messages/received", statistics.packets_received.get()),
        ("$SYS/broker/messages/sent", statistics.packets_sent.get()),
        (
            "$SYS/broker/publish/messages/received",
            statistics.publishes_received.get(),
        ),
        (
            "$SYS/broker/publish/messages/sent",
            statistics.publishes_sent.get(),
        ),
        (
            "$SYS/broker/publish/messages/dropped",
            statistics.publishes_dropped.get(),
        ),
        (
            "$SYS/broker/publish/bytes/received",
            statistics.publish_bytes_received.get(),
        ),
        (
            "$SYS/broker/publish/bytes/sent",
            statistics.publish_bytes_sent.get(),
        ),
        ("$SYS/broker/bytes/received", statistics.bytes_received.get()),
        ("$SYS/broker/bytes/sent", statistics.bytes_sent.get()),
        (
            "$SYS/broker/subscriptions/count",
            shared.subscriptions.count() as u64,
        ),
        ("$SYS/broker/retained messages/count", retained as u64),
        ("$SYS/broker/messages/stored", retained as u64),
        ("$SYS/broker/store/messages/count", retained as u64),
        ("$SYS/broker/store/messages/bytes", retained_bytes as u64),
    ];
    for (topic, value) in figures {
        shared.publish_own(topic, value.to_string());
    }
}

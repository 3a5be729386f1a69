//! What a virtual ESP32 says of itself, and how it takes its settings.
//!
//! In: settings from the broker, the time since it joined. Out: answers and telemetry. Of the settings it applies how often it
//! reports; the others are the backend's or the window's.

use std::time::Duration;

use domain::{SettingsAck, Telemetry};
use mqtt::{Delivery, TopicKind};

use crate::{
    device::{Device, Due},
    uplink::{Post, Uplink},
};

/// A device says how it does this often.
pub(crate) const TELEMETRY: Duration = Duration::from_mins(1);
/// The first time, so that a person who watches sees it soon.
pub(crate) const FIRST_TELEMETRY: Duration = Duration::from_secs(5);

impl Device {
    /// Takes settings and answers them. An empty message means that nothing is set.
    pub(crate) fn settings(&mut self, delivery: &Delivery, uplink: &Uplink) {
        if delivery.payload.is_empty() {
            self.report_every(self.options.reading_interval);
            return;
        }
        let (version, settings) = match mqtt::decode_config(&delivery.payload) {
            Ok(settings) => settings,
            Err(refusal) => {
                tracing::debug!(device_id = %self.id, %refusal, "settings cannot be read");
                return;
            }
        };
        let interval = settings.report_interval_s;
        let interval = interval.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.report_every(interval.unwrap_or(self.options.reading_interval));
        let ack = SettingsAck::new(self.id.clone(), version, None);
        uplink.send(Post {
            kind: TopicKind::ConfigAck,
            topic: self.options.topics.topic_for(TopicKind::ConfigAck, &self.id),
            payload: mqtt::encode_config_ack(&ack),
            record: None,
        });
    }

    fn report_every(&mut self, every: Duration) {
        if self.reading.every != every {
            let next = self.elapsed.unwrap_or_default() + every;
            self.reading = Due { next, every };
        }
    }

    /// Says how it does.
    pub(crate) fn tell(&self, uplink: &Uplink) {
        let uptime = self.elapsed.unwrap_or_default();
        // Rooms differ, and a battery lasts a year.
        let place = self.id.as_str().bytes().map(u32::from).sum::<u32>() % 20;
        let charge = (100.0 - uptime.as_secs_f64() / 315_360.0 - f64::from(place)).max(0.0);
        let telemetry = Telemetry {
            battery_v: Some(round(3.3 + 0.9 * charge / 100.0, 100.0)),
            battery_percent: Some(round(charge, 10.0)),
            rssi_dbm: Some(-50.0 - f64::from(place)),
            free_heap_bytes: Some(180_000.0 - f64::from(place) * 512.0),
            uptime_s: Some(round(uptime.as_secs_f64(), 10.0)),
            firmware: Some(concat!("simulator-", env!("CARGO_PKG_VERSION")).to_owned()),
            ..Telemetry::of(self.id.clone(), None)
        };
        uplink.send(Post {
            kind: TopicKind::Telemetry,
            topic: self.options.topics.topic_for(TopicKind::Telemetry, &self.id),
            payload: mqtt::encode_telemetry(&telemetry),
            record: None,
        });
    }
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

//! What an event means beside its rows: the trigger and the devices see it, births, answers and questions are taken.
//!
//! In: events as they were judged. Out: changed state, and what counts once an event is durable. It never waits.

use std::sync::atomic::Ordering;

use domain::{DeviceId, Refusal, RefusalReason, Timestamp, WindowSet};
use tracing::info;

use crate::{
    Happening, Ingest, WindowError,
    clocks::Judgement,
    decoder::{Event, Sender},
    devices::Heard,
    interpreted::{After, Interpreted},
    message::{Acceptance, Message},
};

impl Ingest {
    /// Shows an event to the trigger, to the devices and to the windows. Returns whether it is a command of ours.
    pub(crate) fn observe(
        &self,
        event: &Event,
        judgement: &Judgement,
        sender: &Sender,
        received_at: Timestamp,
    ) -> bool {
        let heard = Heard {
            at: received_at,
            clock: judgement.wrong_clock(received_at),
            ahead_ms: judgement.ahead_ms(received_at),
            is_behind: judgement.is_behind(),
            interval: sender.setup.interval,
        };
        let is_late = judgement.is_late;
        let is_decided_for = !sender.setup.is_retired;
        match event {
            Event::Reading(reading) => {
                if is_decided_for {
                    if judgement.is_behind() {
                        self.trigger
                            .observe_reading(&reading.clone().at(received_at), is_late);
                    } else {
                        self.trigger.observe_reading(reading, is_late);
                    }
                }
                self.devices.reading(reading, &heard);
                // What is late says nothing about the weather now.
                if is_decided_for && !is_late {
                    self.rules.reading(reading);
                }
            }
            Event::Clip(clip) => {
                if is_decided_for {
                    let mut recent = clip.recent();
                    if judgement.is_behind() {
                        recent.timestamp = received_at;
                    }
                    self.trigger.observe_clip(&clip.device_id, recent, is_late);
                }
                self.devices.clip(clip, &heard);
            }
            Event::Action(action) => {
                self.devices.action(action);
                return !is_late && self.windows.action(action);
            }
            Event::State(state) => {
                self.devices.state(state, &heard);
                self.windows.state(state, is_late);
            }
            Event::Suspect(reading, cause) => self.devices.suspect(reading, cause, &heard),
            Event::Held(decision) => {
                self.devices.held(decision);
                self.windows.held(decision);
            }
            Event::Telemetry(telemetry) => {
                if let Some(latest) = self.devices.telemetry(telemetry, &heard) {
                    let device_id = telemetry.device_id.clone();
                    let telemetry = Happening::Telemetry {
                        device_id,
                        telemetry: latest,
                    };
                    self.feed.add(received_at, telemetry);
                }
            }
            // A device's state and history are what happened; a candidate's prediction only might have.
            Event::Shadow(_)
            | Event::Status(..)
            | Event::Alarm(..)
            | Event::Ack(_)
            | Event::Set(_)
            | Event::TimeRequest(_) => {}
        }
        false
    }

    /// Takes what says nothing about a time: a birth or a last will, an answer to settings, a question for the time.
    pub(crate) fn take_untimed(&self, event: Event, sender: &Sender, received_at: Timestamp) -> Interpreted {
        let (row, after) = match event {
            Event::Status(device_id, online) => {
                // Before the reports that follow it, which may be interpreted before its row is durable.
                self.windows.status(&device_id, online);
                let row = self.devices.status_event(&device_id, online, received_at);
                (row, After::Status(device_id, online, received_at))
            }
            Event::Ack(ack) => {
                self.devices.present(&ack.device_id, received_at);
                let row = self.devices.answer_event(&ack, sender.setup.version, received_at);
                (row, After::Ack(ack, received_at))
            }
            Event::Alarm(name, is_on) => {
                return Interpreted {
                    rules_change: Some(self.rules.alarm(&name, is_on)),
                    // It is noted there, too, in case that the rules' own file is lost.
                    window_change: Some(self.windows.newest_change()),
                    ..Interpreted::nothing(Acceptance::Ignored)
                };
            }
            Event::TimeRequest(device_id) => {
                self.devices.present(&device_id, received_at);
                self.tell_time(&device_id);
                return Interpreted::nothing(Acceptance::Ignored);
            }
            _ => return Interpreted::nothing(Acceptance::Ignored),
        };
        let mut interpreted = Interpreted::nothing(Acceptance::Stored);
        interpreted.rows.extend(row);
        interpreted.after = Some(after);
        interpreted
    }

    /// Takes what a person wants of a window. It is acknowledged when it survives a restart.
    pub(crate) async fn set(&self, set: &WindowSet, message: &Message) -> Interpreted {
        self.knows_devices(&set.device_id).await;
        let change = match set.hold {
            Some(hold) => self.windows.begin(&set.device_id, hold, &set.by),
            None => self.windows.end(&set.device_id, &set.by),
        };
        match change {
            Ok(change) => Interpreted {
                window_change: Some(change),
                ..Interpreted::nothing(Acceptance::Stored)
            },
            Err(error) => self.refuse_wish(message, &error),
        }
    }

    /// Whether a person may move a window now, who says so in `message`, which no door brought. If not, what is to be persisted.
    pub(crate) async fn refused_wish(&self, device_id: &DeviceId, message: &Message) -> Option<Interpreted> {
        self.knows_devices(device_id).await;
        let error = self.windows.expect(device_id, None).err()?;
        Some(self.refuse_wish(message, &error))
    }

    /// Waits until it is known whether a device is: at a start the table of devices may not have been read yet.
    async fn knows_devices(&self, device_id: &DeviceId) {
        if !self.windows.is_of_known(device_id) {
            self.past.settles().await;
        }
    }

    fn refuse_wish(&self, message: &Message, error: &WindowError) -> Interpreted {
        info!(topic = %message.topic, %error, "a window is not moved");
        self.refuse(message, &self.refusal(error))
    }

    /// Why a person's wish is refused, and what to do.
    fn refusal(&self, error: &WindowError) -> Refusal {
        let reason = error.reason();
        let mut detail = error.to_string();
        if reason == RefusalReason::UnknownDevice && !self.vitals.has_read_devices.load(Ordering::Relaxed) {
            detail.push_str("; ClickHouse has not said yet which devices were known before the start");
        }
        Refusal::new(reason, detail)
    }

    /// Its event is durable, if it has one.
    pub(crate) fn complete(&self, after: &After, is_event: bool) {
        match after {
            After::Status(device_id, online, at) => {
                self.devices.status(device_id, *online, *at);
                if is_event {
                    let device = Happening::Device {
                        device_id: device_id.clone(),
                        change: if *online { "online" } else { "offline" },
                        detail: String::new(),
                    };
                    self.feed.add(*at, device);
                }
                if *online {
                    self.tell_time(device_id);
                }
            }
            After::Ack(ack, at) => {
                if let Some(settings) = self.devices.answered(ack, *at) {
                    let device_id = ack.device_id.clone();
                    self.feed.add(*at, Happening::Settings { device_id, settings });
                }
            }
        }
    }
}

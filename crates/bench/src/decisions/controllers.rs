//! What may decide over a window, from what each of them knows.

use audio::wav;
use domain::{
    AudioFormat, Cause, ChangeDetector, Circumstances, ClipLimits, Confidence, LawOptions, Limits,
    MODEL_AUDIO_INPUTS, Position, Quantity, Thresholds, Timestamp, Verdict, WindowRecord, Wish, Wisher,
};
use simulator::{
    Observation, VirtualRoom,
    policy::{self, Conditions},
};
use std::time::Duration;

use super::Shared;

/// The length of a clip.
const CLIP: Duration = Duration::from_secs(2);
/// A rain sensor's drop: what WMO calls measurable.
const RAIN_MM_PER_H: f64 = 0.1;
/// A near gale (WMO: 13.9 m/s), in gusts before.
const WIND_M_PER_S: f64 = 12.0;
/// How long a cause has to be gone.
const CLEAR_MS: i64 = 10 * 60_000;

/// Decides over one window, asked once a minute. `None` leaves it where it is.
pub(super) trait Controller {
    fn decide(&mut self, room: &mut VirtualRoom, minute: u64) -> Option<Position>;
}

/// A controller and how one is made for a room.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) controller: for<'a> fn(&'a Shared) -> Box<dyn Controller + 'a>,
}

/// Every controller.
pub(super) const KINDS: [Kind; 7] = [
    Kind {
        name: "policy",
        controller: |_| Box::new(Policy),
    },
    Kind {
        name: "model",
        controller: |shared| Box::new(ByModel::new(shared, Law::None)),
    },
    Kind {
        name: "model, law",
        controller: |shared| Box::new(ByModel::new(shared, Law::Blind)),
    },
    Kind {
        name: "model, law, rain sensor",
        controller: |shared| Box::new(ByModel::new(shared, Law::WeatherStation)),
    },
    Kind {
        name: "thermostat",
        controller: |_| Box::new(Thermostat::default()),
    },
    Kind {
        name: "shut",
        controller: |_| Box::new(Always(0.0)),
    },
    Kind {
        name: "open",
        controller: |_| Box::new(Always(100.0)),
    },
];

fn percent(value: f64) -> Position {
    Position::new(value).expect("a position in percent")
}

fn time(observation: &Observation) -> Timestamp {
    Timestamp::from_millis(1_750_000_000_000 + (observation.time.seconds() * 1_000.0) as i64)
}

/// The comfort policy, which sees everything.
struct Policy;

impl Controller for Policy {
    fn decide(&mut self, room: &mut VirtualRoom, _: u64) -> Option<Position> {
        Some(policy::position(&Conditions::of(&room.observe(), room.weather())))
    }
}

/// Where it always is.
struct Always(f64);

impl Controller for Always {
    fn decide(&mut self, _: &mut VirtualRoom, _: u64) -> Option<Position> {
        Some(percent(self.0))
    }
}

/// What a user would build: opens when it is warm or damp, with hysteresis. It knows neither weather nor noise.
#[derive(Default)]
struct Thermostat {
    warm: bool,
    damp: bool,
}

impl Controller for Thermostat {
    fn decide(&mut self, room: &mut VirtualRoom, _: u64) -> Option<Position> {
        let (temperature, humidity) = (room.read(Quantity::Temperature), room.read(Quantity::Humidity));
        self.warm = temperature > if self.warm { 23.0 } else { 25.0 };
        // A cold room is not aired.
        self.damp = humidity > if self.damp { 55.0 } else { 65.0 } && temperature > 19.0;
        Some(percent(match (self.warm, self.damp) {
            (true, _) => 100.0,
            (false, true) => 30.0,
            (false, false) => 0.0,
        }))
    }
}

/// Which law stands between the model and the motor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Law {
    /// Every decision is a move.
    None,
    /// The law, without a weather station.
    Blind,
    /// The law with interlocks for rain and wind.
    WeatherStation,
}

/// The model, asked when the service would ask it: at each clip, and when climate has changed by its threshold.
struct ByModel<'a> {
    shared: &'a Shared,
    law: Law,
    detector: ChangeDetector,
    heard: Option<[f64; MODEL_AUDIO_INPUTS]>,
    window: WindowRecord,
}

impl<'a> ByModel<'a> {
    fn new(shared: &'a Shared, law: Law) -> Self {
        Self {
            shared,
            law,
            detector: ChangeDetector::new(Thresholds::default()),
            heard: None,
            window: WindowRecord::default(),
        }
    }

    /// What the model wants, where it is asked now and sure enough.
    fn wish(&mut self, room: &mut VirtualRoom, minute: u64, now: Timestamp) -> Option<Position> {
        let (temperature, humidity) = (room.read(Quantity::Temperature), room.read(Quantity::Humidity));
        let changed = [
            (Quantity::Temperature, temperature),
            (Quantity::Humidity, humidity),
        ]
        .map(|(quantity, value)| self.detector.observe_reading(quantity, now, value).is_some());
        let listens = minute.is_multiple_of(u64::from(self.shared.options.clip_every));
        if listens {
            self.heard = self.listen(room);
        }
        let is_due = listens || changed.contains(&true);
        if !is_due {
            return None;
        }
        self.detector.decided();
        let input = model::input(temperature, humidity, self.heard.as_ref(), &self.shared.model);
        let prediction = self.shared.model.predict(&input).ok()?;
        let is_sure = prediction.confidence >= Confidence::DEFAULT_FLOOR;
        is_sure.then(|| percent(prediction.position))
    }

    /// A clip as a device sends it, in 16-bit samples.
    fn listen(&self, room: &mut VirtualRoom) -> Option<[f64; MODEL_AUDIO_INPUTS]> {
        let sound = wav::encode_pcm16(&room.listen().record(CLIP), simulator::sound::SAMPLE_RATE);
        let samples = audio::decode(&sound, AudioFormat::Wav, 0, &ClipLimits::default()).ok()?;
        self.shared.extractor.extract(&samples).model_inputs()
    }

    fn interlock(&mut self, observation: &Observation, now: Timestamp) {
        let outdoor = &observation.outdoor;
        let causes = [
            (Cause::Rain, outdoor.rain_mm_per_h >= RAIN_MM_PER_H, 0.0),
            (Cause::Wind, outdoor.wind_m_per_s >= WIND_M_PER_S, 10.0),
        ];
        for (cause, is_there, most) in causes {
            if is_there {
                self.window.interlocks.set(cause, percent(most));
            } else {
                let until = Timestamp::from_millis(now.as_millis() + CLEAR_MS);
                self.window.interlocks.clear(cause, until);
            }
        }
    }
}

impl Controller for ByModel<'_> {
    fn decide(&mut self, room: &mut VirtualRoom, minute: u64) -> Option<Position> {
        let observation = room.observe();
        let now = time(&observation);
        let wish = self.wish(room, minute, now);
        if self.law == Law::None {
            return wish;
        }
        if self.law == Law::WeatherStation {
            self.interlock(&observation, now);
        }
        self.window.reported = Some(observation.position);
        let circumstances = Circumstances {
            now,
            limits: Limits { min: 0.0, max: 100.0 },
            is_quiet: false,
            options: LawOptions::default(),
        };
        let wish = wish.map(|position| Wish {
            position,
            of: Wisher::Model,
        });
        let Verdict::Move(target, _) = self.window.judge(wish, &circumstances) else {
            return None;
        };
        self.window.command(target, now);
        Some(target)
    }
}

//! A plausible past: days of rooms as they would have been stored, at full speed.
//!
//! In: a seed, a device, a day. Out: everything that device sent and was told on that day. A day depends on nothing but
//! seed, device and date, so that days can be made side by side, again, and in any order. Now and then a device is away
//! and sends its last hour late, a humidity sensor sticks, a person moves a window, a smoke alarm is tested.

use std::{sync::Arc, time::Duration};

use domain::{Position, Quantity};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{
    noise,
    policy::{self, Conditions},
    simulation::{Take, VirtualRoom},
    sound::{self, Ambience, SoundKind},
    weather::{SimulatedTime, Weather},
};

/// A day, ms.
pub const DAY_MS: i64 = 86_400_000;
/// A room is lived in before its day begins, so that it is as warm as the weather makes it.
const BEFORE: Duration = Duration::from_hours(6);
const DECIDE_EVERY_S: u64 = 300;
/// Points by which a decision must differ to be a command.
const LEAST_MOVE: f64 = 2.0;
/// What a model errs by, points.
const MODEL_ERROR: f64 = 6.0;
/// The chance that a person corrects a command.
const CORRECTION: f64 = 0.02;
/// Clocks of devices are that regular, ms.
const JITTER_MS: i64 = 15;
/// From measurement to receipt, ms.
const TRANSIT_MS: i64 = 200;

/// Which past to make.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// The same seed gives the same days.
    pub seed: u64,
    /// Time between two readings of a quantity.
    pub every: Duration,
    /// Time between two clips.
    pub clips_every: Duration,
}

/// Something with the time at which it happened and the time at which it was received, ms since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated<T> {
    /// The device's own time.
    pub timestamp: i64,
    /// The time of receipt.
    pub received_at: i64,
    /// What happened.
    pub what: T,
}

/// Who moved a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mover {
    /// The model, with its confidence.
    Model(f64),
    /// A person.
    Person,
}

/// A command to a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Who gave it.
    pub by: Mover,
    /// Where the window is to go.
    pub position: Position,
    /// What the room was like, °C and %.
    pub climate: (f64, f64),
}

/// One day of one device.
#[derive(Debug, Default)]
pub struct Day {
    /// Readings, by time.
    pub readings: Vec<(Quantity, Dated<f64>)>,
    /// Clips that can be made.
    pub clips: Vec<Dated<Take>>,
    /// Commands.
    pub moves: Vec<Dated<Move>>,
    /// Positions that the window reported.
    pub states: Vec<Dated<Position>>,
    /// When the device went away and came back: `offline`, `online`.
    pub events: Vec<Dated<&'static str>>,
}

/// What is out of the ordinary on a day.
struct Oddities {
    /// The device is away from one moment to another, ms of the day.
    away: Option<(i64, i64)>,
    sticks: bool,
}

impl Oddities {
    fn of(rng: &mut ChaCha8Rng) -> Self {
        let begin = rng.random_range(0..DAY_MS);
        let length = rng.random_range(600_000..6 * 3_600_000);
        Self {
            away: rng
                .random_bool(0.03)
                .then_some((begin, (begin + length).min(DAY_MS))),
            sticks: rng.random_bool(0.01),
        }
    }

    /// When a message of this moment is received; `None` if it is lost. A device keeps its last hour.
    fn received(&self, at: i64) -> Option<i64> {
        match self.away {
            Some((begin, end)) if (begin..end).contains(&at) => (end - at <= 3_600_000).then_some(end),
            _ => Some(at),
        }
    }
}

/// The day that begins at `midnight` (ms since 1970, UTC) for device number `index`.
pub fn day(options: &HistoryOptions, index: usize, midnight: i64) -> Day {
    let date = midnight.div_euclid(DAY_MS);
    let stream = 900_000_000 + (index as u64) * 1_000_000 + date.unsigned_abs() % 1_000_000;
    let mut rng = noise::generator(options.seed, stream);
    let oddities = Oddities::of(&mut rng);
    let weather = Arc::new(Weather::new(options.seed));
    // Day of the year, near enough for the sun: a year has 365.25 days.
    let begin = SimulatedTime::new(((date as f64).rem_euclid(365.25)) as u32, 0.0);
    let start = begin.plus_seconds(-BEFORE.as_secs_f64());
    let mut room = VirtualRoom::new(options.seed, index, weather, start);
    room.step(BEFORE);
    let mut writer = Writer {
        day: Day::default(),
        midnight,
        oddities,
        rng,
    };
    writer.live(options, &mut room);
    writer.day
}

/// Lives a day and notes what happens.
struct Writer {
    day: Day,
    midnight: i64,
    oddities: Oddities,
    rng: ChaCha8Rng,
}

impl Writer {
    /// `what` at a moment of the day, ms; `None` if it was lost.
    fn dated<T>(&mut self, at: i64, what: T) -> Option<Dated<T>> {
        let received = self.oddities.received(at)?;
        let jitter = self.rng.random_range(-JITTER_MS..=JITTER_MS);
        Some(Dated {
            timestamp: self.midnight + (at + jitter).clamp(0, DAY_MS - 1),
            received_at: self.midnight + received + TRANSIT_MS,
            what,
        })
    }

    fn live(&mut self, options: &HistoryOptions, room: &mut VirtualRoom) {
        if let Some((begin, end)) = self.oddities.away {
            for (at, event) in [(begin, "offline"), (end, "online")] {
                let timestamp = self.midnight + at.min(DAY_MS - 1);
                let received_at = timestamp;
                self.day.events.push(Dated {
                    timestamp,
                    received_at,
                    what: event,
                });
            }
        }
        let every = options.every.as_secs().max(1);
        let clips = (options.clips_every.as_secs() / every).max(1) * every;
        let decisions = (DECIDE_EVERY_S / every).max(1) * every;
        let running_mean = room.weather().running_mean_celsius(room.observe().time);
        let quantities: Vec<Quantity> = room.quantities().collect();
        let stuck = room.read(Quantity::Humidity);
        for second in (0..DAY_MS as u64 / 1_000).step_by(every as usize) {
            room.step(Duration::from_secs(every));
            let at = second as i64 * 1_000;
            for &quantity in &quantities {
                let measured = room.read(quantity);
                let sticks = self.oddities.sticks && quantity == Quantity::Humidity;
                let value = if sticks { stuck } else { measured };
                let reading = self.dated(at, value);
                self.day
                    .readings
                    .extend(reading.map(|reading| (quantity, reading)));
            }
            if second % clips == 0 {
                let take = room.listen();
                let clip = self.dated(at, take);
                self.day.clips.extend(clip);
            }
            if second % decisions == 0 {
                self.decide(at, room, running_mean);
            }
        }
    }

    /// The model decides; sometimes a person corrects it five minutes later.
    fn decide(&mut self, at: i64, room: &mut VirtualRoom, running_mean: f64) {
        let seen = room.observe();
        let wanted = policy::position(&Conditions::new(&seen, running_mean)).percent();
        let error = noise::normal(&mut self.rng) * MODEL_ERROR;
        let position = clamp(wanted + error);
        let climate = (seen.temperature_celsius, seen.humidity_percent);
        if (position.percent() - seen.position.percent()).abs() >= LEAST_MOVE {
            let confidence =
                (0.95 - error.abs() / 40.0 + 0.05 * noise::normal(&mut self.rng)).clamp(0.01, 0.99);
            let by = Mover::Model(confidence);
            let told = self.dated(
                at + 400,
                Move {
                    by,
                    position,
                    climate,
                },
            );
            let is_told = told.is_some();
            self.day.moves.extend(told);
            if is_told {
                room.window_mut().move_to(position);
            }
            // The less sure a model is, the more often it is wrong.
            let corrected = self.rng.random_bool(CORRECTION + (1.0 - confidence) * 0.2);
            if is_told && corrected && at + 240_000 < DAY_MS {
                let position = clamp(wanted + self.rng.random_range(-40.0..40.0));
                let by = Mover::Person;
                let hand = self.dated(
                    at + 240_000,
                    Move {
                        by,
                        position,
                        climate,
                    },
                );
                self.day.moves.extend(hand);
                room.window_mut().move_to(position);
            }
        }
        let reported = room.window().position();
        let state = self.dated(at + 60_000.min(DAY_MS - 1 - at), reported);
        self.day.states.extend(state);
    }
}

fn clamp(percent: f64) -> Position {
    Position::new(percent.clamp(0.0, 100.0)).expect("it was clamped")
}

/// What a take sounds like, coarsely: what stands out, and its level in steps of two decibels. Takes of one sound share a
/// recording, since making one takes milliseconds.
pub fn sound_of(take: &Take) -> (SoundKind, i32) {
    let level = (take.ambience().level_db() / 2.0).round() as i32 * 2;
    (take.kind(), level)
}

/// The recording that stands for a sound, at [`sound::SAMPLE_RATE`].
pub fn record((kind, level): (SoundKind, i32), seed: u64, length: Duration) -> Vec<f32> {
    let typical = Ambience::typical(kind);
    let louder = f64::from(level) - typical.level_db();
    let ambience = Ambience {
        background_db: typical.background_db + louder,
        street_db: typical.street_db + louder,
        rain_db: typical.rain_db.map(|db| db + louder),
        speech_db: typical.speech_db.map(|db| db + louder),
        alarm_db: typical.alarm_db.map(|db| db + louder),
        ..typical
    };
    let stream = 800_000_000 + (kind as u64) * 1_000 + (i64::from(level) + 500).unsigned_abs();
    let mut rng = noise::generator(seed, stream);
    sound::synthesise(&ambience, length.as_secs_f64(), &mut rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: i64 = 20_000 * DAY_MS;

    fn options() -> HistoryOptions {
        HistoryOptions {
            seed: 7,
            every: Duration::from_mins(1),
            clips_every: Duration::from_mins(10),
        }
    }

    #[test]
    fn a_day_depends_on_seed_device_and_date_alone() {
        let first = day(&options(), 1, MIDNIGHT);
        let again = day(&options(), 1, MIDNIGHT);
        assert_eq!(first.readings, again.readings);
        assert_eq!(first.moves, again.moves);
        let other = day(&options(), 2, MIDNIGHT);
        assert_ne!(first.readings, other.readings);
    }

    #[test]
    fn a_day_has_what_a_device_sends() {
        let day = day(&options(), 0, MIDNIGHT);
        let of = |quantity| day.readings.iter().filter(move |(which, _)| *which == quantity);
        assert!(of(Quantity::Temperature).count() > 1_000);
        assert!(
            of(Quantity::Wind).count() > 1_000,
            "the first room has the weather station"
        );
        assert!(day.clips.len() > 100 && !day.moves.is_empty() && day.states.len() > 200);
        for (_, reading) in &day.readings {
            assert!((MIDNIGHT..MIDNIGHT + DAY_MS).contains(&reading.timestamp));
            assert!(reading.received_at >= reading.timestamp - JITTER_MS);
        }
        let warm = of(Quantity::Temperature).all(|(_, reading)| (5.0..45.0).contains(&reading.what));
        assert!(warm);
    }

    #[test]
    fn a_year_has_its_troubles() {
        let options = HistoryOptions {
            every: Duration::from_hours(1),
            ..options()
        };
        let days: Vec<Day> = (0..400)
            .map(|number| day(&options, 1, MIDNIGHT + number * DAY_MS))
            .collect();
        let hands = days
            .iter()
            .flat_map(|day| &day.moves)
            .filter(|moved| moved.what.by == Mover::Person);
        assert!(hands.count() > 10);
        assert!(days.iter().any(|day| !day.events.is_empty()));
        let late = |day: &Day| {
            day.readings
                .iter()
                .any(|(_, reading)| reading.received_at - reading.timestamp > 300_000)
        };
        assert!(days.iter().any(late));
        let alarm = |day: &Day| day.clips.iter().any(|clip| clip.what.kind() == SoundKind::Alarm);
        assert!(days.iter().any(alarm));
    }
}

//! Labelled examples for training: what devices in simulated rooms measured, and where the policy wants the window.
//!
//! In: a seed, rooms, days. Out: examples by time, room by room, lazily; the same seed gives the same examples. Windows
//! mostly follow the policy and sometimes a whim, so that states occur which a perfect window would never let happen.

use std::{ops::Range, sync::Arc, time::Duration};

use domain::{DeviceId, Position, Quantity};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{
    SimulationError, noise,
    policy::{self, Conditions},
    simulation::{Take, VirtualRoom},
    sound::SoundKind,
    weather::{SimulatedTime, Weather},
};

/// How often a window does not follow the policy.
const WHIM: f64 = 0.3;
/// Mid-March to October, when windows are a choice; and the whole year, from which every fifth room is drawn.
const OPEN_SEASON: Range<u32> = 75..305;
const YEAR: Range<u32> = 0..365;

/// Which examples to make. Start from [`DatasetOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct DatasetOptions {
    /// The same seed gives the same examples.
    pub seed: u64,
    /// How many rooms; each has a weather and a time of the year of its own, four of five in the warm half.
    pub rooms: usize,
    /// How long each room is watched.
    pub days: u32,
    /// Simulated time between two examples of a room.
    pub every: Duration,
    /// Whether smoke alarms are among the recordings. Without them a model's guard can be tried on what it never heard.
    pub alarms: bool,
}

impl DatasetOptions {
    /// 60 rooms for four days each, an example every half hour, no alarms: about 11,400 examples.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            rooms: 60,
            days: 4,
            every: Duration::from_mins(30),
            alarms: false,
        }
    }
}

/// One labelled example.
#[derive(Debug, Clone)]
pub struct Example {
    /// The room, as a device id: `room-001` and so on.
    pub device_id: DeviceId,
    /// When, in the room's own year.
    pub time: SimulatedTime,
    /// What the sensor said, degrees Celsius.
    pub temperature: f64,
    /// What the sensor said, percent.
    pub humidity: f64,
    /// The recording, to be made: see [`Take::record`].
    pub take: Take,
    /// Where the policy wants the window.
    pub position: Position,
}

/// Makes the examples.
pub fn examples(options: &DatasetOptions) -> Result<impl Iterator<Item = Example>, SimulationError> {
    let ids = (1..=options.rooms).map(|n| {
        let text = format!("room-{n:03}");
        DeviceId::parse(&text).map_err(|source| SimulationError::BadPrefix { prefix: text, source })
    });
    let ids: Vec<DeviceId> = ids.collect::<Result<_, _>>()?;
    let options = options.clone();
    Ok(ids
        .into_iter()
        .enumerate()
        .flat_map(move |(index, id)| Watched::new(&options, index, id)))
}

/// One room being watched.
struct Watched {
    device_id: DeviceId,
    room: VirtualRoom,
    whims: ChaCha8Rng,
    every: Duration,
    alarms: bool,
    left: u64,
    /// The weather's memory, which changes at midnight.
    running_mean: (i64, f64),
}

impl Watched {
    fn new(options: &DatasetOptions, index: usize, device_id: DeviceId) -> Self {
        let mut whims = noise::generator(options.seed, 500_000_000 + index as u64);
        let weather = Arc::new(Weather::new(whims.random()));
        let season = if index % 5 == 4 { YEAR } else { OPEN_SEASON };
        let start = SimulatedTime::new(whims.random_range(season), whims.random_range(0.0..24.0));
        let span = Duration::from_secs(u64::from(options.days) * 86_400);
        Self {
            device_id,
            room: VirtualRoom::new(options.seed, index, weather, start),
            whims,
            every: options.every,
            alarms: options.alarms,
            left: (span.as_secs_f64() / options.every.as_secs_f64().max(1.0)) as u64,
            running_mean: (i64::MIN, 0.0),
        }
    }

    fn conditions(&mut self) -> Conditions {
        let observation = self.room.observe();
        let day = observation.time.days().floor() as i64;
        if self.running_mean.0 != day {
            self.running_mean = (day, self.room.weather().running_mean_celsius(observation.time));
        }
        Conditions::new(&observation, self.running_mean.1)
    }
}

impl Iterator for Watched {
    type Item = Example;

    fn next(&mut self) -> Option<Example> {
        loop {
            self.left = self.left.checked_sub(1)?;
            // Halfway, the window gets a position, so that what is measured is what it led to.
            self.room.step(self.every / 2);
            let wanted = policy::position(&self.conditions());
            let whim = self.whims.random_range(0.0..100.0);
            let follows = !self.whims.random_bool(WHIM);
            let next = if follows {
                wanted
            } else {
                Position::new(whim).expect("0 to 100 are positions")
            };
            self.room.window_mut().move_to(next);
            self.room.step(self.every / 2);
            let take = self.room.listen();
            let example = Example {
                device_id: self.device_id.clone(),
                time: self.room.observe().time,
                temperature: self.room.read(Quantity::Temperature),
                humidity: self.room.read(Quantity::Humidity),
                position: policy::position(&self.conditions()),
                take,
            };
            if self.alarms || example.take.kind() != SoundKind::Alarm {
                return Some(example);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: u64) -> Vec<Example> {
        let options = DatasetOptions {
            rooms: 24,
            days: 3,
            ..DatasetOptions::new(seed)
        };
        examples(&options).unwrap().collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_examples() {
        let numbers = |seed| -> Vec<(f64, f64, f64)> {
            some(seed)
                .iter()
                .map(|e| (e.temperature, e.humidity, e.position.percent()))
                .collect()
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn examples_cover_what_occurs() {
        let all = some(3);
        assert!(all.len() > 24 * 3 * 48 * 95 / 100 && all.iter().all(|e| e.take.kind() != SoundKind::Alarm));
        let share = |test: &dyn Fn(&Example) -> bool| {
            all.iter().filter(|e| test(e)).count() as f64 / all.len() as f64
        };
        assert!(share(&|e| e.position.percent() < 5.0) > 0.1);
        assert!(
            share(&|e| e.position.percent() > 50.0) > 0.05,
            "{}",
            share(&|e| e.position.percent() > 50.0)
        );
        assert!(share(&|e| (5.0..50.0).contains(&e.position.percent())) > 0.05);
        for kind in [
            SoundKind::Quiet,
            SoundKind::Street,
            SoundKind::Rain,
            SoundKind::Speech,
        ] {
            assert!(share(&|e| e.take.kind() == kind) > 0.02, "{kind:?}");
        }
        let mean = |f: &dyn Fn(&Example) -> f64| all.iter().map(f).sum::<f64>() / all.len() as f64;
        assert!((17.0..26.0).contains(&mean(&|e| e.temperature)));
        assert!((30.0..65.0).contains(&mean(&|e| e.humidity)));
    }
}

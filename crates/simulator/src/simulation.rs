//! Virtual rooms without any IO: physics, sensor, microphone and window of each, under one weather.
//!
//! In: a seed, time that passes, where windows are to go. Out: readings, recordings and the truth behind them. Pure and
//! deterministic: the same seed, steps and windows give the same numbers; how time is cut into steps does not matter.

use std::{sync::Arc, time::Duration};

use domain::{Position, Quantity};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use crate::{
    noise,
    profile::{Activity, Profile},
    room::Room,
    sensor::Sensors,
    sound::{self, Ambience, SoundKind},
    weather::{Outdoor, SimulatedTime, Weather},
    window::Window,
};

/// The inner step: time advances in whole ticks.
const TICK: Duration = Duration::from_secs(1);
/// From shut to wide open.
const FULL_TRAVEL: Duration = Duration::from_secs(20);
/// Weather and people are looked at this often.
const LOOK_EVERY_S: f64 = 30.0;
/// Rain drums on the pane itself, so that a shut window keeps out no more of it than this.
const PANE_DB: f64 = 18.0;
/// The chance that a smoke alarm is tested while the microphone listens.
const ALARM_CHANCE: f64 = 0.01;

/// When a world begins: a working day in late April, in the morning.
pub fn default_start() -> SimulatedTime {
    SimulatedTime::new(115, 9.0)
}

/// What is true in and around a room at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The moment.
    pub time: SimulatedTime,
    /// Air temperature in the room, degrees Celsius.
    pub temperature_celsius: f64,
    /// Relative humidity in the room, percent.
    pub humidity_percent: f64,
    /// Dew point in the room, degrees Celsius.
    pub dew_point_celsius: f64,
    /// What it is like outside.
    pub outdoor: Outdoor,
    /// Noise in front of this window, dB(A), without rain.
    pub street_db: f64,
    /// Where the window stands.
    pub position: Position,
    /// How many people are in the room.
    pub people: f64,
}

/// A recording that has not been made yet: everything it depends on. Making it takes milliseconds.
#[derive(Debug, Clone)]
pub struct Take {
    ambience: Ambience,
    rng: ChaCha8Rng,
}

impl Take {
    /// What is to be heard.
    pub const fn ambience(&self) -> &Ambience {
        &self.ambience
    }

    /// What stands out.
    pub fn kind(&self) -> SoundKind {
        self.ambience.kind()
    }

    /// Samples of the given length at [`sound::SAMPLE_RATE`].
    pub fn record(mut self, length: Duration) -> Vec<f32> {
        sound::synthesise(&self.ambience, length.as_secs_f64(), &mut self.rng)
    }
}

/// One room with its device.
#[derive(Debug, Clone)]
pub struct VirtualRoom {
    weather: Arc<Weather>,
    room: Room,
    window: Window,
    sensors: Sensors,
    microphone: ChaCha8Rng,
    time: SimulatedTime,
    rest: Duration,
    outdoor: Outdoor,
    activity: Activity,
    looked_at: SimulatedTime,
}

impl VirtualRoom {
    /// Room number `index` of a world, at `start`.
    pub fn new(seed: u64, index: usize, weather: Arc<Weather>, start: SimulatedTime) -> Self {
        let stream = 1_000 + 10 * index as u64;
        let mut rng = noise::generator(seed, stream + 2);
        let outdoor = weather.at(start);
        let profile = Profile::for_device(seed, index);
        let activity = profile.activity(start);
        let (warm, _) = profile.heating_celsius;
        let celsius = warm.max(outdoor.temperature_celsius) + rng.random_range(0.0..4.0);
        let room = Room::new(profile, celsius, rng.random_range(40.0..60.0));
        let position = Position::new(rng.random_range(0.0..30.0)).expect("0 to 30 are positions");
        Self {
            weather,
            room,
            window: Window::new(position, FULL_TRAVEL),
            sensors: Sensors::new(
                noise::generator(seed, stream + 3),
                noise::generator(seed, stream + 5),
            ),
            microphone: noise::generator(seed, stream + 4),
            time: start,
            rest: Duration::ZERO,
            outdoor,
            activity,
            looked_at: start,
        }
    }

    /// Lets time pass.
    pub fn step(&mut self, time: Duration) {
        self.rest += time;
        while self.rest >= TICK {
            self.rest -= TICK;
            self.tick();
        }
    }

    fn tick(&mut self) {
        if self.time.seconds() - self.looked_at.seconds() >= LOOK_EVERY_S {
            self.outdoor = self.weather.at(self.time);
            self.activity = self.room.profile().activity(self.time);
            self.looked_at = self.time;
        }
        self.window.advance(TICK);
        let opening = self.window.position().percent() / 100.0;
        let heating_w = self.room.thermostat_w(self.time);
        self.room.step(
            TICK.as_secs_f64(),
            &self.outdoor,
            opening,
            &self.activity,
            heating_w,
        );
        self.time = self.time.plus_seconds(TICK.as_secs_f64());
    }

    /// What is true now.
    pub fn observe(&self) -> Observation {
        Observation {
            time: self.time,
            temperature_celsius: self.room.temperature_celsius(),
            humidity_percent: self.room.humidity_percent(),
            dew_point_celsius: self.room.dew_point_celsius(),
            outdoor: self.outdoor,
            street_db: self.outdoor.street_db + self.room.profile().street_offset_db,
            position: self.window.position(),
            people: self.activity.people,
        }
    }

    /// The quantities that the device measures.
    pub fn quantities(&self) -> impl Iterator<Item = Quantity> + use<> {
        Quantity::ALL.into_iter()
    }

    /// What the sensor of `quantity` reports now; each call draws new noise.
    pub fn read(&mut self, quantity: Quantity) -> f64 {
        let truth = match quantity {
            Quantity::Temperature => self.room.temperature_celsius(),
            Quantity::Humidity => self.room.humidity_percent(),
        };
        self.sensors.read(quantity, truth)
    }

    /// The next recording.
    pub fn listen(&mut self) -> Take {
        let opening = self.window.position().percent() / 100.0;
        let attenuation = sound::window_attenuation_db(opening);
        let speech = self.activity.speech;
        let rng = &mut self.microphone;
        let ambience = Ambience {
            background_db: self.room.profile().background_db,
            street_db: self.outdoor.street_db + self.room.profile().street_offset_db - attenuation
                + rng.random_range(-1.5..1.5),
            rain_db: sound::rain_db(self.outdoor.rain_mm_per_h).map(|db| db - attenuation.min(PANE_DB)),
            speech_db: rng.random_bool(speech).then(|| rng.random_range(52.0..68.0)),
            alarm_db: rng.random_bool(ALARM_CHANCE).then_some(85.0),
            opening,
        };
        // Each recording has a generator of its own, so that its length does not change the next one.
        let seed = rng.random();
        Take {
            ambience,
            rng: noise::generator(seed, 0),
        }
    }

    /// The window.
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// The window, to be moved.
    pub const fn window_mut(&mut self) -> &mut Window {
        &mut self.window
    }

    /// The room's physics.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// The weather around it.
    pub fn weather(&self) -> &Weather {
        &self.weather
    }
}

/// A house of rooms under one weather, for experiments and for training data.
#[derive(Debug, Clone)]
pub struct Simulation {
    rooms: Vec<VirtualRoom>,
}

impl Simulation {
    /// `devices` rooms at the default start; device n is the same room that [`crate::run`] gives it.
    pub fn new(seed: u64, devices: usize) -> Self {
        Self::starting_at(seed, devices, default_start())
    }

    /// The same, from another day of the year on.
    pub fn starting_at(seed: u64, devices: usize, start: SimulatedTime) -> Self {
        let weather = Arc::new(Weather::new(seed));
        let rooms = (0..devices)
            .map(|i| VirtualRoom::new(seed, i, Arc::clone(&weather), start))
            .collect();
        Self { rooms }
    }

    /// Lets time pass in every room.
    pub fn step(&mut self, time: Duration) {
        for room in &mut self.rooms {
            room.step(time);
        }
    }

    /// What is true in every room now.
    pub fn observe(&self) -> Vec<Observation> {
        self.rooms.iter().map(VirtualRoom::observe).collect()
    }

    /// Starts a room's window towards `position`; its motor takes its time. An unknown room has no window.
    pub fn apply(&mut self, room: usize, position: Position) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.window.move_to(position);
        }
    }

    /// The rooms.
    pub fn rooms(&self) -> &[VirtualRoom] {
        &self.rooms
    }

    /// The rooms, to read their sensors.
    pub fn rooms_mut(&mut self) -> &mut [VirtualRoom] {
        &mut self.rooms
    }
}

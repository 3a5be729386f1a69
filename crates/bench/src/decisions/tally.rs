//! What is measured of a window's work: minutes of comfort, noise and rain, and how often the motor ran.

use domain::Position;
use simulator::{Observation, sound};

use super::SEASONS;

const HOUR: f64 = 60.0;
/// Above this, dB(A) indoors, street noise disturbs (WHO, Guidelines for Community Noise, 1999: 35 for undisturbed speech).
const NOISE_DB: f64 = 40.0;
/// Category II of EN 16798-1, annex B3.3.
const DAMP_PERCENT: f64 = 60.0;
/// What WMO calls measurable rain.
const RAIN_MM_PER_H: f64 = 0.1;
/// A window that is open by so little is shut: rain stays out.
const OPEN_PERCENT: f64 = 1.0;

/// Minutes, kelvin minutes, and counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) minutes: f64,
    pub(super) comfortable: f64,
    pub(super) too_warm: f64,
    pub(super) too_cold: f64,
    pub(super) damp: f64,
    pub(super) noisy: f64,
    pub(super) rained_on: f64,
    pub(super) moves: f64,
    pub(super) travel: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.minutes += other.minutes;
        self.comfortable += other.comfortable;
        self.too_warm += other.too_warm;
        self.too_cold += other.too_cold;
        self.damp += other.damp;
        self.noisy += other.noisy;
        self.rained_on += other.rained_on;
        self.moves += other.moves;
        self.travel += other.travel;
    }

    /// Share of the time within the comfort band, %.
    pub(super) fn comfort_percent(&self) -> f64 {
        100.0 * self.comfortable / self.minutes.max(1.0)
    }

    /// Hours of a room's week of something that was counted in minutes.
    pub(super) fn hours_a_week(&self, minutes: f64) -> f64 {
        minutes / self.minutes.max(1.0) * 168.0
    }

    /// A day's share of something that was counted.
    pub(super) fn a_day(&self, count: f64) -> f64 {
        count / self.minutes.max(1.0) * 24.0 * HOUR
    }
}

/// What a controller did.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) all: Sums,
    pub(super) by_season: [Sums; SEASONS.len()],
    /// The least share of comfort that a room had, %.
    pub(super) worst_room: f64,
    rooms: Vec<Sums>,
    /// Whether it rained into each room's street a minute ago: a motor needs its time.
    rained: Vec<bool>,
    season: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self::of_rooms(0, 0)
    }
}

impl Tally {
    /// Nothing yet, of so many rooms in one season.
    pub(super) fn of_rooms(rooms: usize, season: usize) -> Self {
        Self {
            all: Sums::default(),
            by_season: [Sums::default(); SEASONS.len()],
            worst_room: 100.0,
            rooms: vec![Sums::default(); rooms],
            rained: vec![false; rooms],
            season,
        }
    }

    /// Takes a minute of a room.
    pub(super) fn observe(&mut self, room: usize, observation: &Observation, (low, high): (f64, f64)) {
        let sums = &mut self.rooms[room];
        let temperature = observation.temperature_celsius;
        let opening = observation.position.percent();
        let indoors_db = observation.street_db - sound::window_attenuation_db(opening / 100.0);
        let one = |is_so: bool| f64::from(u8::from(is_so));
        sums.minutes += 1.0;
        sums.comfortable += one((low..=high).contains(&temperature));
        // Kelvin minutes.
        sums.too_warm += (temperature - high).max(0.0);
        sums.too_cold += (low - temperature).max(0.0);
        sums.damp += one(observation.humidity_percent > DAMP_PERCENT);
        sums.noisy += one(indoors_db > NOISE_DB);
        let rains = observation.outdoor.rain_mm_per_h >= RAIN_MM_PER_H;
        let rained = std::mem::replace(&mut self.rained[room], rains);
        sums.rained_on += one(rains && rained && opening > OPEN_PERCENT);
    }

    /// Takes a command.
    pub(super) fn moved(&mut self, room: usize, from: Position, to: Position) {
        self.rooms[room].moves += 1.0;
        self.rooms[room].travel += (to.percent() - from.percent()).abs();
    }

    /// Sums up the rooms.
    pub(super) fn finished(&mut self) {
        for sums in &self.rooms {
            self.all.add(sums);
            self.by_season[self.season].add(sums);
            self.worst_room = self.worst_room.min(sums.comfort_percent());
        }
    }

    /// Adds a finished tally.
    pub(super) fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (sums, other) in self.by_season.iter_mut().zip(&other.by_season) {
            sums.add(other);
        }
        self.worst_room = self.worst_room.min(other.worst_room);
    }
}

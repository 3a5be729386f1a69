//! `casement bench decisions`: what windows do for rooms, closed loop: simulated rooms through the seasons, each controller in
//! the same rooms under the same weather.
//!
//! In: rooms, days, a model. Out: comfort, noise, rain and moves of each controller. No process, no network, no clock.

mod controllers;
mod report;
mod tally;

use std::{io::Write, num::NonZero, path::PathBuf, thread, time::Duration};

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions};
use model::Model;
use parking_lot::Mutex;
use simulator::{SimulatedTime, Simulation, VirtualRoom, policy};

use self::{
    controllers::{Controller, KINDS, Kind},
    tally::Tally,
};

/// Rooms under one weather.
const ROOMS_OF_A_HOUSE: usize = 5;
/// When a window's controller looks, and everything is measured.
const LOOK: Duration = Duration::from_mins(1);

/// Windows begin somewhere; nothing counts until each has been where its controller wants it.
const WARM_UP_MINUTES: u64 = 60;

/// Mid-January, mid-April, mid-July, mid-October.
pub(crate) const SEASONS: [(&str, u32); 4] =
    [("winter", 14), ("spring", 104), ("summer", 195), ("autumn", 287)];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rooms in each season.
    pub rooms: usize,
    /// Days of each room.
    pub days: u32,
    /// The same seed gives the same rooms and weather.
    pub seed: u64,
    /// The model, instead of the built-in one.
    pub model: Option<PathBuf>,
    /// Simulated minutes between two clips of a room.
    pub clip_every: u32,
    /// Where to draw the picture.
    pub picture: Option<PathBuf>,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// One house in one season, with one controller.
#[derive(Debug, Clone, Copy)]
struct Unit {
    kind: usize,
    season: usize,
    house: usize,
    rooms: usize,
}

/// What all units share.
struct Shared {
    model: Model,
    extractor: Extractor,
    options: Options,
}

/// Runs every controller and prints what it did.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let model = match &options.model {
        Some(path) => Model::load(path).with_context(|| format!("{} cannot be used", path.display()))?,
        None => Model::built_in()?,
    };
    let shared = Shared {
        model,
        extractor: Extractor::new(FeatureOptions::default())?,
        options: options.clone(),
    };
    let tallies = measure(&shared);
    let head = format!(
        "{} rooms in each of 4 seasons, {} days each, seed {}, a clip every {} min, model {}",
        options.rooms,
        options.days,
        options.seed,
        options.clip_every,
        shared.model.version()
    );
    report::print(&head, &tallies, options.json, out)?;
    if let Some(path) = &options.picture {
        std::fs::write(path, report::picture(&tallies)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// The tally of each controller, by [`KINDS`].
fn measure(shared: &Shared) -> Vec<Tally> {
    let mut units = Vec::new();
    for kind in 0..KINDS.len() {
        for season in 0..SEASONS.len() {
            for (house, first) in (0..shared.options.rooms).step_by(ROOMS_OF_A_HOUSE).enumerate() {
                let rooms = ROOMS_OF_A_HOUSE.min(shared.options.rooms - first);
                units.push(Unit {
                    kind,
                    season,
                    house,
                    rooms,
                });
            }
        }
    }
    // The long ones are in the middle of the list; whoever is free takes the next.
    let (waiting, done) = (Mutex::new(units), Mutex::new(vec![Tally::default(); KINDS.len()]));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(unit) = { waiting.lock().pop() } {
                    let tally = live(unit, shared);
                    done.lock()[unit.kind].add(&tally);
                }
            });
        }
    });
    done.into_inner()
}

/// Lets a house live through its days.
fn live(unit: Unit, shared: &Shared) -> Tally {
    let seed = shared.options.seed + 1_000 * unit.season as u64 + unit.house as u64;
    let start = SimulatedTime::new(SEASONS[unit.season].1, 0.0);
    let mut house = Simulation::starting_at(seed, unit.rooms, start);
    let kind: &Kind = &KINDS[unit.kind];
    let mut controllers: Vec<Box<dyn Controller + '_>> =
        (0..unit.rooms).map(|_| (kind.controller)(shared)).collect();
    let mut tally = Tally::of_rooms(unit.rooms, unit.season);
    let (mut day, mut band) = (i64::MIN, (0.0, 0.0));
    let minutes = WARM_UP_MINUTES + u64::from(shared.options.days) * 24 * 60;
    for minute in 0..minutes {
        for (place, room) in house.rooms_mut().iter_mut().enumerate() {
            let observation = room.observe();
            // The weather's memory changes at midnight.
            let today = observation.time.days().floor() as i64;
            if today != day {
                (day, band) = (today, policy::comfort_band(running_mean(room)));
            }
            let counts = minute >= WARM_UP_MINUTES;
            if counts {
                tally.observe(place, &observation, band);
            }
            if let Some(target) = controllers[place].decide(room, minute)
                && target != room.window().target()
            {
                if counts {
                    tally.moved(place, room.window().target(), target);
                }
                room.window_mut().move_to(target);
            }
        }
        house.step(LOOK);
    }
    tally.finished();
    tally
}

fn running_mean(room: &VirtualRoom) -> f64 {
    room.weather().running_mean_celsius(room.observe().time)
}

/// Names for a test and for documents.
pub fn controllers() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_names_every_controller_and_the_shut_window_moves_never() {
        let options = Options {
            rooms: 1,
            days: 1,
            seed: 1,
            model: None,
            clip_every: 240,
            picture: None,
            json: true,
        };
        let mut out = Vec::new();
        run(&options, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let named = |name: &str| lines.iter().find(|line| line["controller"] == name).unwrap();
        for name in controllers() {
            assert!(
                named(name)["comfort_percent"].as_f64().unwrap() <= 100.0,
                "{text}"
            );
        }
        assert_eq!(named("shut")["rain_hours_open"], 0.0);
        assert_eq!(named("shut")["moves_a_day"], 0.0);
        assert!(named("open")["noise_hours"].as_f64() > named("shut")["noise_hours"].as_f64());
        assert_eq!(named("model, law, rain sensor")["rain_hours_open"], 0.0, "{text}");
    }
}

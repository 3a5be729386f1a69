//! Where a window's schedules want it, why, and until when.
//!
//! In: schedules, what the room is like, where the window is, what ran before, a time. Out: a plan, or none. What has to be
//! remembered is a value that others keep. Of schedules that are due at once, airing comes first, then fixed times, then night
//! cooling. After airing and night cooling the window goes back to where it was.

mod almanac;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{DayMoment, Position, Schedule, ScheduleKind, Schedules, Sensed, Timestamp};

pub use almanac::Almanac;

/// A reading that is older says nothing about a room.
const FRESH: Duration = Duration::from_mins(30);
/// Night cooling ends so many degrees below the temperature at which it begins.
const COOLED_BY: f64 = 1.0;
/// How long a window is told to go back: then others have decided.
const GOING_BACK: Duration = Duration::from_mins(10);

/// What is known of a room, and of outdoors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Room {
    /// °C.
    pub indoor: Option<Sensed>,
    /// °C.
    pub outdoor: Option<Sensed>,
    /// %.
    pub humidity: Option<Sensed>,
    /// ppm.
    pub co2: Option<Sensed>,
}

/// Where a schedule wants a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ScheduleKind,
    /// Where to.
    pub position: Position,
    /// When it ends, at the latest.
    pub until: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// A schedule that is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// A window on its way back to where it was before a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Back {
    to: Position,
    name: String,
    kind: ScheduleKind,
    since: Timestamp,
}

/// What is remembered of one window's schedules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Planner {
    /// Those that are on.
    running: BTreeMap<String, Running>,
    /// When each airing began last.
    aired: BTreeMap<String, Timestamp>,
    /// Where the window was before.
    before: Option<Position>,
    /// The last plan's name and kind.
    last: Option<(String, ScheduleKind)>,
    back: Option<Back>,
}

/// A schedule as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ScheduleKind,
    /// Whether it is on.
    pub active: bool,
    /// When it ends, at the latest, where it is on.
    pub until: Option<Timestamp>,
    /// When it may begin next; `None` where it waits for a reading alone, or never begins.
    pub next: Option<Timestamp>,
    /// Why it is on, for people.
    pub reason: Option<String>,
}

/// What decides whether schedules may begin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Where the window is, or is going.
    pub position: Option<Position>,
    /// Whether a person decides.
    pub is_held: bool,
    /// Whether an interlock limits it: nothing is aired then.
    pub is_limited: bool,
}

impl Planner {
    /// Returns where the window is wanted at `now`, if it is wanted anywhere.
    pub fn next(
        &mut self,
        schedules: &Schedules,
        almanac: &Almanac,
        room: &Room,
        window: Standing,
        now: Timestamp,
    ) -> Option<Plan> {
        self.aired
            .retain(|name, at| schedules.contains_key(name) && *at <= now);
        if window.is_held {
            // What a person wants takes the place of all that was begun.
            (self.before, self.back, self.last) = (None, None, None);
            self.running.clear();
            return None;
        }
        let mut due: Vec<Plan> = Vec::new();
        for (name, schedule) in schedules {
            let running = self.running.get(name).filter(|running| running.since <= now);
            let aired = self.aired.get(name).copied();
            let Some((until, reason)) = schedule.due(running, aired, almanac, room, window, now) else {
                continue;
            };
            due.push(Plan {
                name: name.clone(),
                kind: schedule.kind,
                position: schedule.target(),
                until,
                reason,
            });
        }
        self.remember(&due, now);
        let first = due.into_iter().min_by_key(|plan| plan.kind);
        match &first {
            Some(plan) => {
                if plan.kind != ScheduleKind::Fixed && self.before.is_none() {
                    // Of a window whose position nobody knows, shut is the safer one.
                    self.before = Some(window.position.unwrap_or(Position::SHUT));
                }
                self.back = None;
                self.last = Some((plan.name.clone(), plan.kind));
            }
            None => self.go_back(now),
        }
        first.or_else(|| self.return_plan(window, now))
    }

    fn remember(&mut self, due: &[Plan], now: Timestamp) {
        let is_due = |name: &String| due.iter().any(|plan| plan.name == *name);
        self.running.retain(|name, _| is_due(name));
        for plan in due {
            if !self.running.contains_key(&plan.name) {
                if plan.kind == ScheduleKind::Airing {
                    self.aired.insert(plan.name.clone(), now);
                }
                let running = Running {
                    since: now,
                    reason: plan.reason.clone(),
                };
                self.running.insert(plan.name.clone(), running);
            }
        }
    }

    /// What was on is over: the window goes back to where it was.
    fn go_back(&mut self, now: Timestamp) {
        let last = self.last.take();
        if let (Some(to), Some((name, kind))) = (self.before.take(), last) {
            self.back = Some(Back {
                to,
                name,
                kind,
                since: now,
            });
        }
    }

    fn return_plan(&mut self, window: Standing, now: Timestamp) -> Option<Plan> {
        let back = self.back.as_ref()?;
        let until = back.since.plus(GOING_BACK);
        if window.position == Some(back.to) || now >= until || now < back.since {
            self.back = None;
            return None;
        }
        Some(Plan {
            name: back.name.clone(),
            kind: back.kind,
            position: back.to,
            until,
            reason: format!("{} is over: back to where the window was", back.kind.title()),
        })
    }

    /// Returns the schedules as people see them.
    pub fn outlook(&self, schedules: &Schedules, almanac: &Almanac, now: Timestamp) -> Vec<Occurrence> {
        let on = schedules
            .iter()
            .filter(|(_, schedule)| schedule.kind != ScheduleKind::Off);
        let outlook = on.map(|(name, schedule)| {
            let running = self.running.get(name);
            let current = match schedule.kind {
                ScheduleKind::Fixed => almanac.moment(schedule, now),
                _ => almanac.span(schedule, now),
            };
            let mut next = almanac.next(schedule, now);
            let mut until = current.map(|(_, until)| until);
            if schedule.kind == ScheduleKind::Airing {
                until = running.map(|running| running.since.plus(schedule.lasts()));
                let again = self.aired.get(name).map(|at| at.plus(schedule.pause()));
                let again = again.filter(|again| *again > now);
                let is_open = schedule.from.is_none() || current.is_some_and(|(_, end)| again < Some(end));
                if is_open {
                    next = again;
                }
            }
            // Within its hours it waits for readings alone.
            if schedule.kind == ScheduleKind::NightCooling && running.is_none() && current.is_some() {
                next = None;
            }
            Occurrence {
                name: name.clone(),
                kind: schedule.kind,
                active: running.is_some(),
                until: running.and(until),
                next,
                reason: running.map(|running| running.reason.clone()),
            }
        });
        outlook.collect()
    }
}

impl ScheduleKind {
    /// Returns what people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Off => "nothing",
            Self::Airing => "airing",
            Self::Fixed => "a fixed time",
            Self::NightCooling => "night cooling",
        }
    }
}

impl Schedule {
    /// Until when it is on, and why; `None` where it is not.
    fn due(
        &self,
        running: Option<&Running>,
        aired: Option<Timestamp>,
        almanac: &Almanac,
        room: &Room,
        window: Standing,
        now: Timestamp,
    ) -> Option<(Timestamp, String)> {
        match self.kind {
            ScheduleKind::Off => None,
            ScheduleKind::Fixed => {
                let (_, until) = almanac.moment(self, now)?;
                let at = self.at?;
                Some((until, format!("set for {at}")))
            }
            ScheduleKind::NightCooling => {
                let (_, until) = almanac.span(self, now)?;
                let (indoor, outdoor) = (fresh(room.indoor)?, fresh(room.outdoor)?);
                let (warm, colder_by) = (self.indoor_above.unwrap_or(24.0), self.colder_by.unwrap_or(2.0));
                let is_due = if running.is_some() {
                    indoor > warm - COOLED_BY && indoor - outdoor > colder_by / 2.0
                } else {
                    indoor > warm && indoor - outdoor >= colder_by && indoor > outdoor
                };
                let reason = format!("night cooling: {indoor:.1} °C inside, {outdoor:.1} °C outside");
                is_due.then_some((until, running.map_or(reason, |running| running.reason.clone())))
            }
            ScheduleKind::Airing => {
                if let Some(running) = running {
                    let until = running.since.plus(self.lasts());
                    return (now < until).then(|| (until, running.reason.clone()));
                }
                let is_soon = aired.is_some_and(|at| now < at.plus(self.pause()));
                let is_outside = self.from.is_some() && almanac.span(self, now).is_none();
                if is_soon || is_outside || window.is_limited || !self.may_begin_today(almanac, now) {
                    return None;
                }
                Some((now.plus(self.lasts()), self.asks(room)?))
            }
        }
    }

    /// Returns whether one of its moments is told by the sun.
    pub fn needs_the_sun(&self) -> bool {
        let moments = [self.at, self.from, self.until];
        let mut moments = moments.into_iter().flatten();
        moments.any(|moment| !matches!(moment, DayMoment::Clock(_)))
    }

    /// Why a room is to be aired.
    fn asks(&self, room: &Room) -> Option<String> {
        let above =
            |sensed, limit: Option<f64>| fresh(sensed).zip(limit).filter(|(value, limit)| value > limit);
        let minutes = self.lasts().as_secs_f64() / 60.0;
        if let Some((value, limit)) = above(room.co2, self.co2_above) {
            return Some(format!(
                "airing for {minutes:.0} min: {value:.0} ppm CO₂, above {limit:.0}"
            ));
        }
        let (value, limit) = above(room.humidity, self.humidity_above)?;
        Some(format!(
            "airing for {minutes:.0} min: {value:.0} % humidity, above {limit:.0}"
        ))
    }

    /// Whether days and season allow an airing without hours today.
    fn may_begin_today(&self, almanac: &Almanac, now: Timestamp) -> bool {
        self.from.is_some() || almanac.is_day_of(self, now)
    }
}

fn fresh(sensed: Option<Sensed>) -> Option<f64> {
    sensed
        .filter(|sensed| sensed.age < FRESH)
        .map(|sensed| sensed.value)
}

//! When the moments of a day are: by the clock of a time zone, and by the sun of a place.

use chrono::NaiveDate;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use sunrise::{Coordinates, SolarDay, SolarEvent};

use crate::{DayMoment, DayOfYear, Schedule, Settings, TimeOfDay, Timestamp, Weekday};

/// Seconds by which the sun is earlier for each degree further east.
const SECONDS_PER_DEGREE: f64 = 240.0;
/// Days that are looked through for what comes next.
const AHEAD_DAYS: i32 = 370;

/// The clock and the sun of one place.
#[derive(Debug, Clone)]
pub struct Almanac {
    zone: TimeZone,
    place: Option<Coordinates>,
}

impl Almanac {
    /// Returns those of settings. A time zone that this machine does not know is the machine's own.
    pub fn of(settings: &Settings) -> Self {
        let zone = settings.time_zone.as_deref().map(TimeZone::get);
        let place = settings.latitude.zip(settings.longitude);
        Self {
            zone: zone.and_then(Result::ok).unwrap_or_else(TimeZone::system),
            place: place.and_then(|(north, east)| Coordinates::new(north, east)),
        }
    }

    /// Returns whether it knows where the sun rises.
    pub const fn knows_the_sun(&self) -> bool {
        self.place.is_some()
    }

    /// Returns the local time of day and day of the year.
    pub fn local(&self, now: Timestamp) -> (TimeOfDay, DayOfYear) {
        let local = self.zoned(now);
        let time = TimeOfDay::new(local.hour().cast_unsigned(), local.minute().cast_unsigned());
        (
            time.expect("a day has 24 hours of 60 minutes"),
            day_of_year(local.date()),
        )
    }

    /// Returns the moment on a local date. By the clock it is there on every day: what a clock that is put forward leaves out
    /// comes as much later, and what one that is put back shows twice counts the first time. By the sun there is none on days of
    /// polar day and night.
    pub(super) fn at(&self, moment: DayMoment, date: Date) -> Option<Timestamp> {
        let (event, offset) = match moment {
            DayMoment::Clock(time) => {
                let minutes = i8::try_from(time.minutes() % 60).ok()?;
                let hours = i8::try_from(time.minutes() / 60).ok()?;
                let local = date
                    .at(hours, minutes, 0, 0)
                    .to_zoned_datetime(self.zone.clone())
                    .ok()?;
                return Some(Timestamp::from_millis(local.timestamp().as_millisecond()));
            }
            DayMoment::Sunrise(offset) => (SolarEvent::Sunrise, offset),
            DayMoment::Sunset(offset) => (SolarEvent::Sunset, offset),
        };
        let seconds = self.sun(event, date)? + i64::from(offset) * 60;
        Some(Timestamp::from_millis(seconds * 1_000))
    }

    /// When the sun rises or sets on the day whose noon is on this local date, s since 1970.
    fn sun(&self, event: SolarEvent, date: Date) -> Option<i64> {
        let place = self.place?;
        // Some zones are a day from the sun's: the date that the library counts by is moved so that noon is on ours.
        let noon = date
            .at(12, 0, 0, 0)
            .to_zoned_datetime(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_second();
        let noon = noon - (place.lon() * SECONDS_PER_DEGREE) as i64;
        let found = self.zoned(Timestamp::from_millis(noon * 1_000)).date();
        let days = date.since(found).ok()?.get_days();
        let date = date.checked_add(days.days()).ok()?;
        let (month, day) = (u32::try_from(date.month()).ok()?, u32::try_from(date.day()).ok()?);
        let date = NaiveDate::from_ymd_opt(i32::from(date.year()), month, day)?;
        Some(SolarDay::new(place, date).event_time(event)?.timestamp())
    }

    /// The times around `now` between which a schedule is on, if it is on.
    pub(super) fn span(&self, schedule: &Schedule, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, until) = (schedule.from?, schedule.until?);
        let end = |start: Timestamp, date: Date| {
            // Where both are the same, it is the whole day.
            let ends = (0..=1).filter_map(|days| self.at(until, after(date, days)?));
            ends.into_iter().find(|end| *end > start)
        };
        let begun = self.days(schedule, now, -1..=0).filter_map(|date| {
            let start = self.at(from, date).filter(|start| *start <= now)?;
            Some((start, end(start, date).filter(|end| now < *end)?))
        });
        begun.last()
    }

    /// When a schedule at a time was last due, and until when it lasts, if it still does.
    pub(super) fn moment(&self, schedule: &Schedule, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let at = schedule.at?;
        let lasts = schedule.lasts();
        let begun = self.days(schedule, now, -2..=1).filter_map(|date| {
            let start = self.at(at, date)?;
            let end = start.plus(lasts);
            (start <= now && now < end).then_some((start, end))
        });
        begun.last()
    }

    /// When a schedule begins next by clock or sun.
    pub(super) fn next(&self, schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
        let moment = schedule.at.or(schedule.from)?;
        let mut dates = self.days(schedule, now, -1..=AHEAD_DAYS);
        dates.find_map(|date| self.at(moment, date).filter(|at| *at > now))
    }

    /// The days around today on which a schedule begins.
    fn days<'a>(
        &'a self,
        schedule: &'a Schedule,
        now: Timestamp,
        around: std::ops::RangeInclusive<i32>,
    ) -> impl Iterator<Item = Date> + use<'a> {
        let today = self.zoned(now).date();
        let dates = around.filter_map(move |days| after(today, days));
        dates.filter(|date| {
            let is_day = schedule
                .days
                .as_ref()
                .is_none_or(|days| days.contains(&weekday(*date)));
            is_day
                && schedule
                    .season
                    .is_none_or(|season| season.contains(day_of_year(*date)))
        })
    }

    /// Whether a schedule may begin today.
    pub(super) fn is_day_of(&self, schedule: &Schedule, now: Timestamp) -> bool {
        self.days(schedule, now, 0..=0).next().is_some()
    }

    fn zoned(&self, now: Timestamp) -> jiff::ZonedDateTime {
        let instant = jiff::Timestamp::from_millisecond(now.as_millis());
        instant.unwrap_or_default().to_zoned_datetime(self.zone.clone())
    }
}

fn after(date: Date, days: i32) -> Option<Date> {
    date.checked_add(days.days()).ok()
}

fn day_of_year(date: Date) -> DayOfYear {
    let day = DayOfYear::new(date.month().cast_unsigned(), date.day().cast_unsigned());
    day.expect("a date is a day of some year")
}

fn weekday(date: Date) -> Weekday {
    match date.weekday() {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    }
}

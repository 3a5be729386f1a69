//! The outdoors of one place in Central Europe: seasons, days, fronts, clouds, rain, wind, sun and the street.
//!
//! In: a seed and a time. Out: what it is like outside. A pure function of both, so every room has the same weather and
//! no step size changes it.

use crate::{air, noise::Noise};

const HOUR_S: f64 = 3_600.0;
const DAY_S: f64 = 24.0 * HOUR_S;
const LATITUDE_DEG: f64 = 50.0;

/// A simulated point in time: seconds since midnight of 1 January, a Monday, in local solar time.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SimulatedTime(f64);

impl SimulatedTime {
    /// `hour` (0 to 24) of a day of the year, counted from 0.
    pub fn new(day: u32, hour: f64) -> Self {
        Self(f64::from(day) * DAY_S + hour * HOUR_S)
    }

    /// Seconds since the beginning.
    pub const fn seconds(self) -> f64 {
        self.0
    }

    /// Days since the beginning, with their fraction.
    pub fn days(self) -> f64 {
        self.0 / DAY_S
    }

    /// Hour of the day, 0 to 24.
    pub fn hour(self) -> f64 {
        self.0.rem_euclid(DAY_S) / HOUR_S
    }

    /// Whether it is Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        self.days().floor().rem_euclid(7.0) >= 5.0
    }

    /// This time moved by `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: f64) -> Self {
        Self(self.0 + seconds)
    }
}

/// What it is like outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outdoor {
    /// Air temperature in degrees Celsius.
    pub temperature_celsius: f64,
    /// Dew point in degrees Celsius, never above the temperature.
    pub dew_point_celsius: f64,
    /// Wind speed at the window in metres a second.
    pub wind_m_per_s: f64,
    /// Rain in millimetres an hour; 0 when dry.
    pub rain_mm_per_h: f64,
    /// Sunlight on level ground in watts a square metre.
    pub sunlight_w_per_m2: f64,
    /// Air pressure at the station in hectopascals.
    pub pressure_hpa: f64,
    /// Traffic noise in front of a house at a busy street, dB(A).
    pub street_db: f64,
}

impl Outdoor {
    /// Relative humidity in percent.
    pub fn humidity_percent(&self) -> f64 {
        air::relative_humidity(self.temperature_celsius, self.humidity_ratio())
    }

    /// Light on level ground in lux: daylight has about 110 lumens a watt.
    pub fn illuminance_lux(&self) -> f64 {
        110.0 * self.sunlight_w_per_m2
    }

    /// Kilograms of water in a kilogram of dry air.
    pub fn humidity_ratio(&self) -> f64 {
        air::ratio_from_dew_point(self.dew_point_celsius)
    }
}

/// The weather of one seed.
#[derive(Debug, Clone)]
pub struct Weather {
    front: Noise,
    gust: Noise,
    cloud: Noise,
    shower: Noise,
    dryness: Noise,
    wind: Noise,
    traffic: Noise,
    pressure: Noise,
}

impl Weather {
    /// The same seed gives the same weather.
    pub fn new(seed: u64) -> Self {
        let noise = |stream, hours| Noise::new(seed, stream, hours * HOUR_S);
        Self {
            front: noise(1, 60.0),
            gust: noise(2, 0.5),
            cloud: noise(3, 9.0),
            shower: noise(4, 1.5),
            dryness: noise(5, 30.0),
            wind: noise(6, 4.0),
            traffic: noise(7, 0.25),
            pressure: noise(8, 48.0),
        }
    }

    /// What it is like outside at `time`.
    pub fn at(&self, time: SimulatedTime) -> Outdoor {
        let t = time.seconds();
        let clouds = logistic(1.2 * self.cloud.at(t));
        let rain_mm_per_h = self.rain(t, clouds);
        let temperature_celsius = self.temperature(time, clouds, rain_mm_per_h);
        let dryness = (6.0 + 3.5 * self.dryness.at(t)).clamp(1.5, 14.0);
        // Rain moistens the air below the clouds.
        let dryness = dryness / (1.0 + rain_mm_per_h);
        let dew_point_celsius = (self.daily_mean(time) - dryness).min(temperature_celsius - 0.2);
        // Where it rains hard, the sky is covered.
        let cover = clouds.max((rain_mm_per_h / 2.0).min(0.98));
        let by_day = 0.7 + 0.3 * bell(time.hour(), 14.0, 5.0);
        Outdoor {
            temperature_celsius,
            dew_point_celsius,
            wind_m_per_s: (2.2 * by_day * (0.5 * self.wind.at(t) + 0.1 * self.gust.at(t)).exp()).min(20.0),
            rain_mm_per_h,
            sunlight_w_per_m2: sunlight(time, cover),
            pressure_hpa: 1_013.0 + 9.0 * self.pressure.at(t),
            street_db: self.street(time),
        }
    }

    /// The running mean of the outdoor temperature before `time`, degrees Celsius: the last seven days weighted as in
    /// EN 16798-1:2019, annex A2.2.
    pub fn running_mean_celsius(&self, time: SimulatedTime) -> f64 {
        const WEIGHTS: [f64; 7] = [1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2];
        const EACH_DAY: u32 = 12;
        let day_mean = |days_ago: usize| -> f64 {
            let midnight = time.days().floor() - days_ago as f64;
            let sum: f64 = (0..EACH_DAY)
                .map(|i| {
                    let moment = SimulatedTime((midnight + f64::from(i) / f64::from(EACH_DAY)) * DAY_S);
                    self.at(moment).temperature_celsius
                })
                .sum();
            sum / f64::from(EACH_DAY)
        };
        let weighted: f64 = WEIGHTS
            .iter()
            .enumerate()
            .map(|(i, weight)| weight * day_mean(i + 1))
            .sum();
        weighted / WEIGHTS.iter().sum::<f64>()
    }

    /// Season and front, without the course of the day.
    fn daily_mean(&self, time: SimulatedTime) -> f64 {
        let season = (std::f64::consts::TAU * (time.days() - 200.0) / 365.25).cos();
        10.5 + 9.0 * season + 3.0 * self.front.at(time.seconds())
    }

    fn temperature(&self, time: SimulatedTime, clouds: f64, rain: f64) -> f64 {
        let course = (std::f64::consts::TAU * (time.hour() - 15.0) / 24.0).cos();
        let swing = 6.0 * (1.0 - 0.65 * clouds);
        let cooled_by_rain = 1.5 * (rain / 3.0).min(1.0);
        self.daily_mean(time) + swing * course - cooled_by_rain + 0.2 * self.gust.at(time.seconds())
    }

    fn rain(&self, t: f64, clouds: f64) -> f64 {
        let wet = clouds + 0.13 * self.shower.at(t) - 0.77;
        if wet > 0.0 {
            (55.0 * wet.powf(1.5)).min(25.0)
        } else {
            0.0
        }
    }

    fn street(&self, time: SimulatedTime) -> f64 {
        let hour = time.hour();
        let awake = bell(hour, 13.5, 6.5);
        let rush = if time.is_weekend() {
            0.0
        } else {
            bell(hour, 8.0, 1.0) + bell(hour, 17.5, 1.3)
        };
        47.0 + 16.0 * awake + 4.0 * rush + 2.0 * self.traffic.at(time.seconds())
    }
}

/// 1 at `centre`, falling to 0 over `width` hours, around the clock.
pub(crate) fn bell(hour: f64, centre: f64, width: f64) -> f64 {
    let away = (hour - centre).rem_euclid(24.0);
    let away = away.min(24.0 - away);
    (-0.5 * (away / width).powi(2)).exp()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Clear-sky irradiance by Haurwitz (1945), reduced by clouds as Kasten and Czeplak (1980) found.
fn sunlight(time: SimulatedTime, clouds: f64) -> f64 {
    let declination =
        -(23.44_f64.to_radians()) * (std::f64::consts::TAU * (time.days() + 10.0) / 365.25).cos();
    let hour_angle = std::f64::consts::TAU * (time.hour() - 12.0) / 24.0;
    let latitude = LATITUDE_DEG.to_radians();
    let elevation =
        latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos();
    if elevation <= 0.0 {
        return 0.0;
    }
    let clear = 1_098.0 * elevation * (-0.057 / elevation).exp();
    clear * (1.0 - 0.75 * clouds.powf(3.4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn july_is_warmer_than_january_and_noon_brighter_than_midnight() {
        let weather = Weather::new(3);
        let mean = |day: u32| {
            (0..240)
                .map(|i| {
                    weather
                        .at(SimulatedTime::new(day + i / 24, f64::from(i % 24)))
                        .temperature_celsius
                })
                .sum::<f64>()
                / 240.0
        };
        assert!(mean(195) > mean(15) + 8.0);
        assert!(weather.at(SimulatedTime::new(100, 0.0)).sunlight_w_per_m2 <= 0.0);
        assert!(weather.at(SimulatedTime::new(100, 12.0)).sunlight_w_per_m2 > 100.0);
    }

    #[test]
    fn it_rains_sometimes_but_not_mostly() {
        let hours: Vec<f64> = (0..10)
            .flat_map(|seed| {
                let weather = Weather::new(seed);
                (0..24 * 60).map(move |h| weather.at(SimulatedTime::new(100, f64::from(h))).rain_mm_per_h)
            })
            .collect();
        let wet = hours.iter().filter(|r| **r > 0.0).count() as f64 / hours.len() as f64;
        assert!((0.04..0.2).contains(&wet), "{wet}");
    }

    #[test]
    fn the_running_mean_follows_the_season() {
        let weather = Weather::new(1);
        let (winter, summer) = (SimulatedTime::new(20, 9.0), SimulatedTime::new(200, 9.0));
        assert!(weather.running_mean_celsius(summer) > weather.running_mean_celsius(winter) + 5.0);
    }

    proptest! {
        #[test]
        fn it_is_always_possible_weather(seed in any::<u64>(), days in -400.0_f64..800.0) {
            let outdoor = Weather::new(seed).at(SimulatedTime(days * DAY_S));
            prop_assert!((-35.0..50.0).contains(&outdoor.temperature_celsius));
            prop_assert!(outdoor.dew_point_celsius < outdoor.temperature_celsius);
            prop_assert!((1.0..=100.0).contains(&outdoor.humidity_percent()));
            prop_assert!((0.0..=20.0).contains(&outdoor.wind_m_per_s));
            prop_assert!((0.0..=25.0).contains(&outdoor.rain_mm_per_h));
            prop_assert!((0.0..1_100.0).contains(&outdoor.sunlight_w_per_m2));
            prop_assert!((30.0..90.0).contains(&outdoor.street_db));
        }
    }
}

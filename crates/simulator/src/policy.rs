//! The reference policy: where a window belongs by comfort standards, given everything that is true.
//!
//! In: conditions inside and outside. Out: a position. Pure. A model sees less (no outdoor sensor) and learns to
//! approximate it. Sources: EN 16798-1:2019 (adaptive comfort, annex B2.2; humidity, annex B3.3), the WHO's Guidelines
//! for Community Noise (1999) and the WMO's classes of rain.

use domain::Position;

use crate::{simulation::Observation, sound, weather::Weather};

/// Street noise that is let in for comfort's sake, dB(A) indoors: 3 dB below the 40 that disturb, as the street's noise varies by about
/// as much within minutes. The WHO gives 35 for undisturbed speech; a window that is open at all cannot reach it at a busy street.
const QUIET_DB: f64 = 37.0;
/// A room that is warmer than this is cooled at any noise, degrees Celsius: the optimum of EN 16798-1 in a mild week (a running mean of
/// 17 °C).
const WARM_CELSIUS: f64 = 24.4;
/// Rain below this cannot be measured (WMO), mm/h.
const DRY_MM_PER_H: f64 = 0.05;

/// Everything the policy looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Air temperature in the room, degrees Celsius.
    pub temperature_celsius: f64,
    /// Relative humidity in the room, percent.
    pub humidity_percent: f64,
    /// Dew point in the room, degrees Celsius.
    pub dew_point_celsius: f64,
    /// Outdoor temperature, degrees Celsius.
    pub outdoor_celsius: f64,
    /// Outdoor dew point, degrees Celsius.
    pub outdoor_dew_point_celsius: f64,
    /// Running mean of the outdoor temperature over the last week, degrees Celsius.
    pub running_mean_celsius: f64,
    /// Rain, mm/h.
    pub rain_mm_per_h: f64,
    /// Wind at the window, m/s.
    pub wind_m_per_s: f64,
    /// Noise in front of the window, dB(A).
    pub street_db: f64,
}

impl Conditions {
    /// From what is true in a room and the weather's memory.
    pub fn new(observation: &Observation, running_mean_celsius: f64) -> Self {
        Self {
            temperature_celsius: observation.temperature_celsius,
            humidity_percent: observation.humidity_percent,
            dew_point_celsius: observation.dew_point_celsius,
            outdoor_celsius: observation.outdoor.temperature_celsius,
            outdoor_dew_point_celsius: observation.outdoor.dew_point_celsius,
            running_mean_celsius,
            rain_mm_per_h: observation.outdoor.rain_mm_per_h,
            wind_m_per_s: observation.outdoor.wind_m_per_s,
            street_db: observation.street_db,
        }
    }

    /// The same, asking the weather for its memory.
    pub fn of(observation: &Observation, weather: &Weather) -> Self {
        Self::new(observation, weather.running_mean_celsius(observation.time))
    }
}

/// The comfortable temperatures, lowest and highest, degrees Celsius: category II of EN 16798-1. Adaptive from a running
/// mean of 10 °C on (0.33·Θrm + 18.8, +3/−4 K); below, the heating season's 20 to 24 °C.
pub fn comfort_band(running_mean_celsius: f64) -> (f64, f64) {
    if running_mean_celsius < 10.0 {
        return (20.0, 24.0);
    }
    let optimum = 0.33 * running_mean_celsius.min(30.0) + 18.8;
    ((optimum - 4.0).max(20.0), optimum + 3.0)
}

/// Where the window belongs: as far open as cooling and drying ask for in quiet, or as overheating asks for at any noise; never in
/// rain.
pub fn position(conditions: &Conditions) -> Position {
    if conditions.rain_mm_per_h > DRY_MM_PER_H {
        return Position::new(0.0).expect("0 is a position");
    }
    let wish = 1.0 - (1.0 - cooling(conditions)) * (1.0 - drying(conditions));
    let open = wish.min(noise_limit(conditions)).max(overheating(conditions));
    let limit = draught_limit(conditions).min(chill_limit(conditions));
    Position::new(100.0 * open.min(limit).clamp(0.0, 1.0)).expect("0 to 1 is 0 to 100 percent")
}

/// How much the room wants to be cooler while the street is quiet, 0 to 1: below the middle of the band already, so that walls and
/// floor store the cool of the night.
fn cooling(c: &Conditions) -> f64 {
    let (low, high) = comfort_band(c.running_mean_celsius);
    let middle = f64::midpoint(low, high);
    ramp(c.temperature_celsius, middle - 0.6, middle) * outdoor_help(c)
}

/// How much the room needs to be cooler, 0 to 1: from a kelvin below the end of the band, at the latest from [`WARM_CELSIUS`]. It is
/// then opened wide, whatever the street says: wide and short is quieter than half open all afternoon, and what the walls have not
/// stored by noon does not warm the evening.
fn overheating(c: &Conditions) -> f64 {
    let (_, high) = comfort_band(c.running_mean_celsius);
    let warm = (high - 1.0).min(WARM_CELSIUS);
    ramp(c.temperature_celsius, warm, warm + 0.6) * outdoor_help(c)
}

/// As far as the outdoors can cool the room, 0 to 1.
fn outdoor_help(c: &Conditions) -> f64 {
    ramp(c.temperature_celsius - c.outdoor_celsius, 0.0, 2.0)
}

/// How much the room wants to be drier, 0 to 1: from 55 % on, fully at 65 % (category II asks for at most 60 %), as far
/// as the outdoor dew point is lower.
fn drying(c: &Conditions) -> f64 {
    let want = ramp(c.humidity_percent, 55.0, 65.0);
    let help = ramp(c.dew_point_celsius - c.outdoor_dew_point_celsius, 0.5, 4.0);
    0.8 * want * help
}

/// The widest opening that keeps street noise indoors at [`QUIET_DB`].
fn noise_limit(c: &Conditions) -> f64 {
    sound::opening_for_attenuation(c.street_db - QUIET_DB)
}

/// Wind above a fresh breeze (8 to 13 m/s) slams windows; cold air draws.
fn draught_limit(c: &Conditions) -> f64 {
    let wind = 1.0 - 0.9 * ramp(c.wind_m_per_s, 8.0, 13.0);
    let cold = 0.15 + 0.85 * ramp(c.outdoor_celsius, -5.0, 15.0);
    wind.min(cold)
}

/// A room at the cold end of the band is not aired with colder air.
fn chill_limit(c: &Conditions) -> f64 {
    let (low, _) = comfort_band(c.running_mean_celsius);
    if c.outdoor_celsius >= c.temperature_celsius {
        return 1.0;
    }
    ramp(c.temperature_celsius, low + 0.3, low + 1.0)
}

/// 0 up to `from`, 1 from `to` on, straight between.
fn ramp(x: f64, from: f64, to: f64) -> f64 {
    ((x - from) / (to - from)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn warm_evening() -> Conditions {
        Conditions {
            temperature_celsius: 28.0,
            humidity_percent: 45.0,
            dew_point_celsius: 14.9,
            outdoor_celsius: 20.0,
            outdoor_dew_point_celsius: 12.0,
            running_mean_celsius: 19.0,
            rain_mm_per_h: 0.0,
            wind_m_per_s: 2.0,
            street_db: 45.0,
        }
    }

    fn percent(conditions: Conditions) -> f64 {
        position(&conditions).percent()
    }

    #[test]
    fn the_band_is_the_standards() {
        let (low, high) = comfort_band(20.0);
        assert!((low - 21.4).abs() < 1e-9 && (high - 28.4).abs() < 1e-9);
        assert_eq!(comfort_band(5.0), (20.0, 24.0));
    }

    #[test]
    fn it_does_what_people_do() {
        let base = warm_evening();
        let open = percent(base);
        assert!(open > 60.0, "{open}");
        // Rain or a gale: shut or a gap.
        assert!(
            percent(Conditions {
                rain_mm_per_h: 4.0,
                ..base
            }) < 1.0
        );
        assert!(
            percent(Conditions {
                rain_mm_per_h: 0.1,
                ..base
            }) < 1.0
        );
        // A loud street: shut while the room is comfortable, wide open before it is too warm.
        let loud = Conditions {
            street_db: 72.0,
            ..base
        };
        assert!(percent(loud) > 60.0);
        assert!(
            percent(Conditions {
                temperature_celsius: 24.2,
                ..loud
            }) < 1.0
        );
        // A quiet night: the room is cooled below the middle of its band, and not below its end.
        let night = |temperature_celsius| {
            percent(Conditions {
                temperature_celsius,
                outdoor_celsius: 15.0,
                ..base
            })
        };
        assert!(night(25.0) > 90.0 && night(23.9) < 1.0);
        assert!(
            percent(Conditions {
                wind_m_per_s: 14.0,
                ..base
            }) < 11.0
        );
        // Hotter outside than inside: opening does not help.
        assert!(
            percent(Conditions {
                outdoor_celsius: 33.0,
                ..base
            }) < 1.0
        );
        // Damp in winter: an airing, not more.
        let winter = Conditions {
            temperature_celsius: 21.0,
            humidity_percent: 72.0,
            dew_point_celsius: 15.8,
            outdoor_celsius: 0.0,
            outdoor_dew_point_celsius: -3.0,
            running_mean_celsius: 2.0,
            ..base
        };
        assert!((15.0..45.0).contains(&percent(winter)), "{}", percent(winter));
        assert!(
            percent(Conditions {
                outdoor_dew_point_celsius: 16.0,
                outdoor_celsius: 17.0,
                ..winter
            }) < 10.0
        );
        assert!(
            percent(Conditions {
                temperature_celsius: 16.0,
                ..winter
            }) < 5.0
        );
    }

    fn conditions() -> impl Strategy<Value = Conditions> {
        (
            0.0_f64..45.0,
            5.0_f64..100.0,
            -20.0_f64..40.0,
            0.2_f64..20.0,
            -10.0_f64..35.0,
            0.0_f64..25.0,
            0.0_f64..20.0,
            30.0_f64..90.0,
        )
            .prop_map(
                |(inside, humidity, outside, dryness, mean, rain, wind, street)| Conditions {
                    temperature_celsius: inside,
                    humidity_percent: humidity,
                    dew_point_celsius: inside - (100.0 - humidity) / 5.0,
                    outdoor_celsius: outside,
                    outdoor_dew_point_celsius: outside - dryness,
                    running_mean_celsius: mean,
                    rain_mm_per_h: rain,
                    wind_m_per_s: wind,
                    street_db: street,
                },
            )
    }

    proptest! {
        #[test]
        fn warmer_rooms_never_close_and_worse_weather_never_opens(c in conditions(), more in 0.0_f64..5.0) {
            let here = percent(c);
            if c.outdoor_celsius < c.temperature_celsius {
                let warmer = Conditions { temperature_celsius: c.temperature_celsius + more, ..c };
                prop_assert!(percent(warmer) >= here - 1e-9);
            }
            for worse in [
                Conditions { rain_mm_per_h: c.rain_mm_per_h + more, ..c },
                Conditions { wind_m_per_s: c.wind_m_per_s + more, ..c },
                Conditions { street_db: c.street_db + more, ..c },
                Conditions { outdoor_dew_point_celsius: c.outdoor_dew_point_celsius + more, ..c },
            ] {
                prop_assert!(percent(worse) <= here + 1e-9, "{worse:?}");
            }
        }
    }
}

//! The units in which devices state values, and their conversion into the unit of the quantity.
//!
//! In: a number and the name of a unit as people write it. Out: the number in the unit of the quantity, or a refusal that
//! names the units that are known.

use crate::{Quantity, Refusal, RefusalReason};

/// A unit of a quantity: `value * scale + offset` is the value in the quantity's own unit.
struct Unit {
    /// Its names, lower case and without spaces, dots and degree signs; the first is shown to people.
    names: &'static [&'static str],
    scale: f64,
    offset: f64,
}

const fn unit(names: &'static [&'static str], scale: f64) -> Unit {
    Unit {
        names,
        scale,
        offset: 0.0,
    }
}

const TEMPERATURE: &[Unit] = &[
    unit(&["c", "celsius", "centigrade"], 1.0),
    Unit {
        names: &["f", "fahrenheit"],
        scale: 5.0 / 9.0,
        offset: -160.0 / 9.0,
    },
    Unit {
        names: &["k", "kelvin"],
        scale: 1.0,
        offset: -273.15,
    },
];
const HUMIDITY: &[Unit] = &[
    unit(&["%", "%rh", "rh", "rh%", "percent", "pct"], 1.0),
    unit(&["fraction", "ratio"], 100.0),
];
const CO2: &[Unit] = &[unit(&["ppm", "µmol/mol", "μmol/mol"], 1.0), unit(&["ppb"], 1e-3)];
const PRESSURE: &[Unit] = &[
    unit(&["hpa", "hectopascal", "mbar", "millibar", "mb"], 1.0),
    unit(&["pa", "pascal"], 0.01),
    unit(&["kpa", "kilopascal"], 10.0),
    unit(&["bar"], 1_000.0),
    unit(&["mmhg", "torr"], 1.333_223_684),
    unit(&["inhg"], 33.863_886_667),
    unit(&["atm"], 1_013.25),
];
const ILLUMINANCE: &[Unit] = &[
    unit(&["lx", "lux"], 1.0),
    unit(&["klx", "klux"], 1_000.0),
    unit(&["fc", "footcandle", "footcandles"], 10.763_910_417),
];
const RAIN: &[Unit] = &[
    unit(&["mm/h", "mm/hr", "mmh", "mmph", "l/m²/h"], 1.0),
    unit(&["in/h", "in/hr", "inph"], 25.4),
];
const WIND: &[Unit] = &[
    unit(&["m/s", "mps"], 1.0),
    unit(&["km/h", "kmh", "kph"], 1.0 / 3.6),
    unit(&["mph", "mi/h"], 0.447_04),
    unit(&["kn", "kt", "kts", "knot", "knots"], 1_852.0 / 3_600.0),
    unit(&["ft/s", "fps"], 0.304_8),
];

/// Longest name that is compared, in bytes.
const LONGEST: usize = 40;

impl Quantity {
    const fn units(self) -> &'static [Unit] {
        match self {
            Self::Temperature => TEMPERATURE,
            Self::Humidity => HUMIDITY,
            Self::Co2 => CO2,
            Self::Pressure => PRESSURE,
            Self::Illuminance => ILLUMINANCE,
            Self::Rain => RAIN,
            Self::Wind => WIND,
        }
    }

    /// The units that a device may state, the quantity's own first, each by one of its names.
    pub fn unit_names(self) -> impl Iterator<Item = &'static str> {
        self.units().iter().map(|known| known.names[0])
    }

    /// Converts `value`, which is stated in `unit`, into the unit of the quantity; `BadUnit` if the unit is not one of
    /// the quantity's. What is converted is rounded to the sixth decimal.
    pub fn convert(self, value: f64, unit: &str) -> Result<f64, Refusal> {
        let name = normalised(unit);
        let units = self.units();
        match units.iter().position(|known| known.names.contains(&&*name)) {
            // The first is the quantity's own.
            Some(0) => Ok(value),
            Some(place) => {
                let Unit { scale, offset, .. } = units[place];
                Ok(((value * scale + offset) * 1e6).round() / 1e6)
            }
            None => {
                let shown: String = unit.chars().take(LONGEST).collect();
                let known: Vec<&str> = self.unit_names().collect();
                let detail = format!(
                    "'unit' is '{shown}', which is no unit of {self}: send {}, without a unit or with one of: {}",
                    self.unit(),
                    known.join(", ")
                );
                Err(Refusal::new(RefusalReason::BadUnit, detail))
            }
        }
    }
}

/// A name without what people write differently: case, spaces, dots, degrees.
fn normalised(unit: &str) -> String {
    if unit.len() > LONGEST {
        return String::new();
    }
    let name: String = unit
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '°' | 'º' | '˚' | '.' | '_'))
        .map(|c| match c {
            '℃' => 'c',
            '℉' => 'f',
            other => other,
        })
        .collect();
    let bare = ["degrees", "degree", "deg"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    bare.map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "conversions are rounded")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write_is_converted() {
        use Quantity as Q;
        for (quantity, value, unit, expected) in [
            (Q::Temperature, 21.5, "°C", 21.5),
            (Q::Temperature, 21.5, "C", 21.5),
            (Q::Temperature, 21.5, "Celsius", 21.5),
            (Q::Temperature, 21.5, "deg C", 21.5),
            (Q::Temperature, 21.5, "℃", 21.5),
            (Q::Temperature, 70.7, "F", 21.5),
            (Q::Temperature, 70.7, "°F", 21.5),
            (Q::Temperature, 70.7, "Fahrenheit", 21.5),
            (Q::Temperature, 70.7, "degrees_fahrenheit", 21.5),
            (Q::Temperature, 294.65, "K", 21.5),
            (Q::Humidity, 55.0, "%", 55.0),
            (Q::Humidity, 55.0, "% RH", 55.0),
            (Q::Humidity, 0.55, "fraction", 55.0),
            (Q::Co2, 600.0, "PPM", 600.0),
            (Q::Pressure, 101_325.0, "Pa", 1_013.25),
            (Q::Pressure, 1_013.25, "mbar", 1_013.25),
            (Q::Pressure, 101.325, "kPa", 1_013.25),
            (Q::Pressure, 760.0, "mmHg", 1_013.25),
            (Q::Illuminance, 300.0, "lux", 300.0),
            (Q::Rain, 1.0, "in/h", 25.4),
            (Q::Wind, 36.0, "km/h", 10.0),
        ] {
            let converted = quantity.convert(value, unit).unwrap();
            assert!((converted - expected).abs() < 1e-5, "{value} {unit}: {converted}");
        }
        assert_eq!(
            Q::Temperature.convert(21.123_456_789, "°C").unwrap(),
            21.123_456_789
        );
        assert_eq!(Q::Temperature.convert(70.7, "F").unwrap(), 21.5);
    }

    #[test]
    fn another_unit_is_refused_with_those_that_are_known() {
        for (quantity, unit) in [
            (Quantity::Temperature, "%"),
            (Quantity::Temperature, "mV"),
            (Quantity::Temperature, ""),
            (Quantity::Humidity, "g/m³"),
            (Quantity::Pressure, "MPa"),
            (Quantity::Rain, "mm"),
            (Quantity::Wind, &"x".repeat(100_000)),
        ] {
            let refusal = quantity.convert(1.0, unit).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::BadUnit, "{unit}");
            assert!(refusal.detail.contains(quantity.unit()), "{refusal}");
            assert!(refusal.detail.len() < 400, "{refusal}");
        }
    }

    #[test]
    fn every_quantity_knows_its_own_unit_and_no_name_twice() {
        for quantity in Quantity::ALL {
            assert_eq!(
                quantity.convert(12.5, quantity.unit()).unwrap(),
                12.5,
                "{quantity}"
            );
            let names: Vec<_> = quantity.units().iter().flat_map(|unit| unit.names).collect();
            for name in &names {
                assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
                assert_eq!(&normalised(name), *name);
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(index in 0..Quantity::COUNT, value in any::<f64>(), unit in any::<String>()) {
            let _ = Quantity::ALL[index].convert(value, &unit);
        }
    }
}

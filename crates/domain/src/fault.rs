//! Values that sensors report when they do not measure: one line for each.
//!
//! In: a reading and the one before it. Out: what is suspect about it, in words for the person in charge of the device.
//! A suspect reading is possible but typical of a fault: it is kept apart and decides nothing. Values outside the range
//! of a quantity are refused anyway; for them the table has the likely cause.

use crate::{Quantity, Reading};

/// How far a value may differ from that of its line: sensors and libraries round.
const ROUNDING: f64 = 0.005;

/// The values that a line is about.
enum Values {
    Exactly(f64),
    /// Both ends included.
    Between(f64, f64),
}

/// When such a value is suspect, if it is within the range of its quantity.
enum When {
    /// Always: no air has it.
    Always,
    /// If the reading before it is further away.
    Jump(f64),
    /// The same, and if there is no reading before it.
    FirstOrJump(f64),
    /// The same, unless the device states the unit.
    UnitlessFirstOrJump(f64),
    /// Never: the line explains what lies outside the range.
    Refused,
}

struct Fault {
    /// `None` for every quantity.
    quantity: Option<Quantity>,
    values: Values,
    when: When,
    cause: &'static str,
}

/// Defines the table from one line for each fault.
macro_rules! faults {
    ($($quantity:expr, $values:expr, $when:expr, $cause:expr;)+) => {
        &[$(Fault { quantity: $quantity, values: $values, when: $when, cause: $cause }),+]
    };
}

use Quantity::{Co2, Humidity, Illuminance, Pressure, Temperature};
use Values::{Between, Exactly};
use When::{Always, FirstOrJump, Jump, Refused, UnitlessFirstOrJump};

const POWER_ON: &str = "85 °C is what a DS18B20 holds after power-on, before its first conversion";
const DISCONNECTED: &str =
    "DallasTemperature says -127 for a DS18B20 that does not answer: check its wiring and pull-up";
const ZERO_BITS: &str = "0 is what a DHT gives when no bit arrives: its checksum of zeros is right";
const LOWEST: &str = "the lowest output of its sensor: nothing was read from it";
const EDGE: &str = "the edge of a BME280's range, where its driver puts what it cannot compute";
const FAHRENHEIT: &str = "it looks like °F: state \"unit\": \"F\", or \"unit\": \"C\" if it is °C";
const FRACTION: &str =
    "it looks like a fraction of one: state \"unit\": \"fraction\", or \"unit\": \"%\" if it is percent";
const NO_AIR: &str = "outdoor air has over 400 ppm: the sensor has not measured yet";
const ALL_ONES: &str = "the sensor's register is all ones: nothing was read from it";
const PLACEHOLDER: &str = "a placeholder for no value: send nothing instead";

/// The first line that fits counts.
const FAULTS: &[Fault] = faults! {
    // Maxim, DS18B20 data sheet, "Temperature Register Format": the power-on reset value is +85 °C.
    Some(Temperature), Exactly(85.0), FirstOrJump(20.0), POWER_ON;
    // DallasTemperature.h: DEVICE_DISCONNECTED_C -127, DEVICE_DISCONNECTED_F -196.6.
    Some(Temperature), Exactly(-127.0), Refused, DISCONNECTED;
    Some(Temperature), Exactly(-196.6), Refused, DISCONNECTED;
    // Aosong, AM2302 (DHT22) data sheet: the checksum is the sum of four bytes, so 40 zero bits pass.
    Some(Temperature), Exactly(0.0), Jump(10.0), ZERO_BITS;
    Some(Humidity), Exactly(0.0), FirstOrJump(10.0), ZERO_BITS;
    // Texas Instruments, HDC1080 data sheet: -40 + 165·raw/2^16. Bosch, BME280_SensorAPI: temperature_min -40.
    Some(Temperature), Exactly(-40.0), Jump(20.0), LOWEST;
    // Sensirion, SHT3x and SHT4x data sheets: -45 + 175·raw/(2^16 - 1).
    Some(Temperature), Exactly(-45.0), Jump(20.0), LOWEST;
    // Sensirion, SHT2x, and Silicon Labs, Si7021 data sheets: -46.85 + 175.72·raw/2^16.
    Some(Temperature), Exactly(-46.85), Jump(20.0), LOWEST;
    // Aosong, AHT20 data sheet: -50 + 200·raw/2^20.
    Some(Temperature), Exactly(-50.0), Jump(20.0), LOWEST;
    // A room of 13 to 38 °C has 55 to 100 °F. Who changes the unit jumps by 0.8·T + 32: by 42 at least.
    Some(Temperature), Between(55.0, 100.0), UnitlessFirstOrJump(35.0), FAHRENHEIT;
    // No room is that dry; outdoors the lowest ever measured were 1 to 2 %.
    Some(Humidity), Between(0.0, 1.0), UnitlessFirstOrJump(10.0), FRACTION;
    // NOAA Global Monitoring Laboratory: no air on this planet has less. SCD30, SCD4x and MH-Z19 give 0 at first.
    Some(Co2), Between(0.0, 200.0), Always, NO_AIR;
    // Bosch, BME280_SensorAPI, compensate_pressure: pressure_min 30000, pressure_max 110000 (Pa).
    Some(Pressure), Exactly(300.0), FirstOrJump(50.0), EDGE;
    Some(Pressure), Exactly(1_100.0), FirstOrJump(50.0), EDGE;
    Some(Pressure), Between(30_000.0, 110_000.0), Refused, "it looks like pascal: state \"unit\": \"Pa\", or send hPa";
    Some(Pressure), Between(30.0, 110.0), Refused, "it looks like kilopascal: state \"unit\": \"kPa\", or send hPa";
    Some(Pressure), Between(20.0, 30.0), Refused, "it looks like inches of mercury: state \"unit\": \"inHg\", or send hPa";
    // ROHM, BH1750FVI data sheet: lux = raw/1.2; 0xFFFF is 54,612.5.
    Some(Illuminance), Exactly(54_612.5), FirstOrJump(20_000.0), ALL_ONES;
    Some(Illuminance), Exactly(65_535.0), FirstOrJump(20_000.0), ALL_ONES;
    // DHT libraries read 0xFF for a line that stays high.
    None, Exactly(255.0), Refused, ALL_ONES;
    // 0xFFFF and 0x7FFF, whole, and in tenths and hundredths.
    None, Exactly(65_535.0), Refused, ALL_ONES;
    None, Exactly(6_553.5), Refused, ALL_ONES;
    None, Exactly(655.35), Refused, ALL_ONES;
    None, Exactly(32_767.0), Refused, ALL_ONES;
    None, Exactly(-32_768.0), Refused, ALL_ONES;
    None, Exactly(3_276.7), Refused, ALL_ONES;
    None, Exactly(-3_276.8), Refused, ALL_ONES;
    None, Between(998.0, 999.99), Refused, PLACEHOLDER;
    None, Between(-999.99, -998.0), Refused, PLACEHOLDER;
    None, Exactly(9_999.0), Refused, PLACEHOLDER;
    None, Exactly(-9_999.0), Refused, PLACEHOLDER;
    Some(Temperature), Between(100.0, 212.0), Refused, FAHRENHEIT;
    Some(Temperature), Between(233.15, 333.15), Refused, "it looks like kelvin: state \"unit\": \"K\", or send °C";
    Some(Temperature), Between(1_000.0, 6_000.0), Refused, "it looks like hundredths of a degree: divide by 100";
};

impl Values {
    fn hold(&self, value: f64) -> bool {
        match *self {
            Exactly(fault) => (value - fault).abs() <= ROUNDING,
            Between(low, high) => (low..=high).contains(&value),
        }
    }
}

impl Fault {
    fn fits(&self, quantity: Quantity, value: f64) -> bool {
        self.quantity.is_none_or(|own| own == quantity) && self.values.hold(value)
    }

    fn is_suspect(&self, reading: &Reading, previous: &mut impl FnMut() -> Option<f64>) -> bool {
        let mut jumped = |by: f64| previous().map(|previous| (reading.value() - previous).abs() > by);
        match self.when {
            Always => true,
            Jump(by) => jumped(by) == Some(true),
            FirstOrJump(by) => jumped(by) != Some(false),
            UnitlessFirstOrJump(by) => !reading.states_unit() && jumped(by) != Some(false),
            Refused => false,
        }
    }
}

impl Reading {
    /// Returns what is suspect about the reading; `None` if nothing is. `previous` is asked only where it matters: for the
    /// newest value of the device and quantity that was not suspect.
    pub fn suspicion(&self, mut previous: impl FnMut() -> Option<f64>) -> Option<&'static str> {
        let mut fitting = FAULTS
            .iter()
            .filter(|fault| fault.fits(self.quantity(), self.raw()));
        let suspect = fitting.find(|fault| fault.is_suspect(self, &mut previous));
        suspect.map(|fault| fault.cause)
    }
}

/// Returns the likely cause of a value outside the range of `quantity`.
pub(crate) fn cause(quantity: Quantity, value: f64) -> Option<&'static str> {
    let mut fitting = FAULTS.iter().filter(|fault| fault.fits(quantity, value));
    fitting
        .find(|fault| matches!(fault.when, Refused))
        .map(|fault| fault.cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DeviceId, RefusalReason, Timestamp};

    fn reading(quantity: Quantity, value: f64) -> Reading {
        let device_id = DeviceId::parse("d").expect("a valid id");
        Reading::new(device_id, quantity, value, Timestamp::from_millis(0)).expect("a possible value")
    }

    fn is_suspect(quantity: Quantity, value: f64, previous: Option<f64>) -> bool {
        reading(quantity, value).suspicion(|| previous).is_some()
    }

    #[test]
    fn what_sensors_invent_is_suspect_in_its_context() {
        for (quantity, value, previous, suspect) in [
            (Temperature, 85.0, Some(21.3), true),
            (Temperature, 85.0, None, true),
            (Temperature, 85.0, Some(84.2), false),
            (Temperature, 85.0, Some(70.0), false),
            (Temperature, 84.5, Some(70.0), false),
            (Temperature, 85.0, Some(-60.0), true),
            (Temperature, 72.5, None, true),
            (Temperature, 72.5, Some(22.0), true),
            (Temperature, 72.5, Some(60.0), false),
            (Temperature, 50.0, Some(10.0), false),
            (Temperature, 55.1, Some(49.0), false),
            (Temperature, 45.0, None, false),
            (Temperature, 0.0, Some(21.3), true),
            (Temperature, 0.0, Some(1.2), false),
            (Temperature, 0.0, None, false),
            (Temperature, -40.0, Some(21.3), true),
            (Temperature, -40.0, Some(-38.0), false),
            (Temperature, -45.0, Some(21.3), true),
            (Temperature, -46.85, Some(21.3), true),
            (Temperature, -50.0, Some(21.3), true),
            (Temperature, -50.0, None, false),
            (Humidity, 0.0, Some(40.0), true),
            (Humidity, 0.0, None, true),
            (Humidity, 0.0, Some(3.0), false),
            (Humidity, 0.55, None, true),
            (Humidity, 100.0, Some(45.0), false),
            (Co2, 0.0, Some(600.0), true),
            (Co2, 420.0, None, false),
            (Co2, 5_000.0, None, false),
            (Pressure, 300.0, Some(1_013.0), true),
            (Pressure, 1_100.0, None, true),
            (Pressure, 999.0, Some(1_000.0), false),
            (Illuminance, 54_612.5, Some(300.0), true),
            (Illuminance, 65_535.0, Some(60_000.0), false),
            (Illuminance, 255.0, Some(300.0), false),
        ] {
            assert_eq!(
                is_suspect(quantity, value, previous),
                suspect,
                "{quantity} {value} after {previous:?}"
            );
        }
    }

    #[test]
    fn a_sauna_that_climbs_is_believed() {
        let mut previous = None;
        for step in 0..=150 {
            let value = 20.0 + f64::from(step) * 0.5;
            assert!(
                !is_suspect(Temperature, value, previous),
                "{value} after {previous:?}"
            );
            previous = Some(value);
        }
    }

    #[test]
    fn a_stated_unit_is_believed_but_not_a_power_on_value() {
        let celsius = |value| reading(Temperature, value).with_stated_unit();
        assert_eq!(celsius(72.5).suspicion(|| None), None);
        assert_eq!(celsius(72.5).suspicion(|| Some(21.0)), None);
        assert_eq!(celsius(85.0).suspicion(|| Some(21.0)), Some(POWER_ON));
    }

    #[test]
    fn what_is_impossible_is_refused_with_its_cause() {
        for (quantity, value, cause) in [
            (Temperature, -127.0, "DS18B20"),
            (Temperature, 255.0, "all ones"),
            (Temperature, 999.0, "placeholder"),
            (Temperature, -999.0, "placeholder"),
            (Temperature, 998.0, "placeholder"),
            (Temperature, 294.65, "kelvin"),
            (Temperature, 2_150.0, "hundredths"),
            (Temperature, 6_553.5, "all ones"),
            (Humidity, 255.0, "all ones"),
            (Humidity, 3_276.7, "all ones"),
            (Co2, 65_535.0, "all ones"),
            (Pressure, 101_325.0, "pascal"),
            (Pressure, 101.3, "kilopascal"),
            (Pressure, 29.92, "inches of mercury"),
            (Pressure, 0.0, ""),
        ] {
            let refusal = quantity.check(value).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::OutOfRange, "{quantity} {value}");
            assert!(refusal.detail.contains(cause), "{refusal}");
        }
    }

    #[test]
    fn no_line_is_without_effect() {
        for fault in FAULTS {
            let inside = |quantity: Quantity| {
                let (low, high) = quantity.range();
                let (from, to) = match fault.values {
                    Exactly(value) => (value, value),
                    Between(from, to) => (from, to),
                };
                let whole = from >= low && to <= high;
                if matches!(fault.when, Refused) {
                    !whole
                } else {
                    whole
                }
            };
            let own = fault
                .quantity
                .map_or(Quantity::ALL.into_iter().any(inside), inside);
            assert!(own, "{}", fault.cause);
        }
    }

    proptest! {
        #[test]
        fn a_steady_room_is_never_suspect(start in 5.0_f64..45.0, steps in prop::collection::vec(-0.9_f64..0.9, 1..50)) {
            let mut value = start;
            for step in steps {
                let next = (value + step).clamp(-30.0, 49.0);
                prop_assert!(!is_suspect(Temperature, next, Some(value)));
                value = next;
            }
        }
    }
}

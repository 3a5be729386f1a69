//! Moist air: the relations between temperature, relative humidity, dew point and water content at sea level.
//!
//! In: degrees Celsius, percent, kilograms of water in a kilogram of dry air. Out: the same. Saturation by the Magnus
//! formula over water with the coefficients of the WMO's guide to instruments (WMO-No. 8, annex 4.B).

/// Density of dry air, kg/m³ (20 °C).
pub(crate) const DENSITY: f64 = 1.204;
/// Specific heat of air, J/(kg K).
pub(crate) const SPECIFIC_HEAT: f64 = 1_006.0;

const PRESSURE_HPA: f64 = 1_013.25;
/// Molar mass of water over that of dry air.
const MASS_RATIO: f64 = 0.622;

/// Saturation vapour pressure in hPa.
fn saturation_hpa(celsius: f64) -> f64 {
    6.112 * (17.62 * celsius / (243.12 + celsius)).exp()
}

fn ratio_at(vapour_hpa: f64) -> f64 {
    MASS_RATIO * vapour_hpa / (PRESSURE_HPA - vapour_hpa)
}

fn vapour_hpa(humidity_ratio: f64) -> f64 {
    PRESSURE_HPA * humidity_ratio / (MASS_RATIO + humidity_ratio)
}

/// The most water that air of this temperature holds, kg/kg.
pub(crate) fn saturation_ratio(celsius: f64) -> f64 {
    ratio_at(saturation_hpa(celsius))
}

/// Water content of air with this dew point, kg/kg.
pub(crate) fn ratio_from_dew_point(celsius: f64) -> f64 {
    saturation_ratio(celsius)
}

/// Water content, kg/kg, of air with this relative humidity (percent).
pub(crate) fn ratio_from_relative(celsius: f64, percent: f64) -> f64 {
    ratio_at(saturation_hpa(celsius) * percent / 100.0)
}

/// Relative humidity in percent; above 100 in supersaturated air.
pub(crate) fn relative_humidity(celsius: f64, humidity_ratio: f64) -> f64 {
    100.0 * vapour_hpa(humidity_ratio) / saturation_hpa(celsius)
}

/// Dew point in degrees Celsius; the ratio is above zero.
pub(crate) fn dew_point(humidity_ratio: f64) -> f64 {
    let x = (vapour_hpa(humidity_ratio) / 6.112).ln();
    243.12 * x / (17.62 - x)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matches_published_values() {
        // WMO tables: 23.37 hPa at 20 °C; air of 20 °C and 50 % has its dew point at 9.3 °C and holds 7.3 g/kg.
        assert!((saturation_hpa(20.0) - 23.37).abs() < 0.05);
        let ratio = ratio_from_relative(20.0, 50.0);
        assert!((dew_point(ratio) - 9.27).abs() < 0.05, "{}", dew_point(ratio));
        assert!((ratio - 0.00726).abs() < 5e-5, "{ratio}");
    }

    proptest! {
        #[test]
        fn dew_point_and_ratio_are_inverse(celsius in -30.0_f64..45.0) {
            prop_assert!((dew_point(ratio_from_dew_point(celsius)) - celsius).abs() < 1e-6);
        }

        #[test]
        fn saturated_air_has_its_temperature_as_dew_point(celsius in -30.0_f64..45.0, percent in 1.0_f64..100.0) {
            let ratio = ratio_from_relative(celsius, percent);
            prop_assert!((relative_humidity(celsius, ratio) - percent).abs() < 1e-6);
            prop_assert!(dew_point(ratio) <= celsius + 1e-9);
        }
    }
}

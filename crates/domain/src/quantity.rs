//! The quantities that sensors measure: one line for each, and everything else follows from it.
//!
//! In: nothing. Out: the word, name, unit, range, table and threshold of each [`Quantity`]. Topics, tables, batches,
//! counters and the page are keyed by it, so a new sensor is a new line here.

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{Refusal, RefusalReason, fault};

/// Defines [`Quantity`] and its facts from one line for each quantity.
macro_rules! quantities {
    ($($variant:ident: $word:literal, $name:literal, $unit:literal, $range:expr, $overshoot:literal, $decimals:literal, $threshold:expr;)+) => {
        /// What a sensor measures.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Quantity {
            $(
                #[doc = concat!($name, " in ", $unit, ".")]
                #[serde(rename = $word)]
                $variant,
            )+
        }

        /// Written out, as the derive does not see the words that a macro gives to variants.
impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.map(Self::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        schema.description(Some("What a sensor measures.")).into()
    }
}

impl ToSchema for Quantity {}

impl Quantity {
            /// Every quantity, in the order of their definition.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// What is known about it.
            const fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$variant => &Facts {
                        word: $word,
                        name: $name,
                        unit: $unit,
                        range: $range,
                        overshoot: $overshoot,
                        decimals: $decimals,
                        table: concat!("sensor_", $word),
                        threshold: $threshold,
                    },)+
                }
            }
        }
    };
}

quantities! {
    // variant: word, name, unit, values that exist, how far a working sensor may err beyond them, decimals worth showing,
    // change that matters
    Temperature: "temperature", "Temperature", "°C", (-60.0, 100.0), 0.0, 1, Some(0.5);
    // In fog and at condensation, capacitive sensors exceed 100 % (Sensirion, SHT4x data sheet: crop to 0 to 100).
    Humidity: "humidity", "Humidity", "%", (0.0, 100.0), 5.0, 1, Some(2.0);
    // The output range of Sensirion's SCD4x; outdoors there are 420 ppm.
    Co2: "co2", "CO₂", "ppm", (0.0, 40_000.0), 0.0, 0, None;
    // The measuring range of Bosch's BME280.
    Pressure: "pressure", "Pressure", "hPa", (300.0, 1_100.0), 0.0, 1, None;
    // Above what sunlight reaches (about 130,000 lx).
    Illuminance: "illuminance", "Illuminance", "lx", (0.0, 200_000.0), 0.0, 0, None;
    // The range that WMO-No. 8 asks of rain gauges.
    Rain: "rain", "Rain", "mm/h", (0.0, 2_000.0), 0.0, 1, None;
    // Above the strongest gust that was measured (113 m/s).
    Wind: "wind", "Wind", "m/s", (0.0, 120.0), 0.0, 1, None;
}

struct Facts {
    word: &'static str,
    name: &'static str,
    unit: &'static str,
    range: (f64, f64),
    overshoot: f64,
    decimals: u8,
    table: &'static str,
    threshold: Option<f64>,
}

impl Quantity {
    /// The number of quantities.
    pub const COUNT: usize = Self::ALL.len();

    /// The quantities that a decision is made from: an inference request carries both.
    pub const CLIMATE: [Self; 2] = [Self::Temperature, Self::Humidity];

    /// The word for it in topics, configuration keys, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        self.facts().word
    }

    /// The name that people read.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The unit of its values.
    pub const fn unit(self) -> &'static str {
        self.facts().unit
    }

    /// The values a working sensor on this planet can report, both ends included.
    pub const fn range(self) -> (f64, f64) {
        self.facts().range
    }

    /// Returns `value`, or the end of the range that it exceeds by no more than a working sensor may err.
    pub const fn clamp(self, value: f64) -> f64 {
        let (low, high) = self.range();
        let overshoot = self.facts().overshoot;
        if value >= low - overshoot && value <= high + overshoot {
            value.clamp(low, high)
        } else {
            value
        }
    }

    /// Returns `value` where it is finite and within [`Quantity::range`]: `NotFinite` or `OutOfRange` otherwise.
    pub fn check(self, value: f64) -> Result<f64, Refusal> {
        if !value.is_finite() {
            let detail = format!("{self} is not a finite number");
            return Err(Refusal::new(RefusalReason::NotFinite, detail));
        }
        let (low, high) = self.range();
        if !(low..=high).contains(&value) {
            let mut detail = format!("{self} {value} is outside {low} to {high}");
            if let Some(cause) = fault::cause(self, value) {
                detail.push_str(": ");
                detail.push_str(cause);
            }
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        Ok(value)
    }

    /// How many decimals are worth showing.
    pub const fn decimals(self) -> u8 {
        self.facts().decimals
    }

    /// The table of its readings; the column of the value is `value` in each.
    pub const fn table(self) -> &'static str {
        self.facts().table
    }

    /// The default change, in its unit, that makes a decision due; `None` where no decision depends on it.
    pub const fn default_threshold(self) -> Option<f64> {
        self.facts().threshold
    }

    /// Its place in [`Quantity::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The quantity of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantity| quantity.as_str() == word)
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_in_topics_tables_and_metrics() {
        for quantity in Quantity::ALL {
            let word = quantity.as_str();
            assert!(
                word.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{word}"
            );
            assert_eq!(Quantity::from_word(word), Some(quantity));
            assert_eq!(quantity.table(), format!("sensor_{word}"));
            let (low, high) = quantity.range();
            assert!(low.is_finite() && high.is_finite() && low < high, "{word}");
        }
    }

    #[test]
    fn every_index_is_its_place() {
        for (index, quantity) in Quantity::ALL.into_iter().enumerate() {
            assert_eq!(quantity.index(), index);
        }
    }

    #[test]
    fn a_quantity_is_its_word_in_json() {
        assert_eq!(
            serde_json::to_string(&Quantity::Temperature).unwrap(),
            r#""temperature""#
        );
    }
}

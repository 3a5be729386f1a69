//! Between which values of a sensor all rules say the same: a value on the other side of a mark may open or shut a window.
//!
//! In: rules. Out: whether two values lie on different sides of a mark. A reading that crosses none may be lost with what is
//! in memory, since the one before it says the same.

use domain::{Quantity, SensorRule};
use registry::Revision;

/// The marks of all quantities.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Of which registry; `None` before the first look at the rules.
    made_for: Option<Revision>,
    /// Limits and clearing values in ascending order.
    of: [Vec<f64>; Quantity::COUNT],
}

impl Marks {
    /// Those of `rules`.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a SensorRule>, revision: Revision) -> Self {
        let mut of: [Vec<f64>; Quantity::COUNT] = Default::default();
        for rule in rules {
            if let Some(quantity) = rule.cause.quantity() {
                of[quantity.index()].extend([rule.limit, rule.clear_at]);
            }
        }
        for marks in &mut of {
            marks.sort_by(f64::total_cmp);
            marks.dedup();
        }
        Self {
            made_for: Some(revision),
            of,
        }
    }

    /// Whether a rule of the registry's `revision` may tell `value` from the one before it.
    pub(super) fn parts(
        &self,
        quantity: Quantity,
        before: Option<f64>,
        value: f64,
        revision: Revision,
    ) -> bool {
        if self.made_for != Some(revision) {
            return true;
        }
        let marks = &self.of[quantity.index()];
        !marks.is_empty() && before.is_none_or(|before| place(marks, before) != place(marks, value))
    }
}

/// Where a value lies among marks. One that equals a mark lies on neither side of it.
fn place(marks: &[f64], value: f64) -> (usize, usize) {
    let below = marks.partition_point(|mark| *mark < value);
    let up_to = marks.partition_point(|mark| *mark <= value);
    (below, up_to)
}

#[cfg(test)]
mod tests {
    use domain::Cause;

    use super::*;

    fn marks() -> Marks {
        let settings: domain::InterlockSettings =
            serde_json::from_str(r#"{"wind": {"limit": 12, "clear_at": 8}, "frost": {"limit": 0}}"#).unwrap();
        let rules: Vec<SensorRule> = [Cause::Rain, Cause::Wind, Cause::Frost]
            .into_iter()
            .filter_map(|cause| settings.rule(cause))
            .collect();
        assert_eq!(rules.len(), 3);
        Marks::of(rules.iter(), 7)
    }

    #[test]
    fn values_on_both_sides_of_a_mark_are_told_apart() {
        let marks = marks();
        let parts = |quantity, before, value| marks.parts(quantity, before, value, 7);
        assert!(parts(Quantity::Rain, None, 0.0), "nothing was said before");
        assert!(!parts(Quantity::Rain, Some(0.0), 0.0));
        assert!(parts(Quantity::Rain, Some(0.0), 0.1));
        assert!(!parts(Quantity::Rain, Some(0.1), 30.0));
        assert!(parts(Quantity::Rain, Some(30.0), 0.0));
        assert!(!parts(Quantity::Wind, Some(9.0), 11.9));
        assert!(
            parts(Quantity::Wind, Some(12.0), 12.1),
            "at the limit it is not there"
        );
        assert!(parts(Quantity::Wind, Some(8.1), 8.0), "at the mark it is gone");
        assert!(parts(Quantity::Temperature, Some(0.0), -0.1));
        assert!(
            !parts(Quantity::Humidity, None, 50.0),
            "no rule of weather heeds it"
        );
    }

    #[test]
    fn settings_that_were_not_looked_at_may_tell_any_values_apart() {
        assert!(marks().parts(Quantity::Wind, Some(9.0), 9.0, 8));
        assert!(Marks::default().parts(Quantity::Rain, Some(0.0), 0.0, 7));
    }
}

//! What the schema has for each quantity beside its table: the view that rolls it up, an index, codecs, the view
//! `sensor_{word}_over`, and its part of `readings_over`.
//!
//! In: the table of quantities. Out: statements that are run at every start: they change nothing where nothing is new. A
//! new quantity is rolled up without a migration of its own.

use domain::Quantity;

const OF_A_QUANTITY: &str = include_str!("../schema/of_a_quantity.sql");
const READINGS_OVER: &str = include_str!("../schema/readings_over.sql");

/// Returns the statements.
pub(crate) fn definitions() -> Vec<String> {
    let of_each = Quantity::ALL.iter().map(|quantity| {
        OF_A_QUANTITY
            .replace("{quantity}", quantity.as_str())
            .replace("{table}", quantity.table())
    });
    let readings = Quantity::ALL.iter().map(|quantity| {
        format!(
            "UNION ALL SELECT '{quantity}', device_id, timestamp, 1, value, value, value, (timestamp, value) \
             FROM {} WHERE {{step:UInt32}} < 60",
            quantity.table()
        )
    });
    let over = std::iter::once(READINGS_OVER.to_owned()).chain(readings);
    of_each.chain([over.collect::<Vec<_>>().join("\n")]).collect()
}

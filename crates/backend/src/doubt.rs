//! Readings that are possible but typical of a faulty sensor: kept apart, shown, listed, and deciding nothing.
//!
//! In: decoded events. Out: the same, where a reading is suspect as a suspect one, with its row in the list of errors.
//! What is suspect is a table in `domain`; the context is the newest reading that was not.

use store::Row;

use crate::{Ingest, decoder::Event, message::Message, rows};

impl Ingest {
    /// Doubts a reading where it is typical of a fault.
    pub(crate) fn doubt(&self, event: Event, message: &Message) -> (Event, Option<Row>) {
        let Event::Reading(reading) = event else {
            return (event, None);
        };
        let quantity = reading.quantity();
        if reading.is_clamped() {
            self.metrics.clamped(quantity);
        }
        let previous = || self.devices.latest(reading.device_id(), quantity);
        let Some(cause) = reading.suspicion(previous) else {
            return (Event::Reading(reading), None);
        };
        self.metrics.suspect(quantity);
        let listed = self.refusals.lock().spend(&message.topic);
        let row = listed.then(|| {
            let before = previous().map(|value| format!(" after {value}"));
            let detail = format!(
                "{quantity} {}{}: {cause}; kept in suspect_readings, decides nothing",
                reading.value(),
                before.unwrap_or_default()
            );
            rows::suspicion(message, &detail)
        });
        (Event::Suspect(reading, cause), row)
    }
}

//! A batch: the rows of one plan, grouped by table.

use std::collections::BTreeMap;

use domain::Quantity;

use crate::{
    AudioRow, AuditRow, CommandStateRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow,
    ReadingRow, Row, SuspectReadingRow, SystemMetricsRow, Table, TelemetryRow, WindowActionRow,
    WindowStateRow,
};

/// Rows to insert together, in order within each table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    readings: BTreeMap<Quantity, Vec<ReadingRow>>,
    pub(crate) suspect_readings: Vec<SuspectReadingRow>,
    pub(crate) audio: Vec<AudioRow>,
    pub(crate) window_actions: Vec<WindowActionRow>,
    pub(crate) ml_predictions: Vec<MlPredictionRow>,
    pub(crate) devices: Vec<DeviceRow>,
    pub(crate) window_states: Vec<WindowStateRow>,
    pub(crate) command_states: Vec<CommandStateRow>,
    pub(crate) device_events: Vec<DeviceEventRow>,
    pub(crate) telemetry: Vec<TelemetryRow>,
    pub(crate) ingest_errors: Vec<IngestErrorRow>,
    pub(crate) system_metrics: Vec<SystemMetricsRow>,
    pub(crate) audit_log: Vec<AuditRow>,
}

impl Batch {
    /// Appends a row to those of its table.
    pub fn push(&mut self, row: Row) {
        match row {
            Row::Reading(quantity, row) => self
                .readings
                .entry(quantity)
                .or_default()
                .push(received_to_the_second(row)),
            Row::Suspect(row) => self.suspect_readings.push(row),
            Row::Audio(row) => self.audio.push(row),
            Row::WindowAction(row) => self.window_actions.push(with_origin(row)),
            Row::MlPrediction(row) => self.ml_predictions.push(row),
            Row::Device(row) => self.devices.push(row),
            Row::WindowState(row) => self.window_states.push(row),
            Row::CommandState(row) => self.command_states.push(row),
            Row::DeviceEvent(row) => self.device_events.push(row),
            Row::Telemetry(row) => self.telemetry.push(row),
            Row::IngestError(row) => self.ingest_errors.push(row),
            Row::SystemMetrics(row) => self.system_metrics.push(row),
            Row::Audit(row) => self.audit_log.push(row),
        }
    }

    /// Appends readings of `quantity`.
    pub fn extend_readings(&mut self, quantity: Quantity, rows: impl IntoIterator<Item = ReadingRow>) {
        let rows = rows.into_iter().map(received_to_the_second);
        self.readings.entry(quantity).or_default().extend(rows);
    }

    /// Returns the readings of `quantity`.
    pub(crate) fn readings(&self, quantity: Quantity) -> &[ReadingRow] {
        self.readings.get(&quantity).map_or(&[], Vec::as_slice)
    }

    /// Returns every row, in the order of insertion.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let readings = self.readings.iter().flat_map(|(quantity, rows)| {
            let row = |row: &ReadingRow| Row::Reading(*quantity, row.clone());
            rows.iter().map(row)
        });
        readings
            .chain(self.suspect_readings.iter().cloned().map(Row::Suspect))
            .chain(self.audio.iter().cloned().map(Row::Audio))
            .chain(self.window_actions.iter().cloned().map(Row::WindowAction))
            .chain(self.ml_predictions.iter().cloned().map(Row::MlPrediction))
            .chain(self.devices.iter().cloned().map(Row::Device))
            .chain(self.window_states.iter().cloned().map(Row::WindowState))
            .chain(self.command_states.iter().cloned().map(Row::CommandState))
            .chain(self.device_events.iter().cloned().map(Row::DeviceEvent))
            .chain(self.telemetry.iter().cloned().map(Row::Telemetry))
            .chain(self.ingest_errors.iter().cloned().map(Row::IngestError))
            .chain(self.system_metrics.iter().cloned().map(Row::SystemMetrics))
            .chain(self.audit_log.iter().cloned().map(Row::Audit))
    }

    /// Returns the number of rows for `table`.
    pub fn rows_of(&self, table: Table) -> usize {
        match table {
            Table::Sensor(quantity) => self.readings(quantity).len(),
            Table::SuspectReadings => self.suspect_readings.len(),
            Table::SensorAudio => self.audio.len(),
            Table::WindowActions => self.window_actions.len(),
            Table::MlPredictions => self.ml_predictions.len(),
            Table::DeviceRegistry => self.devices.len(),
            Table::WindowStates => self.window_states.len(),
            Table::WindowCommandStates => self.command_states.len(),
            Table::DeviceEvents => self.device_events.len(),
            Table::DeviceTelemetry => self.telemetry.len(),
            Table::IngestErrors => self.ingest_errors.len(),
            Table::SystemMetrics => self.system_metrics.len(),
            Table::AuditLog => self.audit_log.len(),
        }
    }

    /// Returns the tables that have rows, in the order of insertion.
    pub fn tables(&self) -> impl Iterator<Item = Table> + '_ {
        Table::ALL.into_iter().filter(|&table| self.rows_of(table) > 0)
    }

    /// Returns the earliest time of receipt among readings, clips, commands and states, ms.
    pub fn oldest_receipt(&self) -> Option<i64> {
        let readings = self.readings.values().flatten().map(|row| row.received_at);
        let others = (self.audio.iter().map(|row| row.received_at))
            .chain(self.window_actions.iter().map(|row| row.received_at))
            .chain(self.window_states.iter().map(|row| row.received_at));
        readings.chain(others).min()
    }

    /// Returns the readings' own times, ms.
    pub fn reading_times(&self) -> impl Iterator<Item = i64> + '_ {
        self.readings.values().flatten().map(|row| row.timestamp)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        Table::ALL.into_iter().map(|table| self.rows_of(table)).sum()
    }

    /// Returns whether there is nothing to insert.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rounds the time of receipt to the second: its milliseconds would take as many bytes as all other columns together.
fn received_to_the_second(mut row: ReadingRow) -> ReadingRow {
    row.received_at -= row.received_at.rem_euclid(1000);
    row
}

/// Rows in journals from before the column `origin` name at most a model.
fn with_origin(mut row: WindowActionRow) -> WindowActionRow {
    if row.origin.is_empty() && !row.model_version.is_empty() {
        "model".clone_into(&mut row.origin);
    }
    row
}

impl FromIterator<Row> for Batch {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut batch = Self::default();
        rows.into_iter().for_each(|row| batch.push(row));
        batch
    }
}

//! Tables in memory, with tokens as ClickHouse has them: the same table and token again changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use backend::{History, Tables};
use domain::{Quantity, Timestamp};
use parking_lot::Mutex;
use store::{
    Batch, DeviceRow, InsertError, LatestAck, LatestAction, LatestDecision, LatestHeldRow, LatestReading,
    LatestState, Period, Progress, Row, StoreError, Table, Tell, Usage,
};

#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
    tokens: HashSet<(Table, String)>,
    /// Every token that was offered, in order.
    offered: Vec<String>,
    away: bool,
    /// The answer to the next insert is lost after its rows are stored.
    lose_answer: bool,
    refused_value: Option<f64>,
    refuse_errors: bool,
    /// How far a change of the schema has come, while there is one.
    upgrade: Option<Progress>,
}

#[derive(Debug, Default)]
pub struct MemoryTables {
    state: Mutex<State>,
}

fn away(table: Table) -> InsertError {
    InsertError::Unavailable {
        table,
        code: None,
        source: clickhouse::error::Error::Custom("connection refused".into()),
    }
}

impl MemoryTables {
    pub fn set_away(&self, away: bool) {
        self.state.lock().away = away;
    }

    /// A change of the schema is under way, or none is any more.
    pub fn set_upgrade(&self, upgrade: Option<Progress>) {
        self.state.lock().upgrade = upgrade;
    }

    pub fn lose_next_answer(&self) {
        self.state.lock().lose_answer = true;
    }

    /// Refuses readings of this value.
    pub fn refuse(&self, value: f64) {
        self.state.lock().refused_value = Some(value);
    }

    /// Refuses rows of `ingest_errors`, too.
    pub fn refuse_errors(&self) {
        self.state.lock().refuse_errors = true;
    }

    pub fn offered(&self) -> Vec<String> {
        self.state.lock().offered.clone()
    }

    pub fn rows(&self) -> Vec<Row> {
        self.state.lock().rows.clone()
    }

    pub fn count(&self, table: Table) -> usize {
        self.rows().iter().filter(|row| row.table() == table).count()
    }

    /// The values of a quantity's table, in the order of insertion.
    pub fn values(&self, wanted: Quantity) -> Vec<f64> {
        let value = |row: &Row| match row {
            Row::Reading(quantity, row) if *quantity == wanted => Some(row.value),
            _ => None,
        };
        self.rows().iter().filter_map(value).collect()
    }

    /// Reason and detail of every refused message or row.
    pub fn errors(&self) -> Vec<(String, String)> {
        let error = |row: &Row| match row {
            Row::IngestError(row) => Some((row.reason.clone(), row.detail.clone())),
            _ => None,
        };
        self.rows().iter().filter_map(error).collect()
    }

    pub fn put(&self, row: Row) {
        self.state.lock().rows.push(row);
    }
}

impl State {
    fn refuses(&self, row: &Row) -> bool {
        match row {
            Row::Reading(_, row) => Some(row.value) == self.refused_value,
            Row::IngestError(_) => self.refuse_errors,
            _ => false,
        }
    }
}

#[async_trait]
impl Tables for MemoryTables {
    async fn prepare(&self, tell: Tell<'_>) -> Result<u32, StoreError> {
        loop {
            let state = { self.state.lock().upgrade.clone() };
            let Some(progress) = state else { break };
            tell(&progress);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        if self.state.lock().away {
            return Err(StoreError::Timeout);
        }
        Ok(1)
    }

    async fn insert(&self, batch: &Batch, token: &str, done: &[Table]) -> Result<(), InsertError> {
        let mut state = self.state.lock();
        state.offered.push(token.to_owned());
        let mut stored = done.to_vec();
        let mut refused = None;
        let wanted: Vec<Table> = batch.tables().filter(|table| !done.contains(table)).collect();
        for table in wanted {
            if state.away {
                return Err(away(table));
            }
            let rows: Vec<Row> = batch.rows().filter(|row| row.table() == table).collect();
            if rows.iter().any(|row| state.refuses(row)) {
                refused.get_or_insert(table);
                continue;
            }
            if state.tokens.insert((table, token.to_owned())) {
                state.rows.extend(rows);
            }
            stored.push(table);
            if std::mem::take(&mut state.lose_answer) {
                return Err(away(table));
            }
        }
        match refused {
            None => Ok(()),
            Some(table) => Err(InsertError::Refused {
                table,
                message: "constraint 'sane' is violated".into(),
                code: 469,
                stored,
            }),
        }
    }

    async fn forget(&self, device_id: &str) -> Result<(), StoreError> {
        self.answers()?;
        let is_other = |row: &Row| !matches!(row, Row::Device(row) if row.device_id == device_id);
        self.state.lock().rows.retain(is_other);
        Ok(())
    }

    async fn judge_decisions(&self, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}

impl MemoryTables {
    fn answers(&self) -> Result<(), StoreError> {
        if self.state.lock().away {
            return Err(StoreError::Timeout);
        }
        Ok(())
    }

    /// The newest registry row of each device, as after merging, the last seen first.
    fn registry(&self) -> Result<Vec<DeviceRow>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, DeviceRow> = BTreeMap::new();
        for row in self.rows() {
            let Row::Device(row) = row else { continue };
            let known = newest.get(&row.device_id);
            if known.is_none_or(|known| known.last_seen <= row.last_seen) {
                newest.insert(row.device_id.clone(), row);
            }
        }
        let mut rows: Vec<DeviceRow> = newest.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.last_seen));
        Ok(rows)
    }
}

#[async_trait]
impl History for MemoryTables {
    async fn devices(&self, limit: usize) -> Result<Vec<DeviceRow>, StoreError> {
        Ok(self.registry()?.into_iter().take(limit).collect())
    }

    async fn devices_of(&self, device_ids: &[String]) -> Result<Vec<DeviceRow>, StoreError> {
        let wanted = |row: &DeviceRow| device_ids.contains(&row.device_id);
        Ok(self.registry()?.into_iter().filter(wanted).collect())
    }

    async fn latest_readings(&self, period: Period, limit: usize) -> Result<Vec<LatestReading>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<(String, Quantity), LatestReading> = BTreeMap::new();
        for row in self.rows() {
            let Row::Reading(quantity, row) = row else {
                continue;
            };
            let key = (row.device_id.clone(), quantity);
            let known = newest
                .get(&key)
                .is_some_and(|known| known.timestamp > row.timestamp);
            if !(period.since..=period.until).contains(&row.timestamp) || known {
                continue;
            }
            let latest = LatestReading {
                device_id: row.device_id,
                quantity: quantity.as_str().to_owned(),
                timestamp: row.timestamp,
                value: row.value,
            };
            newest.insert(key, latest);
        }
        let devices: BTreeSet<String> = newest
            .keys()
            .map(|(device, _)| device.clone())
            .take(limit)
            .collect();
        let readings = newest
            .into_iter()
            .filter(|((device, _), _)| devices.contains(device));
        Ok(readings.map(|(_, reading)| reading).collect())
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.answers()?;
        Ok(Usage::default())
    }

    async fn latest_states(&self, period: Period, limit: usize) -> Result<Vec<LatestState>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, LatestState> = BTreeMap::new();
        for row in self.rows() {
            let Row::WindowState(row) = row else { continue };
            let known = newest
                .get(&row.device_id)
                .is_some_and(|known| known.timestamp > row.timestamp);
            if !(period.since..=period.until).contains(&row.timestamp) || known {
                continue;
            }
            let latest = LatestState {
                device_id: row.device_id.clone(),
                timestamp: row.timestamp,
                position: row.position,
            };
            newest.insert(row.device_id, latest);
        }
        Ok(newest.into_values().take(limit).collect())
    }

    async fn latest_acks(&self, period: Period, limit: usize) -> Result<Vec<LatestAck>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, LatestAck> = BTreeMap::new();
        for row in self.rows() {
            let Row::DeviceEvent(row) = row else { continue };
            if row.event.starts_with("config_") && (period.since..=period.until).contains(&row.timestamp) {
                let latest = LatestAck {
                    device_id: row.device_id.clone(),
                    timestamp: row.timestamp,
                    event: row.event,
                    detail: row.detail,
                };
                newest.insert(row.device_id, latest);
            }
        }
        Ok(newest.into_values().take(limit).collect())
    }

    async fn latest_held(&self, period: Period, limit: usize) -> Result<Vec<LatestHeldRow>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, LatestHeldRow> = BTreeMap::new();
        for row in self.rows() {
            let Row::MlPrediction(row) = row else { continue };
            let is_known = newest
                .get(&row.device_id)
                .is_some_and(|known| known.timestamp > row.timestamp);
            if !row.held || is_known || !(period.since..=period.until).contains(&row.timestamp) {
                continue;
            }
            let latest = LatestHeldRow {
                device_id: row.device_id.clone(),
                timestamp: row.timestamp,
                position: row.prediction,
                confidence: row.confidence,
                model_version: row.model_version,
                reason: row.reason,
                contributions: (
                    row.average,
                    row.contribution_temperature,
                    row.contribution_humidity,
                    row.contribution_sound,
                ),
                verdict: row.verdict,
            };
            newest.insert(row.device_id, latest);
        }
        Ok(newest.into_values().take(limit).collect())
    }

    async fn latest_decisions(
        &self,
        period: Period,
        limit: usize,
    ) -> Result<Vec<LatestDecision>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, LatestDecision> = BTreeMap::new();
        for row in self.rows() {
            let (device_id, timestamp, climate) = match row {
                Row::WindowAction(row) if matches!(row.origin.as_str(), "" | "model") => {
                    (row.device_id, row.timestamp, (row.temperature, row.humidity))
                }
                Row::MlPrediction(row) if row.held => {
                    (row.device_id, row.timestamp, (row.temperature, row.humidity))
                }
                _ => continue,
            };
            let is_known = newest
                .get(&device_id)
                .is_some_and(|known| known.timestamp > timestamp);
            if !is_known && (period.since..=period.until).contains(&timestamp) {
                let latest = LatestDecision {
                    device_id: device_id.clone(),
                    timestamp,
                    climate,
                };
                newest.insert(device_id, latest);
            }
        }
        Ok(newest.into_values().take(limit).collect())
    }

    async fn has_row(&self, row: &Row) -> Result<bool, StoreError> {
        self.answers()?;
        let same = |stored: &Row| match (stored, row) {
            (Row::Reading(a, stored), Row::Reading(b, row)) => {
                (a, &stored.device_id, stored.timestamp, stored.value)
                    == (b, &row.device_id, row.timestamp, row.value)
            }
            (Row::WindowState(stored), Row::WindowState(row)) => {
                (&stored.device_id, stored.timestamp, stored.position)
                    == (&row.device_id, row.timestamp, row.position)
            }
            _ => false,
        };
        Ok(self.rows().iter().any(same))
    }

    async fn latest_actions(&self, period: Period, limit: usize) -> Result<Vec<LatestAction>, StoreError> {
        self.answers()?;
        let mut newest: BTreeMap<String, LatestAction> = BTreeMap::new();
        for row in self.rows() {
            let Row::WindowAction(row) = row else { continue };
            let known = newest
                .get(&row.device_id)
                .is_some_and(|known| known.timestamp > row.timestamp);
            if !(period.since..=period.until).contains(&row.timestamp) || known {
                continue;
            }
            let latest = LatestAction {
                device_id: row.device_id.clone(),
                timestamp: row.timestamp,
                command_id: row.command_id,
                position: row.position,
                confidence: row.confidence,
                model_version: row.model_version,
                reason: row.reason,
                origin: row.origin,
                contributions: (
                    row.average,
                    row.contribution_temperature,
                    row.contribution_humidity,
                    row.contribution_sound,
                ),
                verdict: row.verdict,
            };
            newest.insert(row.device_id, latest);
        }
        Ok(newest.into_values().take(limit).collect())
    }
}

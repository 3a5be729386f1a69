//! The rows that tests insert.

use domain::Quantity;
use store::{
    AudioRow, AuditRow, CommandStateRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow,
    ReadingRow, Row, SuspectReadingRow, SystemMetricsRow, TelemetryRow, WindowActionRow, WindowStateRow,
};

/// 2025-10-24T12:00:00Z, in ms.
pub(crate) const NOON: i64 = 1_761_307_200_000;

pub(crate) fn reading(second: i64, device_id: &str, value: f64) -> ReadingRow {
    let timestamp = NOON + second * 1000;
    ReadingRow {
        timestamp,
        device_id: device_id.to_owned(),
        value,
        received_at: timestamp + 123,
        offset: 0.0,
    }
}

pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a sane clock");
    since.as_millis() as i64
}

/// One row for every table, with values that are easily lost on the way.
pub(crate) fn one_of_each() -> Vec<Row> {
    let device_id = || "sensor-001".to_owned();
    let (timestamp, received_at) = (NOON + 1, NOON + 124);
    let values = [-0.1 + 0.3, 1e-300, 1e300].into_iter().cycle();
    let readings = Quantity::ALL.into_iter().zip(values).map(|(quantity, value)| {
        let row = ReadingRow {
            timestamp,
            device_id: device_id(),
            value,
            received_at,
            offset: -0.1,
        };
        Row::Reading(quantity, row)
    });
    let others = [
        Row::Suspect(SuspectReadingRow {
            timestamp,
            device_id: device_id(),
            quantity: "temperature".into(),
            value: 85.0,
            reason: "85 °C is what a DS18B20 holds after power-on".into(),
            received_at,
            offset: -0.5,
        }),
        Row::Audio(AudioRow {
            timestamp,
            device_id: device_id(),
            sample_rate: 16_000,
            duration: 2.0,
            format: "wav".into(),
            audio_hash: "ab".repeat(32),
            features: r#"{"rms_mean":0.5,"Ünïcode":"\"'\\?"}"#.into(),
            raw_path: "a/b.wav".into(),
            received_at,
            spectral_bandwidth: 1_234.5,
            spectral_flatness: 0.125,
            mel_db: vec![-53.25, -99.5, 12.5],
        }),
        Row::WindowAction(WindowActionRow {
            timestamp,
            device_id: device_id(),
            position: 75.5,
            confidence: 0.92,
            temperature: 25.5,
            humidity: 60.0,
            audio_hash: "ab".repeat(32),
            command_id: "c-1".into(),
            model_version: "v1.0.0".into(),
            reason: "temperature".into(),
            received_at,
            origin: "model".into(),
            average: 31.25,
            contribution_temperature: 38.5,
            contribution_humidity: -0.25,
            contribution_sound: 6.0,
            verdict: "limited".into(),
            cause: "rain".into(),
            model_confidence: 0.97,
            largest_z: 5.25,
        }),
        prediction(device_id(), timestamp, received_at),
        Row::Device(DeviceRow {
            device_id: device_id(),
            name: "Küche".into(),
            location: "ground floor".into(),
            registered_at: NOON,
            last_seen: timestamp,
            is_active: true,
            config: r#"{"interval_s":10}"#.into(),
            revision: u64::MAX,
        }),
        Row::WindowState(WindowStateRow {
            timestamp,
            device_id: device_id(),
            position: 74.9,
            received_at,
        }),
        Row::DeviceEvent(DeviceEventRow {
            timestamp,
            device_id: device_id(),
            event: "online".into(),
            detail: "birth".into(),
            received_at,
        }),
        command_state(device_id(), timestamp),
        telemetry(device_id(), timestamp),
        Row::IngestError(IngestErrorRow {
            // Old ones expire.
            received_at: now(),
            topic: "sensor/../x/temperature".into(),
            reason: "topic".into(),
            detail: "not a device id".into(),
            first_bytes: IngestErrorRow::excerpt(b"\xff\x00{"),
        }),
        system_metrics(),
        audit_event(),
    ];
    readings.chain(others).collect()
}

fn prediction(device_id: String, timestamp: i64, received_at: i64) -> Row {
    Row::MlPrediction(MlPredictionRow {
        timestamp,
        device_id,
        prediction: 75.5,
        confidence: 0.92,
        inference_time_ms: 0.25,
        model_version: "v1.0.0".into(),
        command_id: "c-1".into(),
        received_at,
        held: true,
        average: 31.25,
        contribution_temperature: 38.5,
        contribution_humidity: -0.25,
        contribution_sound: 6.0,
        verdict: "override".into(),
        reason: "wished for 75.5 %: warm (25.5 °C, +38)".into(),
        temperature: 25.5,
        humidity: 60.0,
        model_confidence: 0.97,
        largest_z: 5.25,
    })
}

fn command_state(device_id: String, timestamp: i64) -> Row {
    Row::CommandState(CommandStateRow {
        timestamp,
        device_id,
        command_id: "0199f4a2-7c1e-7b52-9c3e-2f1f5a7d8e90".into(),
        state: "failed".into(),
        detail: "the window stands at 50 %".into(),
        received_at: timestamp + 5,
    })
}

fn telemetry(device_id: String, timestamp: i64) -> Row {
    Row::Telemetry(TelemetryRow {
        timestamp,
        device_id,
        battery_v: 3.875,
        battery_percent: 81.0,
        rssi_dbm: -67.0,
        free_heap_bytes: 180_000.0,
        uptime_s: 3_600.5,
        firmware: "1.4.2".into(),
        received_at: timestamp + 123,
    })
}

fn audit_event() -> Row {
    Row::Audit(AuditRow {
        timestamp: now(),
        kind: "sign_in".into(),
        account: "ada".into(),
        actor: "cli:ada".into(),
        address: "192.0.2.1".into(),
        detail: "by a token".into(),
        number: u64::MAX,
    })
}

fn system_metrics() -> Row {
    Row::SystemMetrics(SystemMetricsRow {
        // Old ones expire.
        timestamp: now(),
        instance: "school".into(),
        interval_s: 10.0,
        uptime_s: 7,
        messages: vec![("temperature".into(), 3), ("audio".into(), 1)],
        refused: vec![],
        duplicates: 1,
        rows_stored: 2,
        store_failures: 3,
        requests: 4,
        requests_dropped: 5,
        commands: 6,
        reconnects: 7,
        journal_records: 8,
        journal_bytes: 9,
        journal_max_bytes: 1 << 40,
        journal_age_ms: 18,
        row_delay_ms: 10.5,
        reading_to_row_ms: 19.5,
        decision_ms: 11.5,
        inference_ms: 12.5,
        devices_active: 13,
        devices_known: 14,
        database_memory_bytes: 15,
        database_disk_bytes: 16,
        disk_free_bytes: 17,
        database_uptime_s: 20,
    })
}

pub(crate) fn command(
    timestamp: i64,
    device_id: &str,
    position: f64,
    version: &str,
    command_id: &str,
) -> Row {
    Row::WindowAction(WindowActionRow {
        timestamp,
        device_id: device_id.into(),
        position,
        confidence: 0.9,
        temperature: 20.0,
        humidity: 50.0,
        audio_hash: String::new(),
        command_id: command_id.into(),
        model_version: version.into(),
        reason: String::new(),
        received_at: timestamp,
        origin: String::new(),
        ..WindowActionRow::default()
    })
}

pub(crate) fn state(second: i64, device_id: &str, position: f64) -> Row {
    let timestamp = NOON + second * 1000;
    Row::WindowState(WindowStateRow {
        timestamp,
        device_id: device_id.into(),
        position,
        received_at: timestamp,
    })
}

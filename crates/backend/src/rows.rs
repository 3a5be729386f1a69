//! From events to rows: which table each event belongs to, and what fills a column that its sender left out.
//!
//! In: domain values and the time of receipt. Out: `store`'s rows. Pure.

use domain::{
    Contributions, FeatureName, Guard, HeldDecision, Origin, Reading, Refusal, ShadowPrediction, Telemetry,
    Timestamp, WindowAction, WindowState,
};
use store::{
    AudioRow, AuditRow, CommandStateRow, DeviceEventRow, IngestErrorRow, MlPredictionRow, ReadingRow, Row,
    SuspectReadingRow, TelemetryRow, WindowActionRow, WindowStateRow,
};

use crate::{
    CommandState,
    clips::AnalysedClip,
    message::{AuditEvent, DoorEvent, Message},
    trigger::LastRequest,
};

pub(crate) fn reading(reading: &Reading, received_at: Timestamp) -> Row {
    let row = ReadingRow {
        timestamp: reading.timestamp().as_millis(),
        device_id: reading.device_id().to_string(),
        value: reading.value(),
        received_at: received_at.as_millis(),
        offset: reading.offset(),
    };
    Row::Reading(reading.quantity(), row)
}

/// A reading that is kept apart from the others.
pub(crate) fn suspect(reading: &Reading, cause: &str, received_at: Timestamp) -> Row {
    Row::Suspect(SuspectReadingRow {
        timestamp: reading.timestamp().as_millis(),
        device_id: reading.device_id().to_string(),
        quantity: reading.quantity().to_string(),
        value: reading.value(),
        reason: cause.to_owned(),
        received_at: received_at.as_millis(),
        offset: reading.offset(),
    })
}

/// The same among the errors, where a person looks for what is missing.
pub(crate) fn suspicion(message: &Message, detail: &str) -> Row {
    let fault = Fault {
        reason: "suspect",
        detail,
    };
    error_row(&message.topic, fault, &message.payload, message.received_at)
}

/// `raw_path`: where the recording is kept; empty where it is not.
pub(crate) fn clip(clip: &AnalysedClip, raw_path: String, received_at: Timestamp) -> Row {
    let spectrum = clip.spectrum.as_ref();
    let mean = |name| {
        clip.features
            .summaries
            .get(&name)
            .map_or(f32::NAN, |summary| summary.mean[0] as f32)
    };
    Row::Audio(AudioRow {
        timestamp: clip.timestamp.as_millis(),
        device_id: clip.device_id.to_string(),
        sample_rate: clip.sample_rate,
        duration: clip.duration_s,
        format: clip.format.as_str().to_owned(),
        audio_hash: clip.hash.to_string(),
        features: serde_json::to_string(&clip.features).expect("features are plain data"),
        raw_path,
        received_at: received_at.as_millis(),
        spectral_bandwidth: spectrum
            .map_or_else(|| mean(FeatureName::SpectralBandwidth), |s| s.bandwidth_hertz),
        spectral_flatness: spectrum.map_or_else(|| mean(FeatureName::SpectralFlatness), |s| s.flatness),
        mel_db: spectrum.map_or_else(Vec::new, |s| s.mel_db.clone()),
    })
}

/// A command of a model is two facts: what the window was told, and what the model said. What a person or a schedule
/// chose is no prediction, and neither is what we told a window, for whomever. `basis` fills what the sender left out.
pub(crate) fn action(
    action: &WindowAction,
    basis: Option<&LastRequest>,
    received_at: Timestamp,
    is_ours: bool,
) -> Vec<Row> {
    let audio_hash = action.audio_hash.as_ref().or_else(|| basis?.audio_hash.as_ref());
    let waited_ms = || basis.map(|request| request.sent.elapsed().as_secs_f64() * 1e3);
    let command_id = action.command_id.clone().unwrap_or_default();
    let parts = parts(action.contributions);
    let (model_confidence, largest_z) = guarded(action.guard);
    let verdict = action.verdict();
    let told = WindowActionRow {
        timestamp: action.timestamp.as_millis(),
        device_id: action.device_id.to_string(),
        position: action.position.percent(),
        confidence: action.confidence.probability(),
        temperature: action.temperature,
        humidity: action.humidity,
        audio_hash: audio_hash.map(ToString::to_string).unwrap_or_default(),
        command_id: command_id.clone(),
        model_version: action.origin.model_version().unwrap_or_default().to_owned(),
        reason: action.reason.clone().unwrap_or_default(),
        received_at: received_at.as_millis(),
        origin: action.origin.as_str().to_owned(),
        average: parts[0],
        contribution_temperature: parts[1],
        contribution_humidity: parts[2],
        contribution_sound: parts[3],
        verdict: verdict.to_owned(),
        cause: action.cause.clone().unwrap_or_default(),
        model_confidence,
        largest_z,
    };
    let model = match &action.origin {
        Origin::Model(version) => version,
        Origin::Unstated => Origin::UNNAMED_MODEL,
        Origin::Person | Origin::Schedule | Origin::Interlock => return vec![Row::WindowAction(told)],
    };
    if is_ours {
        return vec![Row::WindowAction(told)];
    }
    let predicted = MlPredictionRow {
        timestamp: action.timestamp.as_millis(),
        device_id: action.device_id.to_string(),
        prediction: action.wish.unwrap_or(action.position).percent(),
        confidence: action.confidence.probability(),
        inference_time_ms: action.inference_time_ms.or_else(waited_ms).unwrap_or(f64::NAN),
        model_version: model.to_owned(),
        command_id,
        received_at: received_at.as_millis(),
        held: false,
        average: parts[0],
        contribution_temperature: parts[1],
        contribution_humidity: parts[2],
        contribution_sound: parts[3],
        verdict: verdict.to_owned(),
        // The command has them.
        reason: String::new(),
        temperature: f64::NAN,
        humidity: f64::NAN,
        model_confidence,
        largest_z,
    };
    vec![Row::WindowAction(told), Row::MlPrediction(predicted)]
}

/// How far a command has come.
pub(crate) fn command_state(
    device_id: &domain::DeviceId,
    command_id: &str,
    (state, detail): (CommandState, &str),
    at: Timestamp,
) -> Row {
    Row::CommandState(CommandStateRow {
        timestamp: at.as_millis(),
        device_id: device_id.to_string(),
        command_id: command_id.to_owned(),
        state: state.as_str().to_owned(),
        detail: detail.to_owned(),
        received_at: at.as_millis(),
    })
}

/// What a candidate would have decided: a prediction like any other, and no action.
pub(crate) fn shadow(prediction: &ShadowPrediction, received_at: Timestamp) -> Row {
    let [average, temperature, humidity, sound] = parts(prediction.contributions);
    let (model_confidence, largest_z) = guarded(prediction.guard);
    Row::MlPrediction(MlPredictionRow {
        timestamp: prediction.timestamp.as_millis(),
        device_id: prediction.device_id.to_string(),
        prediction: prediction.position.percent(),
        confidence: prediction.confidence.probability(),
        inference_time_ms: prediction.inference_time_ms.unwrap_or(f64::NAN),
        model_version: prediction.model_version.clone(),
        command_id: prediction.command_id.clone().unwrap_or_default(),
        received_at: received_at.as_millis(),
        held: false,
        average,
        contribution_temperature: temperature,
        contribution_humidity: humidity,
        contribution_sound: sound,
        model_confidence,
        largest_z,
        ..MlPredictionRow::default()
    })
}

/// What the model decided and nobody was told.
pub(crate) fn held(decision: &HeldDecision, received_at: Timestamp) -> Row {
    let [average, temperature, humidity, sound] = parts(decision.contributions);
    let (model_confidence, largest_z) = guarded(decision.guard);
    Row::MlPrediction(MlPredictionRow {
        timestamp: decision.timestamp.as_millis(),
        device_id: decision.device_id.to_string(),
        prediction: decision.position.percent(),
        confidence: decision.confidence.probability(),
        inference_time_ms: decision.inference_time_ms.unwrap_or(f64::NAN),
        model_version: decision.model_version.clone(),
        command_id: String::new(),
        received_at: received_at.as_millis(),
        held: true,
        average,
        contribution_temperature: temperature,
        contribution_humidity: humidity,
        contribution_sound: sound,
        verdict: decision.verdict().chars().take(32).collect(),
        reason: decision.reason.clone().unwrap_or_default(),
        temperature: decision.temperature,
        humidity: decision.humidity,
        model_confidence,
        largest_z,
    })
}

/// Average, temperature, humidity, sound: as columns.
fn parts(contributions: Option<Contributions>) -> [f32; 4] {
    contributions.map_or([f32::NAN; 4], |c| {
        [c.average, c.temperature, c.humidity, c.sound].map(|points| points as f32)
    })
}

/// The model's own confidence, and the largest distance: as columns.
fn guarded(guard: Option<Guard>) -> (f64, f32) {
    guard.map_or((f64::NAN, f32::NAN), |guard| {
        (guard.model_confidence.probability(), guard.largest_z as f32)
    })
}

pub(crate) fn state(state: &WindowState, received_at: Timestamp) -> Row {
    Row::WindowState(WindowStateRow {
        timestamp: state.timestamp.as_millis(),
        device_id: state.device_id.to_string(),
        position: state.position.percent(),
        received_at: received_at.as_millis(),
    })
}

/// What a device says of itself.
pub(crate) fn telemetry(telemetry: &Telemetry, received_at: Timestamp) -> Row {
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    Row::Telemetry(TelemetryRow {
        timestamp: telemetry.timestamp.unwrap_or(received_at).as_millis(),
        device_id: telemetry.device_id.to_string(),
        battery_v: number(telemetry.battery_v) as f32,
        battery_percent: number(telemetry.battery_percent) as f32,
        rssi_dbm: number(telemetry.rssi_dbm) as f32,
        free_heap_bytes: number(telemetry.free_heap_bytes),
        uptime_s: number(telemetry.uptime_s),
        firmware: telemetry.firmware.clone().unwrap_or_default(),
        received_at: received_at.as_millis(),
    })
}

/// The same row at another time.
pub(crate) fn at(mut row: Row, timestamp: Timestamp) -> Row {
    let timestamp = timestamp.as_millis();
    match &mut row {
        Row::Reading(_, row) => row.timestamp = timestamp,
        Row::Suspect(row) => row.timestamp = timestamp,
        Row::Audio(row) => row.timestamp = timestamp,
        Row::WindowAction(row) => row.timestamp = timestamp,
        Row::MlPrediction(row) => row.timestamp = timestamp,
        Row::WindowState(row) => row.timestamp = timestamp,
        Row::Telemetry(row) => row.timestamp = timestamp,
        Row::Device(_)
        | Row::DeviceEvent(_)
        | Row::IngestError(_)
        | Row::SystemMetrics(_)
        | Row::CommandState(_)
        | Row::Audit(_) => {}
    }
    row
}

pub(crate) fn device_event(device_id: &domain::DeviceId, event: &str, at: Timestamp) -> Row {
    told_event(device_id, event, String::new(), at)
}

/// An event with an explanation in words.
pub(crate) fn told_event(device_id: &domain::DeviceId, event: &str, detail: String, at: Timestamp) -> Row {
    Row::DeviceEvent(DeviceEventRow {
        timestamp: at.as_millis(),
        device_id: device_id.to_string(),
        event: event.to_owned(),
        detail,
        received_at: at.as_millis(),
    })
}

pub(crate) fn refusal(message: &Message, refusal: &Refusal) -> Row {
    error_row(
        &message.topic,
        refusal.into(),
        &message.payload,
        message.received_at,
    )
}

/// A message that was kept, although it contradicts itself.
pub(crate) fn contradiction(message: &Message, detail: &str) -> Row {
    let fault = Fault {
        reason: "contradiction",
        detail,
    };
    error_row(&message.topic, fault, &message.payload, message.received_at)
}

/// Texts of strangers are cut to size.
pub(crate) fn audit(event: &AuditEvent) -> Row {
    let cut = |text: &str| text.chars().take(512).collect();
    Row::Audit(AuditRow {
        timestamp: event.at.as_millis(),
        kind: event.kind.clone(),
        account: cut(&event.account),
        actor: cut(&event.actor),
        address: cut(&event.address),
        detail: cut(&event.detail),
        number: event.number,
    })
}

/// What happened to a client has no topic.
pub(crate) fn door_event(event: &DoorEvent, at: Timestamp) -> Row {
    system_event(event.kind, &event.detail, at)
}

/// Something of the whole system that explains why something is missing.
pub(crate) fn system_event(kind: &str, detail: &str, at: Timestamp) -> Row {
    Row::IngestError(IngestErrorRow {
        received_at: at.as_millis(),
        topic: String::new(),
        reason: kind.to_owned(),
        detail: detail.chars().take(512).collect(),
        first_bytes: String::new(),
    })
}

/// A row that ClickHouse refused: its table stands where a message's topic would.
pub(crate) fn refused_row(table: &str, payload: &[u8], refusal: &Refusal, at: Timestamp) -> Row {
    error_row(table, refusal.into(), payload, at)
}

/// What `ingest_errors` says of a message.
#[derive(Clone, Copy)]
struct Fault<'a> {
    reason: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a Refusal> for Fault<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            reason: refusal.reason.as_str(),
            detail: &refusal.detail,
        }
    }
}

fn error_row(topic: &str, fault: Fault<'_>, payload: &[u8], at: Timestamp) -> Row {
    Row::IngestError(IngestErrorRow {
        received_at: at.as_millis(),
        topic: topic.chars().take(256).collect(),
        reason: fault.reason.to_owned(),
        detail: fault.detail.chars().take(512).collect(),
        first_bytes: IngestErrorRow::excerpt(payload),
    })
}

#[cfg(test)]
mod tests;

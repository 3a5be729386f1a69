//! From events to rows: which table each event belongs to, and what fills a column that its sender left out.
//!
//! In: domain values and the time of receipt. Out: `store`'s rows. Pure.

use domain::{
    FeatureName, HeldDecision, Origin, Reading, Refusal, ShadowPrediction, Timestamp, WindowAction,
    WindowState,
};
use store::{
    AudioRow, AuditRow, DeviceEventRow, IngestErrorRow, MlPredictionRow, ReadingRow, Row, SuspectReadingRow,
    WindowActionRow, WindowStateRow,
};

use crate::{
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
/// chose is no prediction. `basis` fills what the sender left out.
pub(crate) fn action(action: &WindowAction, basis: Option<&LastRequest>, received_at: Timestamp) -> Vec<Row> {
    let audio_hash = action.audio_hash.as_ref().or_else(|| basis?.audio_hash.as_ref());
    let waited_ms = || basis.map(|request| request.sent.elapsed().as_secs_f64() * 1e3);
    let command_id = action.command_id.clone().unwrap_or_default();
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
    };
    let model = match &action.origin {
        Origin::Model(version) => version,
        Origin::Unstated => Origin::UNNAMED_MODEL,
        Origin::Person | Origin::Schedule => return vec![Row::WindowAction(told)],
    };
    let predicted = MlPredictionRow {
        timestamp: action.timestamp.as_millis(),
        device_id: action.device_id.to_string(),
        prediction: action.position.percent(),
        confidence: action.confidence.probability(),
        inference_time_ms: action.inference_time_ms.or_else(waited_ms).unwrap_or(f64::NAN),
        model_version: model.to_owned(),
        command_id,
        received_at: received_at.as_millis(),
        held: false,
    };
    vec![Row::WindowAction(told), Row::MlPrediction(predicted)]
}

/// What a candidate would have decided: a prediction like any other, and no action.
pub(crate) fn shadow(prediction: &ShadowPrediction, received_at: Timestamp) -> Row {
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
    })
}

/// What the model decided and nobody was told.
pub(crate) fn held(decision: &HeldDecision, received_at: Timestamp) -> Row {
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
        Row::Device(_)
        | Row::DeviceEvent(_)
        | Row::IngestError(_)
        | Row::SystemMetrics(_)
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
mod tests {
    use domain::{Confidence, DeviceId, Position, RefusalReason};

    use super::*;

    fn specification_only() -> WindowAction {
        WindowAction {
            device_id: DeviceId::parse("sensor-001").unwrap(),
            timestamp: Timestamp::from_millis(1),
            position: Position::new(75.5).unwrap(),
            confidence: Confidence::new(0.92).unwrap(),
            temperature: 25.5,
            humidity: 60.0,
            audio_features: vec![],
            command_id: None,
            origin: Origin::Unstated,
            inference_time_ms: None,
            audio_hash: None,
            reason: None,
            expires_at: None,
        }
    }

    #[test]
    fn a_command_of_the_specifications_fields_alone_fills_both_tables() {
        let hash = domain::AudioHash::from_digest([7; 32]);
        let basis = LastRequest {
            sent: tokio::time::Instant::now(),
            audio_hash: Some(hash.clone()),
        };
        let rows = action(&specification_only(), Some(&basis), Timestamp::from_millis(2));
        let [Row::WindowAction(told), Row::MlPrediction(predicted)] = &rows[..] else {
            panic!("other rows");
        };
        assert_eq!((told.position, told.audio_hash.as_str()), (75.5, hash.as_str()));
        assert_eq!(
            (predicted.prediction, predicted.model_version.as_str()),
            (75.5, "unknown")
        );
        assert!(predicted.inference_time_ms >= 0.0);
    }

    #[test]
    fn a_strangers_command_without_a_request_is_logged_too() {
        let rows = action(&specification_only(), None, Timestamp::from_millis(2));
        let [_, Row::MlPrediction(predicted)] = &rows[..] else {
            panic!("other rows");
        };
        assert!(predicted.inference_time_ms.is_nan());
    }

    #[test]
    fn what_a_person_chose_is_no_prediction() {
        let by_hand = WindowAction {
            origin: Origin::Person,
            ..specification_only()
        };
        let rows = action(&by_hand, None, Timestamp::from_millis(2));
        let [Row::WindowAction(told)] = &rows[..] else {
            panic!("other rows");
        };
        assert_eq!(
            (told.origin.as_str(), told.model_version.as_str()),
            ("person", "")
        );
    }

    #[test]
    fn what_strangers_send_is_cut_to_size() {
        let refusal = Refusal::new(RefusalReason::NotJson, "x".repeat(10_000));
        let Row::IngestError(row) = error_row(
            &"t".repeat(10_000),
            (&refusal).into(),
            &vec![0; 100_000],
            Timestamp::from_millis(0),
        ) else {
            panic!("another row");
        };
        assert!(row.topic.len() == 256 && row.detail.len() == 512 && row.first_bytes.len() <= 1024);
    }
}

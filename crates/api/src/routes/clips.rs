//! The clips of a device: what is known of each, and the recording itself where it was kept.
//!
//! In: a device, a page; a device and a time. Out: clips, newest first; a recording that browsers play, whole or in part.
//! Recordings are people's speech: they are kept only with `audio.store_raw`, only operators and admins hear them, and the
//! audit log says who did.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{AudioFormat, AudioHash, DeviceId, Timestamp};
use monitoring::{Problem, extract::Path, problem::kinds::RANGE};
use parking_lot::Mutex;
use people::{Caller, Event};
use serde::{Deserialize, Serialize};
use store::ListedClip;
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    changes::hand,
    past::{Asked, Narrowing, Paging, of_known, unanswered},
    problems::{INTERNAL, NOT_FOUND},
    range::Wanted,
};

/// Where recordings are kept.
pub trait Recordings: Send + Sync {
    /// Returns a recording in a form that browsers play; `None` if it is kept no more. It waits for the disk.
    fn playable(
        &self,
        hash: &AudioHash,
        format: AudioFormat,
        sample_rate: u32,
    ) -> io::Result<Option<Playable>>;
}

/// A recording that browsers play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playable {
    /// Its bytes, 2 MiB at most.
    pub bytes: Vec<u8>,
    /// `audio/wav` or `audio/flac`.
    pub media_type: &'static str,
}

/// Browsers ask for a recording in parts: whoever hears it is noted once within this time.
const HEARING: Duration = Duration::from_mins(1);
/// So many hearings are remembered; what is forgotten early is noted once more.
const MOST_HEARINGS: usize = 256;

/// Who has just heard what. Clones share it.
#[derive(Debug, Clone, Default)]
struct Hearings(Arc<Mutex<VecDeque<(Instant, String)>>>);

impl Hearings {
    /// Whether this hearing is to be noted: it is not part of one that was.
    fn begins(&self, hearing: String, now: Instant) -> bool {
        let mut known = self.0.lock();
        known.retain(|(since, _)| now.saturating_duration_since(*since) < HEARING);
        if known.iter().any(|(_, other)| *other == hearing) {
            return false;
        }
        if known.len() >= MOST_HEARINGS {
            known.pop_front();
        }
        known.push_back((now, hearing));
        true
    }
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(play))
        .layer(Extension(Hearings::default()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Only {
    /// Only clips whose recording was kept.
    kept: Option<bool>,
}

impl Narrowing for Only {
    const NAMES: &'static [&'static str] = &["kept"];
}

/// A clip of a device.
#[derive(Debug, Serialize, ToSchema)]
struct Clip {
    /// When it was recorded.
    timestamp: Timestamp,
    /// Its length in seconds.
    duration_s: f64,
    /// Samples a second.
    sample_rate: u32,
    /// What the device sent: `wav`, `flac` or `pcm`.
    #[schema(examples("wav"))]
    format: String,
    /// SHA-256 of the recording.
    audio_hash: String,
    /// Equivalent level, in dB re full scale; null if unknown.
    level_dbfs: Option<f32>,
    /// Level of the loudest eighth of a second, likewise.
    max_level_dbfs: Option<f32>,
    /// Whether the recording was kept; it may have been removed since, see `audio.storage_max_age_days`.
    kept: bool,
}

impl From<ListedClip> for Clip {
    fn from(row: ListedClip) -> Self {
        let number = |value: f32| value.is_finite().then_some(value);
        Self {
            timestamp: Timestamp::from_millis(row.timestamp),
            duration_s: row.duration,
            sample_rate: row.sample_rate,
            format: row.format,
            audio_hash: row.audio_hash,
            level_dbfs: number(row.level_dbfs),
            max_level_dbfs: number(row.max_level_dbfs),
            kept: !row.raw_path.is_empty(),
        }
    }
}

/// List the clips of a device.
///
/// The newest come first. Their sound is `GET /api/v1/recordings/{device_id}/{timestamp}`, where it was kept.
#[utoipa::path(get, path = "/devices/{device_id}/clips", operation_id = "list_clips", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Only, Paging),
    responses(
        (status = 200, description = "The clips.", body = Vec<Clip>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`."))),
        (status = 404, description = "No such device was heard of.")
    ))]
async fn list(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    asked: Asked<Only>,
) -> Result<Response, Problem> {
    let kept = asked.only.kept.unwrap_or(false);
    let found = parts.store.clips(&device_id, kept, &asked.page).await;
    let page = of_known(&parts, &device_id, found).await?;
    let path = format!("/devices/{device_id}/clips");
    Ok(asked.answer(&path, page, Clip::from))
}

/// Hear a clip.
///
/// The recording as the device sent it, where browsers play that, and otherwise the same samples as a WAV. For operators and
/// admins; the audit log says who heard what.
#[utoipa::path(get, path = "/recordings/{device_id}/{timestamp}", operation_id = "get_recording", tag = "history",
    params(
        ("device_id" = DeviceId, Path, description = "The id of the device."),
        ("timestamp" = Timestamp, Path, description = "The time of the clip, as the list has it.", example = "2026-05-01T12:00:00Z"),
        ("Range" = Option<String>, Header, description = "A part of it, such as `bytes=0-4095`.")
    ),
    responses(
        (status = 200, description = "The recording.", content(
            (Vec<u8> = "audio/wav"), (Vec<u8> = "audio/flac")
        ), headers(("Accept-Ranges" = String, description = "`bytes`."))),
        (status = 206, description = "A part of it.", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/flac")),
            headers(("Content-Range" = String, description = "Which part."))),
        (status = 404, description = "There is no such clip, or its recording was not kept, or is kept no more."),
        (status = 416, description = "The recording has no such part.")
    ))]
async fn play(
    State(parts): State<Arc<Parts>>,
    Extension(hearings): Extension<Hearings>,
    Extension(caller): Extension<Caller>,
    Path((device_id, timestamp)): Path<(DeviceId, Timestamp)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let gone = |why: &str| Problem::new(&NOT_FOUND, why.to_owned());
    let Some(recordings) = parts.recordings.clone() else {
        return Err(gone("no recordings are kept: audio.store_raw is off"));
    };
    let found = parts.store.kept_clip(&device_id, timestamp.as_millis()).await;
    let clip = found
        .map_err(unanswered(&parts))?
        .ok_or_else(|| gone("of this device and time no recording was kept"))?;
    let (hash, format) = AudioHash::parse(&clip.audio_hash)
        .zip(format(&clip.format))
        .ok_or_else(|| gone("the clip has no recording of a known form"))?;
    let read =
        tokio::task::spawn_blocking(move || recordings.playable(&hash, format, clip.sample_rate)).await;
    let read = read.expect("reading a recording does not panic");
    let playable = read.map_err(|error| {
        warn!(%device_id, "a recording cannot be read: {error}");
        Problem::new(&INTERNAL, "the recording cannot be read; the log says why")
    })?;
    let playable = playable.ok_or_else(|| {
        gone("the recording is kept no more (audio.storage_max_age_days, audio.storage_max_bytes)")
    })?;
    let answer = answer(playable, &method, &headers);
    let (account, detail) = (hand(&caller), format!("{device_id} at {timestamp}"));
    if answer.status().is_success() && hearings.begins(format!("{account} {detail}"), Instant::now()) {
        parts.audit.note(Event {
            kind: "recording_heard",
            account,
            address: Some(caller.address),
            detail,
        });
    }
    Ok(answer)
}

fn format(word: &str) -> Option<AudioFormat> {
    let all = [AudioFormat::Wav, AudioFormat::Flac, AudioFormat::Pcm];
    all.into_iter().find(|format| format.as_str() == word)
}

/// The recording, or the part of it that is asked for. Of several parts, all of it.
fn answer(playable: Playable, method: &Method, headers: &HeaderMap) -> Response {
    let Playable { bytes, media_type } = playable;
    let length = bytes.len();
    let common = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        // It is for this person alone; their browser may play it again, without a store.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    match Wanted::asked(method, headers, length) {
        Wanted::Whole => (common, bytes).into_response(),
        Wanted::Part(first, last) => {
            let range = content_range(&format!("bytes {first}-{last}/{length}"));
            let part = bytes[first..=last].to_vec();
            (StatusCode::PARTIAL_CONTENT, common, [range], part).into_response()
        }
        Wanted::Nowhere => {
            let range = content_range(&format!("bytes */{length}"));
            let problem = Problem::new(&RANGE, format!("the recording has {length} bytes"));
            ([range], problem).into_response()
        }
    }
}

fn content_range(text: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(text).expect("numbers are a header's text");
    (header::CONTENT_RANGE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> Response {
        let playable = Playable {
            bytes: (0..100).collect(),
            media_type: "audio/wav",
        };
        let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        answer(playable, &Method::GET, &headers)
    }

    #[tokio::test]
    async fn a_part_is_the_part_that_was_asked_for() {
        for (range, part, expected) in [
            ("bytes=0-", "bytes 0-99/100", 0..100),
            ("bytes=10-19", "bytes 10-19/100", 10..20),
            ("bytes=90-500", "bytes 90-99/100", 90..100),
            ("bytes=-5", "bytes 95-99/100", 95..100),
            ("bytes=-99999999", "bytes 0-99/100", 0..100),
        ] {
            let answer = asked(range);
            assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
            assert_eq!(answer.headers()[header::CONTENT_RANGE], part, "{range}");
            let bytes = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
            assert_eq!(bytes, expected.collect::<Vec<u8>>(), "{range}");
        }
        let nowhere = asked("bytes=100-200");
        assert_eq!(nowhere.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(nowhere.headers()[header::CONTENT_RANGE], "bytes */100");
        for whole in ["bytes=0-1,5-6", "lines=1-2", "nonsense"] {
            assert_eq!(asked(whole).status(), StatusCode::OK, "{whole}");
        }
    }

    #[test]
    fn hearing_is_noted_once() {
        let (hearings, now) = (Hearings::default(), Instant::now());
        let begins = |who: &str, after: Duration| hearings.begins(who.to_owned(), now + after);
        assert!(begins("ada", Duration::ZERO) && begins("bob", Duration::ZERO));
        assert!(!begins("ada", HEARING / 2), "a part of what is noted");
        assert!(begins("ada", HEARING), "heard again");
        for number in 0..2 * MOST_HEARINGS {
            assert!(begins(&number.to_string(), HEARING));
        }
        assert_eq!(hearings.0.lock().len(), MOST_HEARINGS);
        assert!(begins("ada", HEARING), "what is forgotten is noted once more");
    }
}

//! Rows of a device as a file: CSV, JSON lines, Parquet or Arrow.
//!
//! In: what, of when, in which format. Out: the file as ClickHouse writes it, a few pieces of it in memory at a time. Its end is
//! only sent when ClickHouse has said that it is complete: a file that is cut breaks the connection off.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use domain::{DeviceId, Timestamp};
use monitoring::{
    Closing, Problem,
    extract::{Path, Query, invalid},
    with_causes,
};
use serde::Deserialize;
use store::{Export, ExportFormat, Exported, LONGEST_EXPORT};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{DAY_MS, expect_known, span, unanswered},
};

/// Pieces on their way to a client.
const PIECES: usize = 4;
/// How long a client may leave a piece lying.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// A quantity of `GET /api/v1/quantities`, `readings` of all quantities, `clips` (features, no sound), `position`,
    /// `commanded`, `predictions` or `events`.
    #[param(example = "temperature")]
    quantity: String,
    /// Its beginning: RFC 3339, or as far back as `-24h` or `-7d`. Left out: a day before its end.
    #[param(example = "-7d")]
    from: Option<String>,
    /// Its end, likewise; left out: now.
    to: Option<String>,
    /// The format. Parquet and Arrow have five million rows at most.
    #[param(example = "csv")]
    #[param(inline)]
    format: Option<FileFormat>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FileFormat {
    Csv,
    Jsonl,
    Parquet,
    Arrow,
}

impl From<FileFormat> for ExportFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Jsonl => Self::JsonLines,
            FileFormat::Parquet => Self::Parquet,
            FileFormat::Arrow => Self::Arrow,
        }
    }
}

/// Export rows of a device.
///
/// Every row as it is stored, in the order of time (those of `readings` by quantity, which come in no order). The file comes as
/// ClickHouse writes it; where that fails, the connection is broken off, and no file looks complete that is not. Two exports
/// run at a time, for ten minutes at most each.
#[utoipa::path(get, path = "/devices/{device_id}/export", operation_id = "export", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Asked),
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
            (String = "application/vnd.apache.parquet"),
            (String = "application/vnd.apache.arrow.stream")
        ), headers(("Content-Disposition" = String, description = "A name for the file."))),
        (status = 404, description = "No such device was heard of."),
        (status = 503, description = "ClickHouse is away, or two others export already.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    closing: Option<Extension<Closing>>,
    Path(device_id): Path<DeviceId>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let exported = Exported::from_word(&asked.quantity).ok_or_else(|| {
        let words: Vec<&str> = Exported::words().collect();
        invalid("quantity", format!("is none of {}", words.join(", ")))
    })?;
    let span = span(asked.from.as_deref(), asked.to.as_deref(), Some(DAY_MS))?;
    let format = ExportFormat::from(asked.format.unwrap_or(FileFormat::Csv));
    expect_known(&parts, &device_id).await?;
    let export = parts.store.export(&device_id, exported, span.0, format).await;
    let export = export.map_err(unanswered(&parts))?;
    let (pieces, file) = mpsc::channel(PIECES);
    let ended = closing.map(|Extension(Closing(token))| token).unwrap_or_default();
    tokio::spawn(async move {
        let _ = ended.run_until_cancelled(hand_on(export, pieces)).await;
    });
    let name = format!(
        "attachment; filename=\"{device_id}-{}-{}-{}.{}\"",
        exported.as_str(),
        day(span.from()),
        day(span.to()),
        format.as_str()
    );
    let head = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((head, body(file)).into_response())
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

/// A piece of a file, or its end.
enum Piece {
    Bytes(Bytes),
    End,
}

/// Hands a file on, piece by piece. Whoever does not take them in time gets no more, and the file has no end.
async fn hand_on(mut export: Export, pieces: mpsc::Sender<Piece>) {
    let deadline = Instant::now() + LONGEST_EXPORT;
    while Instant::now() < deadline {
        let piece = match export.next().await {
            Ok(Some(bytes)) => Piece::Bytes(bytes),
            Ok(None) => Piece::End,
            Err(error) => {
                warn!("an export breaks off: {}", with_causes(&error));
                return;
            }
        };
        let is_end = matches!(piece, Piece::End);
        if is_end {
            // Others have its turn, however slowly the end is read.
            drop(export);
            let _ = timeout(LONGEST_PAUSE, pieces.send(piece)).await;
            return;
        }
        if !matches!(timeout(LONGEST_PAUSE, pieces.send(piece)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// The body of these pieces: an error where they cease without an end.
fn body(pieces: mpsc::Receiver<Piece>) -> Body {
    let stream = futures_util::stream::unfold(Some(pieces), async |pieces| {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(pieces))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the file is cut")), None)),
        }
    });
    Body::from_stream(stream)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_file_without_its_end_is_an_error() {
        for is_complete in [true, false] {
            let (sender, pieces) = mpsc::channel(PIECES);
            sender.send(Piece::Bytes("a".into())).await.unwrap();
            if is_complete {
                sender.send(Piece::End).await.unwrap();
            }
            drop(sender);
            let read = to_bytes(body(pieces), 10).await;
            assert_eq!(read.ok(), is_complete.then(|| Bytes::from("a")));
        }
    }
}

//! What was refused, and what was done to accounts: two lists for whoever looks after the service.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use domain::Timestamp;
use monitoring::Problem;
use serde::{Deserialize, Serialize};
use store::{AuditRow, IngestErrorRow};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Asked, Narrowing, Paging, unanswered, word},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list_errors))
        .routes(routes!(list_audit))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OnlyErrors {
    /// Only those of this reason, such as `json`.
    reason: Option<String>,
    /// Only those of this topic, or of this table.
    topic: Option<String>,
}

impl Narrowing for OnlyErrors {
    const NAMES: &'static [&'static str] = &["reason", "topic"];
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OnlyAudit {
    /// Only those of this kind, such as `sign_in_failed`.
    kind: Option<String>,
    /// Only those of this account.
    account: Option<String>,
}

impl Narrowing for OnlyAudit {
    const NAMES: &'static [&'static str] = &["kind", "account"];
}

/// A message that was refused, or a row.
#[derive(Debug, Serialize, ToSchema)]
struct IngestError {
    /// When it was refused.
    received_at: Timestamp,
    /// The topic of the message, or the table that refused a row.
    topic: String,
    /// The kind of fault, one of a fixed set.
    reason: String,
    /// What is wrong, in words.
    detail: String,
    /// The beginning of the payload: printable characters as they are, others as `\\xNN`.
    first_bytes: String,
}

impl From<IngestErrorRow> for IngestError {
    fn from(row: IngestErrorRow) -> Self {
        Self {
            received_at: Timestamp::from_millis(row.received_at),
            topic: row.topic,
            reason: row.reason,
            detail: row.detail,
            first_bytes: row.first_bytes,
        }
    }
}

/// List what was refused.
///
/// Messages that could not be used and rows that ClickHouse did not take, the newest first: a sample of them, kept for a
/// month.
#[utoipa::path(get, path = "/ingest-errors", operation_id = "list_ingest_errors", tag = "history", params(OnlyErrors, Paging),
    responses(
        (status = 200, description = "What was refused.", body = Vec<IngestError>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`.")))
    ))]
async fn list_errors(State(parts): State<Arc<Parts>>, asked: Asked<OnlyErrors>) -> Result<Response, Problem> {
    let reason = word("reason", asked.only.reason.as_deref())?;
    let topic = word("topic", asked.only.topic.as_deref())?;
    let found = parts.store.ingest_errors(reason, topic, &asked.page).await;
    let page = found.map_err(unanswered(&parts))?;
    Ok(asked.answer("/ingest-errors", page, IngestError::from))
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// When it happened.
    timestamp: Timestamp,
    /// What happened, one of a fixed set.
    #[schema(examples("sign_in"))]
    kind: String,
    /// The account that it happened to; empty if none is known.
    account: String,
    /// Who did it: an account, `cli:USER`, or empty.
    actor: String,
    /// Where it came from; empty if it came from nowhere.
    address: String,
    /// More, in words.
    detail: String,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            timestamp: Timestamp::from_millis(row.timestamp),
            kind: row.kind,
            account: row.account,
            actor: row.actor,
            address: row.address,
            detail: row.detail,
        }
    }
}

/// List the audit log.
///
/// Who came in, who did not, and what was done to accounts, the newest first; for admins. A year of it is kept.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit", tag = "accounts", params(OnlyAudit, Paging),
    responses(
        (status = 200, description = "The audit log.", body = Vec<AuditEntry>,
            headers(("Link" = Option<String>, description = "Where older lines are: `<…>; rel=\"next\"`.")))
    ))]
async fn list_audit(State(parts): State<Arc<Parts>>, asked: Asked<OnlyAudit>) -> Result<Response, Problem> {
    let kind = word("kind", asked.only.kind.as_deref())?;
    let account = word("account", asked.only.account.as_deref())?;
    let found = parts.store.audit(kind, account, &asked.page).await;
    let page = found.map_err(unanswered(&parts))?;
    Ok(asked.answer("/audit", page, AuditEntry::from))
}

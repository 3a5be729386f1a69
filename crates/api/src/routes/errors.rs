//! What was refused, and what was done to accounts: two lists for whoever looks after the service.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use domain::Timestamp;
use monitoring::{Problem, extract::Query};
use serde::{Deserialize, Serialize};
use store::{AuditRow, IngestErrorRow};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Listing, listed, unanswered, word},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list_errors))
        .routes(routes!(list_audit))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AskedErrors {
    /// Only those of this reason, such as `json`.
    reason: Option<String>,
    /// Only those of this topic, or of this table.
    topic: Option<String>,
    /// Only what happened from then on: RFC 3339, or as far back as `-24h` or `-7d`.
    #[param(example = "-7d")]
    from: Option<String>,
    /// Only what happened until then, likewise; left out: now.
    to: Option<String>,
    /// Only what stands after this place, which is older. The header `Link` has it.
    before: Option<String>,
    /// At most so many. Left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl AskedErrors {
    fn listing(&self) -> Listing<'_> {
        Listing {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            before: self.before.as_deref(),
            limit: self.limit,
        }
    }

    fn filters(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("reason", self.reason.as_deref()),
            ("topic", self.topic.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
        ]
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AskedAudit {
    /// Only those of this kind, such as `sign_in_failed`.
    kind: Option<String>,
    /// Only those of this account.
    account: Option<String>,
    /// Only what happened from then on: RFC 3339, or as far back as `-24h` or `-7d`.
    #[param(example = "-7d")]
    from: Option<String>,
    /// Only what happened until then, likewise; left out: now.
    to: Option<String>,
    /// Only what stands after this place, which is older. The header `Link` has it.
    before: Option<String>,
    /// At most so many. Left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl AskedAudit {
    fn listing(&self) -> Listing<'_> {
        Listing {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            before: self.before.as_deref(),
            limit: self.limit,
        }
    }

    fn filters(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("kind", self.kind.as_deref()),
            ("account", self.account.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
        ]
    }
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
#[utoipa::path(get, path = "/ingest-errors", operation_id = "list_ingest_errors", tag = "history", params(AskedErrors),
    responses(
        (status = 200, description = "What was refused.", body = Vec<IngestError>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`.")))
    ))]
async fn list_errors(
    State(parts): State<Arc<Parts>>,
    Query(asked): Query<AskedErrors>,
) -> Result<Response, Problem> {
    let query = asked.listing().page()?;
    let reason = word("reason", asked.reason.as_deref())?;
    let topic = word("topic", asked.topic.as_deref())?;
    let found = parts.store.ingest_errors(reason, topic, &query).await;
    let page = found.map_err(unanswered(&parts))?;
    Ok(listed(
        "/ingest-errors",
        &asked.filters(),
        query.limit,
        page,
        IngestError::from,
    ))
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
#[utoipa::path(get, path = "/audit", operation_id = "list_audit", tag = "accounts", params(AskedAudit),
    responses(
        (status = 200, description = "The audit log.", body = Vec<AuditEntry>,
            headers(("Link" = Option<String>, description = "Where older lines are: `<…>; rel=\"next\"`.")))
    ))]
async fn list_audit(
    State(parts): State<Arc<Parts>>,
    Query(asked): Query<AskedAudit>,
) -> Result<Response, Problem> {
    let query = asked.listing().page()?;
    let kind = word("kind", asked.kind.as_deref())?;
    let account = word("account", asked.account.as_deref())?;
    let page = parts
        .store
        .audit(kind, account, &query)
        .await
        .map_err(unanswered(&parts))?;
    Ok(listed(
        "/audit",
        &asked.filters(),
        query.limit,
        page,
        AuditEntry::from,
    ))
}

//! Tokens of accounts: what programs send instead of a password. For admins.

use std::sync::Arc;

use accounts::{AccountName, token_id};
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use monitoring::{
    Problem,
    extract::{OptionalJson, Path, invalid},
};
use people::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accounts::unknown;
use crate::{Parts, changes, problems::NOT_FOUND};

const MAX_DAYS: u32 = 3_650;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(revoke))
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct View {
    /// Its id.
    id: String,
    /// What it is for.
    label: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// From when on it is void; `null` for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

/// A token to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = NewToken)]
struct Wanted {
    /// What it is for.
    #[schema(max_length = 128)]
    label: String,
    /// How long it is valid; without it, until it is revoked.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeToken)]
struct Made {
    /// Its id.
    id: String,
    /// The token itself. It is shown this once.
    token: String,
    /// From when on it is void; `null` for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

/// List an account's tokens.
#[utoipa::path(get, path = "/accounts/{name}/tokens", operation_id = "list_tokens", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    responses(
        (status = 200, description = "The tokens, without their secrets.", body = Vec<View>),
        (status = 404, description = "There is no such account.")
    ))]
async fn list(
    State(parts): State<Arc<Parts>>,
    Path(name): Path<AccountName>,
) -> Result<axum::Json<Vec<View>>, Problem> {
    let book = parts.accounts.book();
    let (_, account) = book.get(name.as_str()).ok_or_else(|| unknown(&name))?;
    let tokens = account.credentials.all_tokens().map(|token| View {
        id: token.id.to_owned(),
        label: token.label.to_owned(),
        created: token.created,
        expires: token.expires,
    });
    Ok(axum::Json(tokens.collect()))
}

/// Make a token.
///
/// A program sends it as `Authorization: Bearer TOKEN`, and has the rights of the account. The answer has the token, this once.
#[utoipa::path(post, path = "/accounts/{name}/tokens", operation_id = "add_token", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    request_body(content = Option<Wanted>, example = json!({"label": "dashboard", "days": 365})),
    responses(
        (status = 201, description = "The token.", body = Made),
        (status = 404, description = "There is no such account."),
        (status = 409, description = "The account is not in use, or has 32 tokens already.")
    ))]
async fn add(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
    OptionalJson(wanted): OptionalJson<Option<Wanted>>,
) -> Result<Response, Problem> {
    let Wanted { label, days } = wanted.unwrap_or_default();
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return Err(invalid("days", format!("is not within 1 to {MAX_DAYS}")));
    }
    let expires = days.map(|days| Timestamp::now() + SignedDuration::from_hours(24 * i64::from(days)));
    let token = changes::accounts(&parts, &caller, move |file| {
        file.add_token(&name, &label, expires)
    })
    .await?;
    let made = Made {
        id: token_id(&token),
        token: token.reveal().to_owned(),
        expires,
    };
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}

/// Revoke a token.
///
/// It opens nothing any more. Sessions that were opened with it end.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "accounts",
    params(("id" = String, Path, description = "The id of the token.", example = "0123456789ab")),
    responses((status = 204, description = "It is void."), (status = 404, description = "There is no such token.")))]
async fn revoke(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::new(&NOT_FOUND, "there is no token of that id");
    let book = parts.accounts.book();
    let mut tokens = book
        .iter()
        .flat_map(|(_, account)| account.credentials.all_tokens());
    // Nothing is written for an id that nobody has.
    if !tokens.any(|token| token.id == id) {
        return Err(unknown());
    }
    let revoked = changes::accounts(&parts, &caller, move |file| file.revoke_id(&id)).await?;
    if revoked {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

//! Accounts of devices, people and programs. For admins.

use std::sync::Arc;

use accounts::{Account, AccountName, Book, NewAccount, Role, State as AccountState};
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{DeviceId, InvalidSetting};
use jiff::Timestamp;
use monitoring::{
    Problem,
    extract::{Json, NoBody, Path, Query, Unambiguous, invalid},
};
use people::Caller;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts, changes,
    merge::patched,
    problems::{CONFLICT, NOT_FOUND},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, forget))
        .routes(routes!(rotate))
        .routes(routes!(close))
}

/// An account, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountView {
    /// Its name. That of a device is its id.
    name: AccountName,
    /// What it is for.
    role: Role,
    /// Whether it may be used.
    state: AccountState,
    /// What people call it.
    label: String,
    /// Where a device is.
    location: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// Whether it has a password.
    has_password: bool,
    /// How many tokens it has.
    tokens: usize,
}

impl AccountView {
    fn of(name: &AccountName, account: &Account) -> Self {
        Self {
            name: name.clone(),
            role: account.role,
            state: account.state,
            label: account.label.clone(),
            location: account.location.clone(),
            created: account.created,
            has_password: account.credentials.has_password(),
            tokens: account.credentials.tokens(),
        }
    }
}

/// An account to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
struct Wanted {
    /// Its name. That of a device is its id.
    name: AccountName,
    /// What it is for.
    role: Role,
    /// What people call it.
    #[serde(default)]
    #[schema(max_length = 128)]
    label: String,
    /// Where a device is.
    #[serde(default)]
    #[schema(max_length = 128)]
    location: String,
}

/// What changes of an account (RFC 7396): what is not named stays, `null` removes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read as a merge")]
struct AccountPatch {
    /// What people call it.
    #[schema(max_length = 128, examples("Grafana in the hall"))]
    label: Option<String>,
    /// Where a device is.
    #[schema(max_length = 128)]
    location: Option<String>,
    /// `active` or `retired`: a retired account is kept, and opens nothing. When this changes to `retired`, the device of the
    /// account goes out of use with it; it is back in use when the account is opened.
    #[schema(examples("active"), nullable = false)]
    state: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Editable {
    #[serde(default)]
    label: String,
    #[serde(default)]
    location: String,
    state: AccountState,
}

/// An account with its new password.
#[derive(Debug, Serialize, ToSchema)]
struct WithPassword {
    /// The account.
    account: AccountView,
    /// Its password. It is shown this once.
    password: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only accounts of this role.
    role: Option<Role>,
}

/// List accounts.
#[utoipa::path(get, path = "/accounts", operation_id = "list_accounts", tag = "accounts", params(Asked), responses(
    (status = 200, description = "The accounts, in the order of their names, without secrets.", body = Vec<AccountView>)
))]
async fn list(State(parts): State<Arc<Parts>>, Query(asked): Query<Asked>) -> axum::Json<Vec<AccountView>> {
    let book = parts.accounts.book();
    let fits = |account: &Account| asked.role.is_none_or(|role| role == account.role);
    let accounts = book.iter().filter(|(_, account)| fits(account));
    axum::Json(
        accounts
            .map(|(name, account)| AccountView::of(name, account))
            .collect(),
    )
}

/// Make an account.
///
/// The answer has its password, this once.
#[utoipa::path(post, path = "/accounts", operation_id = "add_account", tag = "accounts",
    request_body(content = Wanted, example = json!({"name": "grafana", "role": "reader", "label": "Grafana in the hall"})),
    responses(
        (status = 201, description = "The account, with its password.", body = WithPassword),
        (status = 409, description = "There is an account of this name, or there are too many.")
    ))]
async fn add(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let name = wanted.name.clone();
    let new = NewAccount {
        name: wanted.name,
        role: wanted.role,
        label: wanted.label,
        location: wanted.location,
    };
    let password = changes::accounts(&parts, &caller, move |file| file.add(new)).await?;
    let made = WithPassword {
        account: view(&parts, &name)?,
        password: password.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}

/// Show an account.
#[utoipa::path(get, path = "/accounts/{name}", operation_id = "get_account", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    responses(
        (status = 200, description = "The account, without secrets.", body = AccountView),
        (status = 404, description = "There is no such account.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    Path(name): Path<AccountName>,
) -> Result<axum::Json<AccountView>, Problem> {
    view(&parts, &name).map(axum::Json)
}

/// Change an account.
///
/// A merge patch (RFC 7396) of what people call it, where it is, and whether it may be used. A retired account loses its
/// connections, sessions and live events within seconds; the device of an account that is retired goes out of use, as by `retired`
/// of the device itself, and operators take it back into use by that, with its account. To lock a device out, close its account.
#[utoipa::path(patch, path = "/accounts/{name}", operation_id = "change_account", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    request_body(content(
        (AccountPatch = "application/json", example = json!({"label": "Grafana in the hall"})),
        (AccountPatch = "application/merge-patch+json")
    )),
    responses(
        (status = 200, description = "The account as it is now.", body = AccountView),
        (status = 404, description = "There is no such account."),
        (status = 409, description = "It is the last admin.")
    ))]
async fn change(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
    Json(Unambiguous(patch)): Json<Unambiguous>,
) -> Result<axum::Json<AccountView>, Problem> {
    let book = parts.accounts.book();
    let (_, account) = book.get(name.as_str()).ok_or_else(|| unknown(&name))?;
    let before = Editable {
        label: account.label.clone(),
        location: account.location.clone(),
        state: account.state,
    };
    let after =
        patched(&before, &patch).map_err(|InvalidSetting { path, problem }| invalid(path, problem))?;
    if after.state == AccountState::Pending && before.state != AccountState::Pending {
        return Err(invalid("state", "is active or retired"));
    }
    if after.state == AccountState::Retired {
        keep_an_admin(&book, &name)?;
    }
    let takes_device = account.role == Role::Device
        && after.state == AccountState::Retired
        && before.state != AccountState::Retired;
    let changed = name.clone();
    changes::accounts(&parts, &caller, move |file| {
        if (&after.label, &after.location) != (&before.label, &before.location) {
            file.rename(&changed, Some(after.label), Some(after.location))?;
        }
        match after.state {
            AccountState::Retired if takes_device => file.retire_with_device(&changed),
            state if state == before.state => Ok(()),
            AccountState::Active => file.approve(&changed),
            AccountState::Retired => file.retire(&changed),
            AccountState::Pending => Ok(()),
        }
    })
    .await?;
    if takes_device {
        let what = format!("device '{name}' is set up: retired (out of use)");
        changes::note(&parts, &caller, "registry_changed", what);
    }
    let device_id = DeviceId::parse(name.as_str()).expect("the name of an account is an id");
    changes::follow_account(&parts, &device_id).await?;
    view(&parts, &name).map(axum::Json)
}

/// Close an account alone.
///
/// It is kept, and opens nothing. A device that is in use stays so: what is known of it is shown, and its window is decided for. One
/// that is retired stays so, too. Only an admin opens the account again. To put the device out of use, set its `retired`, or the
/// account's `state`.
#[utoipa::path(post, path = "/accounts/{name}/close", operation_id = "close_account", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    responses(
        (status = 200, description = "The account as it is now.", body = AccountView),
        (status = 404, description = "There is no such account."),
        (status = 409, description = "It is the last admin.")
    ))]
async fn close(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
    _: NoBody,
) -> Result<axum::Json<AccountView>, Problem> {
    keep_an_admin(&parts.accounts.book(), &name)?;
    let closed = name.clone();
    changes::accounts(&parts, &caller, move |file| file.retire(&closed)).await?;
    view(&parts, &name).map(axum::Json)
}

/// Forget an account.
///
/// Its secrets open nothing any more. The readings of a device are kept.
#[utoipa::path(delete, path = "/accounts/{name}", operation_id = "forget_account", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 404, description = "There is no such account."),
        (status = 409, description = "It is the last admin.")
    ))]
async fn forget(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
) -> Result<StatusCode, Problem> {
    keep_an_admin(&parts.accounts.book(), &name)?;
    changes::accounts(&parts, &caller, move |file| file.forget(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new password.
///
/// The old password, every token and every certificate of the account are void. The answer has the new password, this once.
#[utoipa::path(post, path = "/accounts/{name}/rotate", operation_id = "rotate_account", tag = "accounts",
    params(("name" = AccountName, Path, description = "The name of the account.")),
    responses(
        (status = 200, description = "The account, with its new password.", body = WithPassword),
        (status = 404, description = "There is no such account."),
        (status = 409, description = "It is retired.")
    ))]
async fn rotate(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
    _: NoBody,
) -> Result<axum::Json<WithPassword>, Problem> {
    let rotated = name.clone();
    let password = changes::accounts(&parts, &caller, move |file| file.rotate(&rotated)).await?;
    Ok(axum::Json(WithPassword {
        account: view(&parts, &name)?,
        password: password.reveal().to_owned(),
    }))
}

pub(super) fn view(parts: &Parts, name: &AccountName) -> Result<AccountView, Problem> {
    let book = parts.accounts.book();
    let found = book.get(name.as_str());
    found
        .map(|(name, account)| AccountView::of(name, account))
        .ok_or_else(|| unknown(name))
}

pub(super) fn unknown(name: &AccountName) -> Problem {
    Problem::new(&NOT_FOUND, format!("there is no account '{name}'"))
}

/// Refuses what would leave nobody who may do everything.
fn keep_an_admin(book: &Book, leaving: &AccountName) -> Result<(), Problem> {
    let is_admin = |account: &Account| account.role == Role::Admin && account.state == AccountState::Active;
    let leaves = book
        .get(leaving.as_str())
        .is_some_and(|(_, account)| is_admin(account));
    let stays = book
        .iter()
        .any(|(name, account)| name != leaving && is_admin(account));
    if leaves && !stays {
        let text = format!("'{leaving}' is the last admin: make another one first");
        return Err(Problem::new(&CONFLICT, text));
    }
    Ok(())
}

//! One account: a name, a role, what it may be opened with.

use std::{fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    secret::{PasswordHash, TokenDigest},
    tokens::TokenView,
};

/// The name of an account: 1 to 64 characters of `A–Z a–z 0–9 _ -`. That of a device is its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", examples("grafana"))]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Arc<str>);

/// The text is not the name of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidName;

impl AccountName {
    /// Parses `text` as a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match domain::DeviceId::parse(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err(InvalidName),
        }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.as_str().to_owned()
    }
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A sensor or a window: its own topics.
    Device,
    /// Reads pages, the API and SQL. Grafana is one. Nothing at the broker.
    Reader,
    /// Reads, and moves windows by hand.
    Operator,
    /// Everything, accounts included.
    Admin,
    /// Hears everything at the broker and says nothing.
    Monitor,
    /// Home Assistant, Node-RED: hears everything and moves windows by hand.
    Bridge,
    /// An ML service of one's own.
    Ml,
    /// A backend that runs elsewhere.
    Backend,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Device,
        Self::Reader,
        Self::Operator,
        Self::Admin,
        Self::Monitor,
        Self::Bridge,
        Self::Ml,
        Self::Backend,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Monitor => "monitor",
            Self::Bridge => "bridge",
            Self::Ml => "ml",
            Self::Backend => "backend",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|role| role.as_str()).collect();
            format!("'{text}' is no role; roles are {}", names.join(", "))
        })
    }
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AccountState)]
pub enum State {
    /// A device that has introduced itself and waits for a person's word.
    Pending,
    /// In use.
    Active,
    /// Kept, and closed.
    Retired,
}

impl State {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// What is known of a device that waits to be approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Where it connected from.
    pub address: String,
    /// The client id that it chose.
    pub client_id: String,
    /// When it introduced itself.
    pub since: Timestamp,
    /// The first messages that it sent, topic and beginning of the payload; at most [`Self::MAX_FIRST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<(String, String)>,
}

impl Pending {
    /// The most first messages that are kept.
    pub const MAX_FIRST: usize = 4;
}

/// What an account is opened with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<PasswordHash>,
    /// Its tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<TokenDigest>,
}

impl Credentials {
    /// Whether there is a password.
    pub const fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Every token.
    pub fn all_tokens(&self) -> impl Iterator<Item = TokenView<'_>> {
        self.tokens.iter().map(TokenDigest::view)
    }

    /// The number of tokens.
    pub fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// The password in the form that Mosquitto's password file has, if it was generated here.
    pub fn mosquitto(&self) -> Option<&str> {
        self.password.as_ref()?.mosquitto()
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What it is for.
    pub role: Role,
    /// Whether it may be used.
    pub state: State,
    /// When it was made.
    pub created: Timestamp,
    /// Changes with role, state and secrets: what was granted under another number is void.
    pub generation: u64,
    /// What people call it; of a device, its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Where a device is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// What it is opened with.
    #[serde(default)]
    pub credentials: Credentials,
    /// When that was made anew: certificates of before are void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_since: Option<Timestamp>,
    /// Of a device that waits to be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Whether it was closed because its device went out of use, and not for itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired_with_device: bool,
    /// Whether its device was put out of use with it, and neither came back since. An account that is then closed for itself
    /// keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub device_is_out: bool,
    /// The generation that it was closed by, with its device, last; 0 before the first time. It is told by it that a device was out
    /// of use meanwhile.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub retired_generation: u64,
    /// The generation that its state has been of since; 0 in a file of before. Who takes something over from the accounts tells
    /// by it what is new, whatever the clock says.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub state_generation: u64,
}

impl Account {
    /// Whether the device of this account is out of use, as the account says; `None` where it says nothing: it is of no device, it
    /// was closed while its device was in use, or it waits to be approved.
    pub fn retires_device(&self) -> Option<bool> {
        match self.state {
            _ if self.role != Role::Device => None,
            State::Active => Some(false),
            // A file of before says it by how the account was closed last.
            State::Retired => (self.device_is_out || self.retired_with_device).then_some(true),
            State::Pending => None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_unknown(generation: &u64) -> bool {
    *generation == 0
}

//! What the service and the process that trains say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::StoreOptions;

/// What is to be trained, and from what.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) version: String,
    pub(super) epochs: usize,
    pub(super) seed: u64,
    pub(super) examples: Examples,
}

/// Where examples come from.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Examples {
    Stored { since_ms: i64, access: Access },
    Simulated { rooms: usize, days: u32 },
}

/// How to reach ClickHouse. It has a password: it is written to a pipe and to nothing else.
#[derive(Serialize, Deserialize)]
pub(super) struct Access {
    url: String,
    database: String,
    user: String,
    password: String,
    trusted_certificates_pem: Option<Vec<u8>>,
}

impl From<StoreOptions> for Access {
    fn from(options: StoreOptions) -> Self {
        Self {
            url: options.url,
            database: options.database,
            user: options.user,
            password: options.password,
            trusted_certificates_pem: options.trusted_certificates_pem,
        }
    }
}

impl From<Access> for StoreOptions {
    fn from(access: Access) -> Self {
        let mut options = Self::new(access.url, access.database);
        options.user = access.user;
        options.password = access.password;
        options.trusted_certificates_pem = access.trusted_certificates_pem;
        options
    }
}

/// What the process says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// So many examples are there.
    Collected(u64),
    /// A pass has ended.
    Epoch { number: u32, validation_mae: f64 },
    /// The model: its file in hex, and its side-car.
    Trained { file: String, sidecar: Value },
    /// There is none, for this reason.
    Failed(String),
}

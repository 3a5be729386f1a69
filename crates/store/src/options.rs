//! Options of the connection to ClickHouse.

use std::time::Duration;

/// The address of ClickHouse and the account to use.
#[derive(Clone)]
pub struct StoreOptions {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    /// Name of the database: letters, digits and underscores.
    pub database: String,
    /// User; empty for ClickHouse's default user.
    pub user: String,
    /// Password; empty for none. Never printed.
    pub password: String,
    /// Certificates (PEM) to trust for `https://` instead of the system's.
    pub trusted_certificates_pem: Option<Vec<u8>>,
    /// Longest wait for the answer to one INSERT.
    pub insert_timeout: Duration,
}

impl StoreOptions {
    /// Returns options for the default user at `url`, without a password.
    pub fn new(url: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            database: database.into(),
            user: String::new(),
            password: String::new(),
            trusted_certificates_pem: None,
            insert_timeout: Duration::from_mins(1),
        }
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("url", &self.url)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("password", &"[redacted]")
            .field("insert_timeout", &self.insert_timeout)
            .finish_non_exhaustive()
    }
}

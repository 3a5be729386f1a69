//! Where page and API are served, to whom, and how often somebody may ask.

use std::{net::SocketAddr, num::NonZeroU32};

use people::RequestLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    doors::{Anonymous, HttpListener},
    text, words,
};

/// `http`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address at which the page, the API and the metrics are served.
    pub addr: SocketAddr,
    /// Addresses in place of `addr`, each plain or with TLS.
    pub listeners: Vec<HttpListener>,
    /// Where page, API and metrics are read without an account: `loopback`, or `never`.
    #[serde(with = "text")]
    #[schemars(schema_with = "words::anonymous")]
    pub anonymous: Anonymous,
    /// How often somebody may ask the API.
    pub limits: HttpLimits,
}

/// `http.limits`: of each account, and of each address without one. Whoever asks more often is answered with 429.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Requests to the API in a second, for long.
    pub requests_per_s: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            addr: ([127, 0, 0, 1], 8080).into(),
            listeners: Vec::new(),
            anonymous: Anonymous::default(),
            limits: HttpLimits::default(),
        }
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        let RequestLimits { per_s, burst } = RequestLimits::default();
        Self {
            requests_per_s: per_s,
            burst,
        }
    }
}

//! How an answer travels: plain, in ClickHouse's compressed blocks, or in a content coding. Errors travel as answers do:
//! a client that asked for blocks reads nothing else.
//!
//! In: the request's parameters and headers, then plain bytes. Out: encoded bytes.

use axum::http::{HeaderMap, header};

use crate::{
    blocks,
    compression::{Coding, Encoder},
};

/// The encoding that a client has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    #[default]
    Plain,
    /// `compress=1`.
    Blocks,
    /// `enable_http_compression=1` and `Accept-Encoding`.
    Coded(Coding),
}

impl Encoding {
    /// Returns what the parameters (later ones win) and headers ask for.
    pub(crate) fn requested(parameters: &[(String, String)], headers: &HeaderMap) -> Self {
        let is_set = |name: &str| {
            let last = parameters.iter().rfind(|(given, _)| given == name);
            last.is_some_and(|(_, value)| is_true(value))
        };
        if is_set("compress") {
            return Self::Blocks;
        }
        let accepted = || {
            let accepts = headers.get(header::ACCEPT_ENCODING)?;
            Coding::accepted(accepts.to_str().ok()?)
        };
        match is_set("enable_http_compression").then(accepted).flatten() {
            Some(coding) => Self::Coded(coding),
            None => Self::Plain,
        }
    }

    /// Returns the content coding, for its header.
    pub(crate) fn coding(self) -> Option<Coding> {
        match self {
            Self::Coded(coding) => Some(coding),
            Self::Plain | Self::Blocks => None,
        }
    }

    /// Encodes a body that is all there.
    pub(crate) fn whole(self, bytes: Vec<u8>) -> Vec<u8> {
        let mut pieces = Pieces::new(self);
        let mut encoded = pieces.encode(bytes);
        encoded.extend(pieces.finish());
        encoded
    }
}

/// Whether a flag of the interface is set.
pub(crate) fn is_true(value: &str) -> bool {
    value == "1" || value == "true"
}

/// Encodes an answer piece by piece, so that each piece can be read when it arrives.
pub(crate) enum Pieces {
    Plain,
    Blocks,
    Coded(Box<Encoder>),
}

impl Pieces {
    pub(crate) fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Plain => Self::Plain,
            Encoding::Blocks => Self::Blocks,
            Encoding::Coded(coding) => Self::Coded(Box::new(Encoder::new(coding))),
        }
    }

    pub(crate) fn encode(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Plain => bytes,
            Self::Blocks if bytes.is_empty() => bytes,
            Self::Blocks => blocks::compress(&bytes),
            Self::Coded(encoder) => encoder.encode(&bytes),
        }
    }

    /// Returns the end of a content coding.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Plain | Self::Blocks => Vec::new(),
            Self::Coded(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(parameters: &[(&str, &str)], accepts: &str) -> Encoding {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, accepts.parse().unwrap());
        Encoding::requested(&parameters, &headers)
    }

    #[test]
    fn blocks_come_before_codings_and_codings_need_their_setting() {
        assert_eq!(requested(&[], "gzip"), Encoding::Plain);
        let coded = requested(&[("enable_http_compression", "1")], "gzip");
        assert_eq!(coded.coding(), Some(Coding::Gzip));
        let both = [("enable_http_compression", "1"), ("compress", "1")];
        assert_eq!(requested(&both, "gzip"), Encoding::Blocks);
        assert_eq!(
            requested(&[("compress", "1"), ("compress", "0")], ""),
            Encoding::Plain
        );
    }
}

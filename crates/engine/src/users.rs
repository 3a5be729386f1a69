//! The two users: `default` reads and writes, `reader` reads.
//!
//! In: a name and a password. Out: a [`User`], or ClickHouse's 516. Passwords are kept as digests and compared in
//! constant time. A user without a password is open to everybody who reaches the address, whatever password they send:
//! so it is in ClickHouse, and some drivers send one without being asked to.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::exception::{AUTHENTICATION_FAILED, Exception};

/// A password, as its digest. It is never printed and never kept in clear.
#[derive(Clone)]
pub struct Password([u8; 32]);

impl Password {
    /// Keeps the digest of a password; `None` for one that is empty or blank, which would protect nobody.
    pub fn new(password: &str) -> Option<Self> {
        (!password.trim().is_empty()).then(|| Self::digest(password))
    }

    fn digest(password: &str) -> Self {
        Self(Sha256::digest(password.as_bytes()).into())
    }

    fn is(&self, given: &str) -> bool {
        self.0.ct_eq(&Self::digest(given).0).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The passwords of the two users. A user without one needs none.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// The writer's.
    pub default: Option<Password>,
    /// The reader's.
    pub reader: Option<Password>,
}

/// The user of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Reads and writes.
    Default,
    /// Reads.
    Reader,
}

impl Users {
    /// Whether every user has a password.
    pub fn all_protected(&self) -> bool {
        self.default.is_some() && self.reader.is_some()
    }

    /// Whether both users have the same password.
    pub(crate) fn share_a_password(&self) -> bool {
        let digests = (self.default.as_ref(), self.reader.as_ref());
        matches!(digests, (Some(default), Some(reader)) if bool::from(default.0.ct_eq(&reader.0)))
    }

    /// Returns the user of that name with that password.
    pub(crate) fn authenticate(&self, name: &str, password: &str) -> Result<User, Exception> {
        let (user, expected) = match name {
            "" | "default" => (Some(User::Default), &self.default),
            "reader" => (Some(User::Reader), &self.reader),
            // As much work for a name that does not exist as for one that does.
            _ => (None, &self.default),
        };
        let fits = expected.as_ref().is_none_or(|expected| expected.is(password));
        user.filter(|_| fits).ok_or_else(|| {
            Exception::new(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                format_args!(
                    "{name}: Authentication failed: password is incorrect, or there is no user with such name"
                ),
            )
        })
    }
}

impl User {
    /// Returns the name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Reader => "reader",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_users_enter() {
        let open = Users::default();
        for password in ["", "null", "any"] {
            assert_eq!(open.authenticate("default", password).unwrap(), User::Default);
            assert_eq!(open.authenticate("reader", password).unwrap(), User::Reader);
            assert!(open.authenticate("admin", password).is_err());
        }
        assert_eq!(open.authenticate("", "").unwrap(), User::Default);
        let closed = Users {
            default: Password::new("w"),
            reader: Password::new("r"),
        };
        let half = Users {
            default: Password::new("w"),
            reader: None,
        };
        assert!(half.authenticate("default", "null").is_err() && half.authenticate("reader", "null").is_ok());
        assert!(!half.all_protected());
        assert_eq!(closed.authenticate("default", "w").unwrap(), User::Default);
        assert_eq!(closed.authenticate("reader", "r").unwrap(), User::Reader);
        for (name, password) in [
            ("", ""),
            ("default", ""),
            ("default", "r"),
            ("reader", "w"),
            ("reader", "rr"),
            ("admin", "w"),
            ("DEFAULT", "w"),
        ] {
            assert_eq!(
                closed.authenticate(name, password).unwrap_err().code,
                AUTHENTICATION_FAILED,
                "{name}"
            );
        }
        assert!(closed.all_protected() && !open.all_protected());
        let same = Users {
            default: Password::new("w"),
            reader: Password::new("w"),
        };
        assert!(same.share_a_password() && !closed.share_a_password() && !half.share_a_password());
        assert!(!open.share_a_password());
        for blank in ["", " ", "\t\r\n", "\u{a0}"] {
            assert!(Password::new(blank).is_none(), "{blank:?} protects nobody");
        }
        assert_eq!(format!("{:?}", closed.default), "Some([redacted])");
    }
}

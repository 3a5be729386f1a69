//! The two users: `default` reads and writes, `reader` reads; and accounts that somebody else keeps, which read.
//!
//! In: a name and a password. Out: a [`User`], or ClickHouse's 516. Passwords are kept as digests and compared in
//! constant time. A user without a password is open to everybody who reaches the address, whatever password they send:
//! so it is in ClickHouse, and some drivers send one without being asked to.

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
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

/// Accounts of people and programs, which read under their own names.
#[async_trait]
pub trait Accounts: fmt::Debug + Send + Sync + 'static {
    /// Whether there is an account of that name with that password that may read. It takes as long for a name that does not
    /// exist as for a wrong password.
    async fn may_read(&self, name: &str, password: &str, address: IpAddr) -> bool;
}

/// The passwords of the two users, and who else may read. A user without a password needs none on loopback.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// The writer's.
    pub default: Option<Password>,
    /// The reader's.
    pub reader: Option<Password>,
    /// Who else may read; beyond loopback the account `reader` is one of them, unless it has a password here.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// Whether a user without a password is refused. [`serve`](crate::serve) sets it beyond loopback.
    pub closed: bool,
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
        self.default.is_some() && (self.reader.is_some() || self.accounts.is_some())
    }

    /// Whether both users have the same password.
    pub(crate) fn share_a_password(&self) -> bool {
        let digests = (self.default.as_ref(), self.reader.as_ref());
        matches!(digests, (Some(default), Some(reader)) if bool::from(default.0.ct_eq(&reader.0)))
    }

    /// Returns the user of that name with that password, own or by account.
    pub(crate) async fn admit(&self, name: &str, password: &str, address: IpAddr) -> Result<User, Exception> {
        let own = self.authenticate(name, password);
        let is_own = match name {
            "" | "default" => true,
            "reader" => self.reader.is_some(),
            _ => false,
        };
        match (&own, &self.accounts) {
            (Err(_), Some(accounts)) if !is_own && accounts.may_read(name, password, address).await => {
                Ok(User::Reader)
            }
            _ => own,
        }
    }

    /// Returns the own user of that name with that password.
    pub(crate) fn authenticate(&self, name: &str, password: &str) -> Result<User, Exception> {
        let (user, expected) = match name {
            "" | "default" => (Some(User::Default), &self.default),
            "reader" => (Some(User::Reader), &self.reader),
            // As much work for a name that does not exist as for one that does.
            _ => (None, &self.default),
        };
        let fits = expected
            .as_ref()
            .map_or(!self.closed, |expected| expected.is(password));
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
            ..Users::default()
        };
        let half = Users {
            default: Password::new("w"),
            ..Users::default()
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
            ..Users::default()
        };
        assert!(same.share_a_password() && !closed.share_a_password() && !half.share_a_password());
        assert!(!open.share_a_password());
        for blank in ["", " ", "\t\r\n", "\u{a0}"] {
            assert!(Password::new(blank).is_none(), "{blank:?} protects nobody");
        }
        assert_eq!(format!("{:?}", closed.default), "Some([redacted])");
    }

    #[derive(Debug)]
    struct OneAccount(&'static str);

    #[async_trait]
    impl Accounts for OneAccount {
        async fn may_read(&self, name: &str, password: &str, _address: IpAddr) -> bool {
            name == self.0 && password == "secret"
        }
    }

    #[tokio::test]
    async fn accounts_read_and_are_never_the_writer() {
        const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let users = |account, closed| Users {
            default: Password::new("w"),
            reader: None,
            accounts: Some(Arc::new(OneAccount(account))),
            closed,
        };
        let open = users("grafana", false);
        assert_eq!(open.admit("grafana", "secret", HERE).await.unwrap(), User::Reader);
        assert!(open.admit("grafana", "other", HERE).await.is_err());
        assert_eq!(open.admit("reader", "", HERE).await.unwrap(), User::Reader);
        assert!(open.admit("default", "secret", HERE).await.is_err());
        for name in ["", "default"] {
            let named = users(name, true);
            assert!(named.admit(name, "secret", HERE).await.is_err(), "{name:?}");
            assert_eq!(named.admit(name, "w", HERE).await.unwrap(), User::Default);
        }
        let closed = users("reader", true);
        assert!(closed.all_protected());
        assert_eq!(
            closed.admit("reader", "secret", HERE).await.unwrap(),
            User::Reader
        );
        assert!(closed.admit("reader", "", HERE).await.is_err());
        let configured = Users {
            reader: Password::new("r"),
            ..closed
        };
        assert!(
            configured.admit("reader", "secret", HERE).await.is_err(),
            "the configuration stands"
        );
        assert_eq!(configured.admit("reader", "r", HERE).await.unwrap(), User::Reader);
    }
}

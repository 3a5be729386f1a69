//! Ways in without an account's own secret: links that sign in once, and links that only read.
//!
//! In: tokens, of which only digests are kept. Out: whom a link opens for, as long as it is valid. A link of an account is
//! void as soon as that account's secrets or its role change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountName, Role, State},
    book::{Book, BookError, Hand, check_text},
    secret::{Token, digest},
};

const MAX_SHARES: usize = 256;
const MAX_LINKS: usize = 64;

/// A link that shows the page and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// SHA-256 of its token.
    sha256: String,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Who made it.
    pub by: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is void.
    pub expires: Timestamp,
}

/// A link that signs in once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OnceLink {
    sha256: String,
    account: AccountName,
    generation: u64,
    expires: Timestamp,
}

impl Book {
    /// Every share link with its id, expired ones included.
    pub fn shares(&self) -> impl Iterator<Item = (&str, &Share)> {
        self.shares.iter().map(|(id, share)| (id.as_str(), share))
    }

    /// The share link that `token` belongs to, if it is valid at `now`.
    pub fn of_share(&self, token: &str, now: Timestamp) -> Option<(&str, &Share)> {
        let wanted = digest(token);
        self.shares()
            .find(|(_, share)| share.sha256 == wanted && share.expires > now)
    }

    /// Whether `token` signs in at `now`, once.
    pub fn has_link(&self, token: &str, now: Timestamp) -> bool {
        let wanted = digest(token);
        self.links
            .iter()
            .any(|link| link.sha256 == wanted && link.expires > now)
    }

    /// Whether `name` still has the token with this digest, and it is valid at `now`.
    pub fn has_token(&self, name: &str, sha256: &str, now: Timestamp) -> bool {
        self.get(name).is_some_and(|(_, account)| {
            let mut tokens = account.credentials.tokens.iter();
            tokens.any(|kept| kept.sha256 == sha256 && kept.expires.is_none_or(|expires| expires > now))
        })
    }

    /// Only those who may read, with their passwords alone: what the database's process has to know.
    #[must_use]
    pub fn of_readers(&self) -> Self {
        let reads = |role| matches!(role, Role::Reader | Role::Operator | Role::Admin);
        let mut book = Self::default();
        book.generation = self.generation;
        for (name, account) in self.iter() {
            if reads(account.role) && account.state == State::Active {
                let mut account = account.clone();
                account.credentials.tokens.clear();
                account.label.clear();
                book.accounts.insert(name.clone(), account);
            }
        }
        book
    }

    pub(crate) fn share(
        &mut self,
        id: String,
        token: &Token,
        label: &str,
        expires: Timestamp,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        check_text("the label", label)?;
        self.shares.retain(|_, share| share.expires > hand.now);
        if self.shares.len() >= MAX_SHARES {
            return Err(BookError::Full(
                "there are 256 share links already: revoke those that are not used",
            ));
        }
        let share = Share {
            sha256: digest(token.reveal()),
            label: label.to_owned(),
            by: hand.by.to_owned(),
            created: hand.now,
            expires,
        };
        self.note(
            hand,
            "share",
            "",
            &format!("link {id} until {expires:.0} {label}"),
        );
        self.shares.insert(id, share);
        Ok(())
    }

    /// Voids a share link. Returns whether there was one.
    pub(crate) fn unshare(&mut self, id: &str, hand: Hand<'_>) -> bool {
        let found = self.shares.remove(id).is_some();
        if found {
            self.note(hand, "unshare", "", &format!("link {id}"));
        }
        found
    }

    pub(crate) fn add_link(
        &mut self,
        name: &AccountName,
        token: &Token,
        expires: Timestamp,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        self.links.retain(|link| link.expires > hand.now);
        let account = self.in_use(name)?;
        let generation = account.generation;
        if self.links.len() >= MAX_LINKS {
            return Err(BookError::Full(
                "64 links that sign in wait to be used already: they are void after 15 minutes",
            ));
        }
        self.links.push(OnceLink {
            sha256: digest(token.reveal()),
            account: name.clone(),
            generation,
            expires,
        });
        self.note(hand, "link", name.as_str(), &format!("until {expires:.0}"));
        Ok(())
    }

    /// Takes a link that signs in. Returns its account, if the link is valid.
    pub(crate) fn take_link(&mut self, token: &str, now: Timestamp) -> Option<AccountName> {
        let wanted = digest(token);
        let place = self.links.iter().position(|link| link.sha256 == wanted)?;
        let link = self.links.remove(place);
        let (_, account) = self.get(link.account.as_str())?;
        let is_valid =
            link.expires > now && account.state == State::Active && account.generation == link.generation;
        is_valid.then_some(link.account)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;
    use crate::{book::NewAccount, secret::Password};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn hand() -> Hand<'static> {
        Hand { by: "test", now: NOW }
    }

    fn book(role: Role) -> (Book, AccountName) {
        let (mut book, name) = (Book::default(), AccountName::parse("ada").unwrap());
        let new = NewAccount {
            name: name.clone(),
            role,
            label: String::new(),
            location: String::new(),
        };
        book.add(new, &Password::generate(), hand()).unwrap();
        (book, name)
    }

    #[test]
    fn a_share_link_is_valid_until_it_expires_or_is_revoked() {
        let (mut book, token) = (Book::default(), Token::generate());
        let until = NOW + 1.hour();
        book.share("a".into(), &token, "for Bob", until, hand()).unwrap();
        let opens = |book: &Book, now| book.of_share(token.reveal(), now).is_some();
        assert!(opens(&book, NOW) && !opens(&book, until));
        assert!(book.of_share(Token::generate().reveal(), NOW).is_none());
        assert!(!serde_json::to_string(&book).unwrap().contains(token.reveal()));
        assert!(book.unshare("a", hand()) && !book.unshare("a", hand()));
        assert!(!opens(&book, NOW));
        for number in 0..MAX_SHARES {
            book.share(number.to_string(), &token, "", until, hand()).unwrap();
        }
        assert!(book.share("x".into(), &token, "", until, hand()).is_err());
    }

    #[test]
    fn a_link_signs_in_once_and_follows_its_account() {
        let (mut book, name) = book(Role::Admin);
        let until = NOW + 15.minutes();
        let link = |book: &mut Book| {
            let token = Token::generate();
            book.add_link(&name, &token, until, hand()).unwrap();
            token
        };
        let token = link(&mut book);
        assert!(book.has_link(token.reveal(), NOW) && !book.has_link(token.reveal(), until));
        assert_eq!(book.take_link(token.reveal(), NOW), Some(name.clone()));
        assert_eq!(book.take_link(token.reveal(), NOW), None);
        let late = link(&mut book);
        assert_eq!(book.take_link(late.reveal(), until), None);
        let before = link(&mut book);
        book.rotate(&name, &Password::generate(), hand()).unwrap();
        assert_eq!(book.take_link(before.reveal(), NOW), None);
        let closed = link(&mut book);
        book.retire(&name, hand()).unwrap();
        assert_eq!(book.take_link(closed.reveal(), NOW), None);
        assert!(book.add_link(&name, &Token::generate(), until, hand()).is_err());
    }

    #[test]
    fn the_database_learns_who_may_read_and_no_token() {
        let (mut readers, name) = book(Role::Operator);
        let token = Token::generate();
        let until = NOW + 1.hour();
        readers.add_token(&name, &token, "", Some(until), hand()).unwrap();
        let sha256 = digest(token.reveal());
        assert!(readers.has_token("ada", &sha256, NOW) && !readers.has_token("ada", &sha256, until));
        let handed = readers.of_readers();
        assert!(handed.get("ada").unwrap().1.credentials.has_password());
        assert!(!handed.has_token("ada", &sha256, NOW));
        readers.retire(&name, hand()).unwrap();
        assert!(readers.of_readers().get("ada").is_none());
        assert!(book(Role::Bridge).0.of_readers().get("ada").is_none());
    }
}

//! Tokens of accounts: made, found, made void.

use jiff::Timestamp;

use crate::{
    account::{Account, AccountName, State},
    book::{Book, BookError, Hand, check_text},
    secret::{Token, TokenDigest, digest},
};

const MAX_TOKENS: usize = 32;
/// Digits of a digest that are the id of its token: they tell nothing of 256 random bits.
const ID_DIGITS: usize = 12;

/// A token without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenView<'a> {
    /// Its id: the first twelve digits of its SHA-256.
    pub id: &'a str,
    /// What it is for.
    pub label: &'a str,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is void.
    pub expires: Option<Timestamp>,
}

/// The id of a token that was just made.
pub fn token_id(token: &Token) -> String {
    let mut digest = digest(token.reveal());
    digest.truncate(ID_DIGITS);
    digest
}

impl TokenDigest {
    pub(crate) fn view(&self) -> TokenView<'_> {
        TokenView {
            id: self.sha256.get(..ID_DIGITS).unwrap_or(&self.sha256),
            label: &self.label,
            created: self.created,
            expires: self.expires,
        }
    }
}

impl Book {
    /// The account that a token opens at `now`.
    pub fn of_token(&self, token: &str, now: Timestamp) -> Option<(&AccountName, &Account)> {
        let wanted = digest(token);
        self.accounts.iter().find(|(_, account)| {
            account.state == State::Active
                && account.credentials.tokens.iter().any(|kept| {
                    // The digest of a secret: how long a comparison takes tells nothing of the secret.
                    kept.sha256 == wanted && kept.expires.is_none_or(|expires| expires > now)
                })
        })
    }

    /// Adds a token to an account.
    pub(crate) fn add_token(
        &mut self,
        name: &AccountName,
        token: &Token,
        label: &str,
        expires: Option<Timestamp>,
        hand: Hand<'_>,
    ) -> Result<(), BookError> {
        check_text("the label", label)?;
        let account = self.in_use(name)?;
        let tokens = &mut account.credentials.tokens;
        tokens.retain(|kept| kept.expires.is_none_or(|expires| expires > hand.now));
        if tokens.len() >= MAX_TOKENS {
            return Err(BookError::Full(
                "the account has 32 tokens already: rotate it, which voids all of them",
            ));
        }
        tokens.push(TokenDigest::of(token, label, hand.now, expires));
        self.note(hand, "token", name.as_str(), label);
        Ok(())
    }

    /// Voids one token. Returns whether there was one.
    pub(crate) fn revoke(&mut self, token: &str, hand: Hand<'_>) -> bool {
        let wanted = digest(token);
        self.revoke_where(|kept| kept.sha256 == wanted, hand)
    }

    /// Voids the token of that id. Returns whether there was one.
    pub(crate) fn revoke_id(&mut self, id: &str, hand: Hand<'_>) -> bool {
        self.revoke_where(|kept| kept.view().id == id, hand)
    }

    fn revoke_where(&mut self, is_meant: impl Fn(&TokenDigest) -> bool, hand: Hand<'_>) -> bool {
        let found = self.accounts.iter_mut().find_map(|(name, account)| {
            let tokens = &mut account.credentials.tokens;
            let place = tokens.iter().position(&is_meant)?;
            tokens.remove(place);
            Some(name.to_string())
        });
        if let Some(name) = &found {
            self.note(hand, "revoke", name, "");
        }
        found.is_some()
    }
}

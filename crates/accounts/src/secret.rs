//! Passwords and tokens, as they are made, kept and compared.
//!
//! A password is kept as argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first (19 MiB, 2 passes, 1 lane).
//! One that was generated here has 140 random bits, which nobody guesses however fast the hash; it is kept in Mosquitto's
//! form as well (PBKDF2-HMAC-SHA512, 101 rounds), so that a thousand devices can come back at once, and that Mosquitto can
//! be given it. Tokens have 256 random bits and are kept as SHA-256.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use rand::{TryRngCore as _, rngs::OsRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// Letters and digits that people do not take for one another.
const ALPHABET: &[u8; 56] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";
/// 24 of 56 symbols: 139 bits.
const GENERATED_CHARS: usize = 24;
/// Mosquitto's own number of rounds.
const ROUNDS: u32 = 101;
const TOKEN_PREFIX: &str = "cas_";
/// The longest password; a longer one is no password, and is not hashed.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1_024;

/// A password in clear, which is shown once. `Debug` does not print it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Makes a password of 24 characters.
    pub fn generate() -> Self {
        let mut chars = String::with_capacity(GENERATED_CHARS);
        while chars.len() < GENERATED_CHARS {
            for byte in random::<32>() {
                // 224 is the largest multiple of 56 in a byte: every symbol is as likely.
                if byte < 224 && chars.len() < GENERATED_CHARS {
                    chars.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
                }
            }
        }
        Self(chars)
    }

    /// Returns it in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A token in clear, which is shown once. `Debug` does not print it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Makes a token: `cas_` and 64 hexadecimal digits.
    pub fn generate() -> Self {
        Self(format!("{TOKEN_PREFIX}{}", hex(&random::<32>())))
    }

    /// Returns it in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenDigest {
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// What it is for.
    #[serde(default)]
    pub(crate) label: String,
    pub(crate) created: Timestamp,
    /// It is void from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
}

impl TokenDigest {
    pub(crate) fn of(token: &Token, label: &str, created: Timestamp, expires: Option<Timestamp>) -> Self {
        Self {
            sha256: digest(token.reveal()),
            label: label.to_owned(),
            created,
            expires,
        }
    }
}

/// A name for something that has none: 12 hexadecimal digits.
pub(crate) fn short_id() -> String {
    hex(&random::<6>())
}

/// SHA-256 of a token in hexadecimal: what is kept of it.
pub fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// A password as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PasswordHash {
    /// In PHC form, with its parameters and its salt.
    argon2id: String,
    /// In Mosquitto's form; only of one that was generated here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generated: Option<String>,
}

impl PasswordHash {
    /// Hashes a password that was generated here. Takes some 20 ms.
    pub(crate) fn generated(password: &Password) -> Self {
        Self {
            generated: Some(mosquitto(password.reveal().as_bytes(), &random())),
            ..Self::chosen(password.reveal().as_bytes())
        }
    }

    /// Hashes a password that somebody chose. Takes some 20 ms.
    pub(crate) fn chosen(password: &[u8]) -> Self {
        let salt = SaltString::encode_b64(&random::<16>()).expect("16 bytes are a salt");
        let hash = argon2id()
            .hash_password(password, &salt)
            .expect("the parameters are valid");
        Self {
            argon2id: hash.to_string(),
            generated: None,
        }
    }

    pub(crate) fn mosquitto(&self) -> Option<&str> {
        self.generated.as_deref()
    }

    /// Whether `password` is the one, by the fast hash; `None` where there is none.
    pub(crate) fn quick(&self, password: &[u8]) -> Option<bool> {
        let stored = self.generated.as_deref()?;
        let salt = stored.split('$').nth(3).and_then(unbase64)?;
        let computed = mosquitto(password, &salt.try_into().ok()?);
        Some(computed.as_bytes().ct_eq(stored.as_bytes()).into())
    }

    /// Whether `password` is the one. Takes some 20 ms.
    pub(crate) fn is(&self, password: &[u8]) -> bool {
        argon2::password_hash::PasswordHash::new(&self.argon2id)
            .is_ok_and(|hash| argon2id().verify_password(password, &hash).is_ok())
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(19 * 1_024, 2, 1, None).expect("the parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A line's second half in Mosquitto's password file: `$7$101$SALT$HASH`.
fn mosquitto(password: &[u8], salt: &[u8; 12]) -> String {
    let mut hash = [0; 64];
    pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, ROUNDS, &mut hash);
    format!("$7${ROUNDS}${}${}", base64(salt), base64(&hash))
}

/// Digests under a key that lives as long as the process: what a success is remembered by.
pub(crate) struct Keyed([u8; 32]);

impl Keyed {
    pub(crate) fn new() -> Self {
        Self(random())
    }

    pub(crate) fn digest(&self, name: &str, generation: u64, password: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(&generation.to_be_bytes());
        mac.update(password);
        mac.finalize().into_bytes().into()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng
        .try_fill_bytes(&mut bytes)
        .expect("the system has random numbers");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string can be written");
        text
    })
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    base64_simd::STANDARD.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_is_known_by_both_hashes() {
        let (password, other) = (Password::generate(), Password::generate());
        assert_eq!(password.reveal().len(), 24);
        assert_ne!(password.reveal(), other.reveal());
        let hash = PasswordHash::generated(&password);
        assert!(hash.argon2id.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.is(password.reveal().as_bytes()) && !hash.is(other.reveal().as_bytes()));
        assert_eq!(hash.quick(password.reveal().as_bytes()), Some(true));
        assert_eq!(hash.quick(other.reveal().as_bytes()), Some(false));
        assert_eq!(format!("{password:?}"), "[redacted]");
    }

    #[test]
    fn a_chosen_password_has_no_fast_hash() {
        let hash = PasswordHash::chosen(b"correct horse");
        assert!(hash.is(b"correct horse") && !hash.is(b"correct horse ") && !hash.is(b""));
        assert_eq!(hash.quick(b"correct horse"), None);
        assert_eq!(hash.mosquitto(), None);
    }

    /// `mosquitto_passwd -b -c FILE u secret` of Mosquitto 2.0.11 wrote this line.
    #[test]
    fn the_fast_hash_is_mosquittos() {
        let line = "$7$101$ZULcl3DaW7ScCN+O$WK5fdNaR7EKqH+6A6Zhy7eFXKxlaMKbA0/NKGZdT18HuywqCl/as2pUsV0hnZfkJsVeq1OkpsCrXZL0DYYMQLQ==";
        let salt = unbase64("ZULcl3DaW7ScCN+O").unwrap();
        assert_eq!(mosquitto(b"secret", &salt.try_into().unwrap()), line);
    }

    #[test]
    fn a_token_is_kept_as_its_digest() {
        let token = Token::generate();
        assert!(token.reveal().starts_with("cas_") && token.reveal().len() == 68);
        let kept = TokenDigest::of(&token, "", Timestamp::UNIX_EPOCH, None);
        assert_eq!(kept.sha256, digest(token.reveal()));
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            digest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}

//! The id of a journal, which makes its tokens unique.
//!
//! Out: twelve random hexadecimal digits and four that check them, so that the id can be found in a damaged log.

use rand::Rng;
use xxhash_rust::xxh3::xxh3_64;

/// The id's key in the storage.
pub(crate) const KEY: &str = "id";

/// Returns a new id.
pub(crate) fn new() -> String {
    let random = format!("{:012x}", rand::rng().random::<u64>() >> 16);
    let check = check(random.as_bytes());
    random + &check
}

/// Returns the id that is stored as `stored`; `None` when it is damaged.
pub(crate) fn parse(stored: &[u8]) -> Option<String> {
    let (random, digits) = stored.split_at_checked(12)?;
    (digits == check(random).as_bytes()).then(|| String::from_utf8_lossy(stored).into_owned())
}

fn check(random: &[u8]) -> String {
    format!("{:04x}", xxh3_64(random) as u16)
}

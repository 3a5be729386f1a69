//! Devices out of use.

use domain::DeviceId;

use super::{Book, ChangeError, Patch};

/// What the account of a device says of its use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountUse {
    /// Whether the device is out of use.
    pub retired: bool,
    /// The generation of the account's state.
    pub generation: u64,
    /// That of the last time that the device was out of use with it; 0 before the first.
    pub retired_generation: u64,
}

impl Book {
    /// Puts a device out of use, which is set up if it was not. One that was forgotten stays so. Returns whether it changed
    /// anything.
    pub fn retire(&mut self, device_id: &DeviceId) -> Result<bool, ChangeError> {
        let is_gone = match self.device(device_id) {
            Some(entry) => entry.retired,
            None => self.forgotten_at(device_id).is_some(),
        };
        if is_gone {
            return Ok(false);
        }
        let out_of_use = Patch {
            retired: Some(true),
            ..Patch::default()
        };
        self.patch(device_id, out_of_use, None)?;
        Ok(true)
    }

    /// Whether [`Book::follow_account`] would change anything.
    pub fn would_follow_account(&self, device_id: &DeviceId, says: AccountUse) -> bool {
        let followed = self.followed.get(device_id).copied().unwrap_or(0);
        let is_new = followed != says.generation;
        match self.device(device_id) {
            Some(_) => is_new,
            None => is_new && (says.retired || says.retired_generation > followed),
        }
    }

    /// Takes over from the account of a device whether the device is out of use, and that it was meanwhile. Each state of an account
    /// is taken over once, so that what people say here later counts more. A device that was forgotten stays so. Returns whether
    /// it changed anything.
    pub fn follow_account(&mut self, device_id: &DeviceId, says: AccountUse) -> Result<bool, ChangeError> {
        if !self.would_follow_account(device_id, says) {
            return Ok(false);
        }
        let followed = self.followed.get(device_id).copied().unwrap_or(0);
        let was_meanwhile = !says.retired && says.retired_generation > followed;
        if was_meanwhile {
            self.retire(device_id)?;
        }
        let differs = match self.device(device_id) {
            Some(entry) => entry.retired != says.retired,
            None => self.forgotten_at(device_id).is_none(),
        };
        if differs {
            let patch = Patch {
                retired: Some(says.retired),
                ..Patch::default()
            };
            self.patch(device_id, patch, None)?;
        } else {
            self.next();
        }
        self.followed.insert(device_id.clone(), says.generation);
        Ok(true)
    }

    /// Drops what was taken over from accounts that are no more.
    pub fn follow_only(&mut self, mut has_account: impl FnMut(&DeviceId) -> bool) {
        self.followed.retain(|device_id, _| has_account(device_id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In use or not, of that generation.
    fn says(retired: bool, generation: u64) -> AccountUse {
        AccountUse {
            retired,
            generation,
            retired_generation: if retired { generation } else { 0 },
        }
    }

    #[test]
    fn a_device_that_was_out_of_use_between_two_looks_was_out_of_use() {
        let mut book = Book::default();
        let room = DeviceId::parse("room").unwrap();
        book.patch(&room, Patch::default(), None).unwrap();
        book.follow_account(&room, says(false, 1)).unwrap();
        assert_eq!(book.device(&room).unwrap().retired_revision, 0);
        let back = AccountUse {
            retired: false,
            generation: 3,
            retired_generation: 2,
        };
        assert!(book.follow_account(&room, back).unwrap());
        let entry = book.device(&room).unwrap().clone();
        assert!(!entry.retired && entry.retired_revision > 0);
        assert!(!book.follow_account(&room, back).unwrap());
        // So is one that nobody has set up.
        let attic = DeviceId::parse("attic").unwrap();
        assert!(book.follow_account(&attic, back).unwrap());
        let of_attic = book.device(&attic).unwrap();
        assert!(!of_attic.retired && of_attic.retired_revision > 0);
        // What follows later does not say it again.
        let later = AccountUse {
            generation: 4,
            ..back
        };
        assert!(book.follow_account(&room, later).unwrap());
        assert_eq!(
            book.device(&room).unwrap().retired_revision,
            entry.retired_revision
        );
    }

    #[test]
    fn what_an_account_says_is_taken_over_once_whatever_was_said_before() {
        let mut book = Book::default();
        let room = DeviceId::parse("room").unwrap();
        assert!(
            !book.follow_account(&room, says(false, 1)).unwrap(),
            "it is not set up"
        );
        assert!(book.follow_account(&room, says(true, 2)).unwrap());
        assert!(book.device(&room).unwrap().retired);
        let back = Patch {
            retired: Some(false),
            ..Patch::default()
        };
        book.patch(&room, back, None).unwrap();
        assert!(!book.follow_account(&room, says(true, 2)).unwrap());
        assert!(!book.device(&room).unwrap().retired, "people said so later");
        let (revision, own) = (book.revision(), book.device(&room).unwrap().revision);
        assert!(book.follow_account(&room, says(false, 3)).unwrap());
        assert_eq!(book.device(&room).unwrap().revision, own, "nothing of it changed");
        assert!(book.revision() > revision);
        assert!(book.follow_account(&room, says(true, 4)).unwrap());
        book.forget(&room, 1);
        assert!(book.follow_account(&room, says(true, 5)).unwrap());
        assert!(book.device(&room).is_none());
        // Set up anew it is in use, although its account is closed.
        book.patch(&room, Patch::default(), None).unwrap();
        assert!(!book.would_follow_account(&room, says(true, 5)));
        let again: Book = serde_json::from_str(&serde_json::to_string(&book).unwrap()).unwrap();
        assert!(!again.would_follow_account(&room, says(true, 5)));
        book.follow_only(|_| false);
        assert!(book.would_follow_account(&room, says(true, 5)));
    }

    #[test]
    fn a_device_goes_out_of_use_once_and_a_forgotten_one_stays_forgotten() {
        let mut book = Book::default();
        let room = DeviceId::parse("room").unwrap();
        assert!(book.retire(&room).unwrap());
        let revision = book.revision();
        assert!(book.device(&room).unwrap().retired);
        assert!(!book.retire(&room).unwrap());
        assert_eq!(book.revision(), revision);
        book.forget(&room, 1);
        assert!(!book.retire(&room).unwrap());
        assert!(book.device(&room).is_none());
    }
}

//! Devices out of use.

use domain::DeviceId;

use super::{Book, ChangeError, Patch};

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
    pub fn would_follow_account(&self, device_id: &DeviceId, retired: bool, generation: u64) -> bool {
        let known = self.device(device_id);
        let is_new = self.followed.get(device_id).copied().unwrap_or(0) != generation;
        match known {
            Some(_) => is_new,
            None => retired && is_new,
        }
    }

    /// Takes over from the account of a device whether the device is out of use. `generation` is that of the account's state: each
    /// is taken over once, so that what people say here later counts more. A device that was forgotten stays so. Returns whether
    /// it changed anything.
    pub fn follow_account(
        &mut self,
        device_id: &DeviceId,
        retired: bool,
        generation: u64,
    ) -> Result<bool, ChangeError> {
        if !self.would_follow_account(device_id, retired, generation) {
            return Ok(false);
        }
        let differs = match self.device(device_id) {
            Some(entry) => entry.retired != retired,
            None => self.forgotten_at(device_id).is_none(),
        };
        if differs {
            let patch = Patch {
                retired: Some(retired),
                ..Patch::default()
            };
            self.patch(device_id, patch, None)?;
        } else {
            self.next();
        }
        self.followed.insert(device_id.clone(), generation);
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

    #[test]
    fn what_an_account_says_is_taken_over_once_whatever_was_said_before() {
        let mut book = Book::default();
        let room = DeviceId::parse("room").unwrap();
        assert!(!book.follow_account(&room, false, 1).unwrap(), "it is not set up");
        assert!(book.follow_account(&room, true, 2).unwrap());
        assert!(book.device(&room).unwrap().retired);
        let back = Patch {
            retired: Some(false),
            ..Patch::default()
        };
        book.patch(&room, back, None).unwrap();
        assert!(!book.follow_account(&room, true, 2).unwrap());
        assert!(!book.device(&room).unwrap().retired, "people said so later");
        let (revision, own) = (book.revision(), book.device(&room).unwrap().revision);
        assert!(book.follow_account(&room, false, 3).unwrap());
        assert_eq!(book.device(&room).unwrap().revision, own, "nothing of it changed");
        assert!(book.revision() > revision);
        assert!(book.follow_account(&room, true, 4).unwrap());
        book.forget(&room, 1);
        assert!(book.follow_account(&room, true, 5).unwrap());
        assert!(book.device(&room).is_none());
        // Set up anew it is in use, although its account is closed.
        book.patch(&room, Patch::default(), None).unwrap();
        assert!(!book.would_follow_account(&room, true, 5));
        let again: Book = serde_json::from_str(&serde_json::to_string(&book).unwrap()).unwrap();
        assert!(!again.would_follow_account(&room, true, 5));
        book.follow_only(|_| false);
        assert!(book.would_follow_account(&room, true, 5));
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

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
}

#[cfg(test)]
mod tests {
    use super::*;

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

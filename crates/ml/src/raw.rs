//! Keeping recordings, where the configuration asks for it: `DIR/{device_id}/{audio_hash}.wav`.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use domain::{AudioHash, DeviceId};

/// Writes a recording unless it is there already. It appears whole or not at all.
pub(crate) fn keep(dir: &Path, device_id: &DeviceId, hash: &AudioHash, wav: &[u8]) -> io::Result<()> {
    let dir = dir.join(device_id.as_str());
    let path = dir.join(format!("{hash}.wav"));
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(&dir)?;
    let partial = dir.join(format!("{hash}.tmp"));
    fs::File::create(&partial)?.write_all(wav)?;
    fs::rename(partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_kept_once_under_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let (device_id, hash) = (
            DeviceId::parse("room-1").unwrap(),
            AudioHash::from_digest([7; 32]),
        );
        for _ in 0..2 {
            keep(dir.path(), &device_id, &hash, b"RIFF").unwrap();
        }
        let files: Vec<_> = fs::read_dir(dir.path().join("room-1"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(files, [format!("{hash}.wav").as_str()]);
    }
}

//! The archive of recordings, if the configuration enables it: `PATH/{first two digits}/{SHA-256}.{wav|flac|pcm}`.
//!
//! In: a clip's bytes and its hash. Out: files that only their owner may read, each recording once; the oldest are
//! removed above a size or an age. Several processes may share a directory. Files with other names are left alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use domain::{AudioFormat, AudioHash};
use parking_lot::Mutex;

/// Unfinished files older than this are removed: their writer is gone.
const UNFINISHED: Duration = Duration::from_hours(1);

/// Where recordings are kept, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// The directory; created if it is missing.
    pub path: PathBuf,
    /// Maximum total size in bytes; `None` means no limit.
    pub max_bytes: Option<u64>,
    /// How long a recording is kept after it was last received; `None` means for ever.
    pub max_age: Option<Duration>,
}

/// A directory of recordings. Every call blocks on the disk.
#[derive(Debug)]
pub struct Archive {
    options: ArchiveOptions,
    /// Bytes found by the last scan, and those written since.
    bytes: Mutex<u64>,
    written: AtomicU64,
}

/// A recording on disk.
#[derive(Debug)]
struct Recording {
    heard: SystemTime,
    bytes: u64,
    path: PathBuf,
}

impl Archive {
    /// Creates the directory and removes recordings beyond the limits.
    pub fn open(options: ArchiveOptions) -> io::Result<Self> {
        make_private_dir(&options.path)?;
        let archive = Self {
            options,
            bytes: Mutex::new(0),
            written: AtomicU64::new(0),
        };
        archive.sweep()?;
        Ok(archive)
    }

    /// Stores a recording under its hash and returns its path within the directory. The file appears complete or not at
    /// all. A recording that is already there only becomes newer.
    pub fn keep(&self, hash: &AudioHash, format: AudioFormat, recording: &[u8]) -> io::Result<String> {
        let relative = format!("{}/{hash}.{}", &hash.as_str()[..2], format.as_str());
        let path = self.options.path.join(&relative);
        if let Ok(known) = File::options().append(true).open(&path)
            && known.metadata()?.len() == recording.len() as u64
        {
            known.set_modified(SystemTime::now())?;
            return Ok(relative);
        }
        let dir = path.parent().expect("it lies in a directory of ours");
        make_private_dir(dir)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let partial = dir.join(format!("{hash}.{}-{number}.tmp", std::process::id()));
        let put = || {
            private_file(&partial)?.write_all(recording)?;
            fs::rename(&partial, &path)
        };
        put().inspect_err(|_| drop(fs::remove_file(&partial)))?;
        let full = {
            let mut bytes = self.bytes.lock();
            *bytes += recording.len() as u64;
            self.options.max_bytes.is_some_and(|limit| *bytes > limit)
        };
        if full {
            self.sweep()?;
        }
        Ok(relative)
    }

    /// Removes recordings beyond the maximum age, then the oldest beyond the maximum size, and returns how many. Call
    /// it regularly: recordings also expire while none is added.
    pub fn sweep(&self) -> io::Result<usize> {
        // One sweep at a time; another would find nothing left to do.
        let mut known_bytes = self.bytes.lock();
        let mut kept = self.scan()?;
        kept.sort_by(|a, b| (a.heard, &a.path).cmp(&(b.heard, &b.path)));
        let mut bytes: u64 = kept.iter().map(|file| file.bytes).sum();
        let now = SystemTime::now();
        let too_old = |file: &Recording| {
            let age = now.duration_since(file.heard).unwrap_or_default();
            self.options.max_age.is_some_and(|limit| age > limit)
        };
        // To 5 % below the limit, so that not every new recording causes a sweep.
        let over = self.options.max_bytes.is_some_and(|limit| bytes > limit);
        let target = self
            .options
            .max_bytes
            .map(|limit| if over { limit - limit / 20 } else { limit });
        let mut removed = 0;
        for file in &kept {
            if !too_old(file) && target.is_none_or(|target| bytes <= target) {
                continue;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            bytes -= file.bytes;
        }
        *known_bytes = bytes;
        Ok(removed)
    }

    /// Returns every recording in the directory, and removes unfinished files whose writers are gone.
    fn scan(&self) -> io::Result<Vec<Recording>> {
        let mut kept = Vec::new();
        for dir in fs::read_dir(&self.options.path)?.filter_map(Result::ok) {
            let name = dir.file_name();
            let Some(prefix) = name.to_str().filter(|name| name.len() == 2 && is_lower_hex(name)) else {
                continue;
            };
            // Links are not followed: their targets are not part of the archive.
            if !dir.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            for file in fs::read_dir(dir.path())?.filter_map(Result::ok) {
                let name = file.file_name();
                let Some(name) = name.to_str() else { continue };
                // Another process may have removed it.
                let Ok(metadata) = file.metadata() else { continue };
                if !metadata.is_file() {
                    continue;
                }
                let heard = metadata.modified()?;
                if is_recording(prefix, name) {
                    kept.push(Recording {
                        heard,
                        bytes: metadata.len(),
                        path: file.path(),
                    });
                } else if is_unfinished(prefix, name) && heard.elapsed().is_ok_and(|age| age > UNFINISHED) {
                    let _ = fs::remove_file(file.path());
                }
            }
        }
        Ok(kept)
    }
}

/// Returns the recording of this hash below `path`; `None` if it is not there. It blocks on the disk.
pub fn read(path: &Path, hash: &AudioHash, format: AudioFormat) -> io::Result<Option<Vec<u8>>> {
    let name = format!("{hash}.{}", format.as_str());
    match fs::read(path.join(&hash.as_str()[..2]).join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn begins_with_hash(prefix: &str, name: &str) -> bool {
    name.get(..64).is_some_and(is_lower_hex) && name.starts_with(prefix)
}

fn is_recording(prefix: &str, name: &str) -> bool {
    begins_with_hash(prefix, name) && matches!(&name[64..], ".wav" | ".flac" | ".pcm")
}

fn is_unfinished(prefix: &str, name: &str) -> bool {
    begins_with_hash(prefix, name) && name[64..].strip_suffix(".tmp").is_some()
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(path: &Path) -> ArchiveOptions {
        ArchiveOptions {
            path: path.into(),
            max_bytes: None,
            max_age: None,
        }
    }

    fn hash(number: u8) -> AudioHash {
        AudioHash::from_digest([number; 32])
    }

    fn keep(archive: &Archive, dir: &Path, number: u8, bytes: usize, age: u64) -> PathBuf {
        let relative = archive
            .keep(&hash(number), AudioFormat::Wav, &vec![number; bytes])
            .unwrap();
        let path = dir.join(relative);
        let heard = SystemTime::now() - Duration::from_secs(age);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(heard)
            .unwrap();
        path
    }

    #[test]
    fn a_recording_is_kept_once_under_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(options(dir.path())).unwrap();
        for _ in 0..2 {
            let path = archive.keep(&hash(0xab), AudioFormat::Pcm, b"12").unwrap();
            assert_eq!(path, format!("ab/{}.pcm", "ab".repeat(32)));
        }
        assert_eq!(fs::read_dir(dir.path().join("ab")).unwrap().count(), 1);
        assert_eq!(
            fs::read(dir.path().join(format!("ab/{}.pcm", "ab".repeat(32)))).unwrap(),
            b"12"
        );
    }

    #[test]
    fn every_format_has_its_extension_and_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(options(dir.path())).unwrap();
        for (number, format) in [
            (1, AudioFormat::Wav),
            (2, AudioFormat::Flac),
            (3, AudioFormat::Pcm),
        ] {
            let path = archive.keep(&hash(number), format, b"12").unwrap();
            assert!(path.ends_with(&format!(".{}", format.as_str())), "{path}");
        }
        drop(archive);
        let none = ArchiveOptions {
            max_bytes: Some(0),
            ..options(dir.path())
        };
        let archive = Archive::open(none).unwrap();
        assert_eq!(archive.scan().unwrap().len(), 0);
    }

    #[test]
    fn the_oldest_go_first_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(options(dir.path())).unwrap();
        let paths: Vec<_> = [(1, 30), (2, 20), (3, 10)]
            .map(|(number, age)| keep(&archive, dir.path(), number, 400, age))
            .into();
        drop(archive);
        let archive = Archive::open(ArchiveOptions {
            max_bytes: Some(1_000),
            ..options(dir.path())
        })
        .unwrap();
        assert!(!paths[0].exists() && paths[1].exists() && paths[2].exists());
        // Received again: now the other one is the oldest.
        archive.keep(&hash(2), AudioFormat::Wav, &[2; 400]).unwrap();
        archive.keep(&hash(4), AudioFormat::Wav, &[4; 400]).unwrap();
        assert!(paths[1].exists() && !paths[2].exists());
    }

    #[test]
    fn age_passes_also_while_nothing_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let limits = ArchiveOptions {
            max_age: Some(Duration::from_hours(1)),
            ..options(dir.path())
        };
        let archive = Archive::open(limits).unwrap();
        let old = keep(&archive, dir.path(), 1, 10, 4_000);
        let young = keep(&archive, dir.path(), 2, 10, 3_000);
        assert_eq!(archive.sweep().unwrap(), 1);
        assert!(!old.exists() && young.exists());
    }

    #[test]
    fn what_is_not_ours_stays() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = [
            "notes.txt".to_owned(),
            "ab/holiday.wav".to_owned(),
            // Wrong place, wrong extension, upper case.
            format!("ab/{}.wav", "cd".repeat(32)),
            format!("ab/{}.mp3", "ab".repeat(32)),
            format!("AB/{}.wav", "AB".repeat(32)),
            format!("{}.wav", "ab".repeat(32)),
        ];
        for name in &foreign {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, [0; 100]).unwrap();
            let long_ago = SystemTime::now() - Duration::from_hours(1_000);
            File::options()
                .append(true)
                .open(&path)
                .unwrap()
                .set_modified(long_ago)
                .unwrap();
        }
        let limits = ArchiveOptions {
            path: dir.path().into(),
            max_bytes: Some(0),
            max_age: Some(Duration::ZERO),
        };
        let archive = Archive::open(limits).unwrap();
        archive.keep(&hash(0xab), AudioFormat::Wav, &[0; 10]).unwrap();
        assert!(foreign.iter().all(|name| dir.path().join(name).exists()));
        assert!(!dir.path().join(format!("ab/{}.wav", "ab".repeat(32))).exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(options(&dir.path().join("audio_data"))).unwrap();
        let relative = archive.keep(&hash(1), AudioFormat::Wav, &[0; 10]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("audio_data").join(relative)), 0o600);
        assert_eq!(mode(&dir.path().join("audio_data")), 0o700);
    }
}

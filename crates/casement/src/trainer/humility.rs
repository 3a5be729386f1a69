//! The place of the process that trains among the others: the last. It gets what processor time the others leave, it ends before
//! it takes their memory, and if memory runs out all the same, the kernel ends it first.

use std::{fs, thread, time::Duration};

/// Memory that a training may take, bytes: ten times what the default model's took.
const MOST_MEMORY: u64 = 1 << 30;
const LOOK: Duration = Duration::from_millis(100);
/// The lowest priority (nice(2)).
const NICEST: i32 = 19;

/// Takes the last place. `too_much` is called when the process takes more memory than it may.
pub(super) fn take_last_place(too_much: impl Fn(u64) + Send + 'static) {
    // Whoever forbids it wants it so.
    let _ = rustix::process::nice(NICEST);
    let _ = fs::write("/proc/self/oom_score_adj", "900");
    let limit = limit();
    thread::spawn(move || {
        loop {
            if resident().is_some_and(|bytes| bytes > limit) {
                too_much(limit);
            }
            thread::sleep(LOOK);
        }
    });
}

/// Half of what is available, 1 GiB at most.
fn limit() -> u64 {
    let available = bytes("/proc/meminfo", "MemAvailable:");
    available.map_or(MOST_MEMORY, |available| (available / 2).min(MOST_MEMORY))
}

/// What this process takes.
fn resident() -> Option<u64> {
    bytes("/proc/self/status", "VmRSS:")
}

/// The bytes that stand behind a word (proc(5)).
fn bytes(file: &str, word: &str) -> Option<u64> {
    in_text(&fs::read_to_string(file).ok()?, word)
}

fn in_text(text: &str, word: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(word))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_kernel_writes_them() {
        let text = "MemTotal:        8000000 kB\nMemAvailable:    1000000 kB\n";
        assert_eq!(in_text(text, "MemAvailable:"), Some(1_024_000_000));
        assert_eq!(in_text(text, "MemFree:"), None);
        assert!(limit() <= MOST_MEMORY);
        assert!(resident().unwrap() > 1 << 20);
    }
}

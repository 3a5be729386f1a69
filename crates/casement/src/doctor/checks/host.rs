//! This machine: memory and its limits, open files.

use std::{fs, path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome},
    off_worker,
};

const MIB: u64 = 1 << 20;
/// Memory that is available, below which processes are soon killed for it.
const LOW: u64 = 256 * MIB;
/// What the embedded ClickHouse needs for ordinary questions.
const ENGINE: u64 = 1_024 * MIB;
/// From so many on nobody needs to look at it.
const ENOUGH_FILES: u64 = 4_096;

pub(super) fn memory(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let Ok(text) = fs::read_to_string("/proc/meminfo") else {
            return Outcome::skipped("this system does not say how much memory it has");
        };
        let memory = Memory {
            total: kib(&text, "MemTotal").unwrap_or_default(),
            available: kib(&text, "MemAvailable").unwrap_or(u64::MAX),
            swap: kib(&text, "SwapTotal").unwrap_or_default(),
            limit: limit(),
        };
        memory.judged(context.embeds_engine())
    })
}

struct Memory {
    total: u64,
    available: u64,
    swap: u64,
    limit: Option<u64>,
}

impl Memory {
    fn judged(&self, engine: bool) -> Outcome {
        let limit = self.limit.map_or("no limit".to_owned(), |limit| {
            format!("a limit of {} MiB", limit / MIB)
        });
        let found = format!(
            "{} of {} MiB are available, {} MiB of swap, {limit}",
            self.available / MIB,
            self.total / MIB,
            self.swap / MIB
        );
        let most = self.limit.unwrap_or(u64::MAX).min(self.total);
        if self.available < LOW {
            Outcome::warning(
                found,
                "Stop something else, or add memory: the kernel kills what takes most.",
            )
        } else if engine && most < ENGINE {
            Outcome::warning(
                found,
                "The embedded ClickHouse needs 1 GiB: raise the limit, or lower engine.limits.memory_bytes.",
            )
        } else {
            Outcome::ok(found)
        }
    }
}

/// Bytes of a line of `/proc/meminfo`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1_024)
}

/// The limit of this control group and those above it.
fn limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = PathBuf::from("/sys/fs/cgroup");
    let path = root.join(own.trim().trim_start_matches('/'));
    let read = |dir: &std::path::Path| {
        fs::read_to_string(dir.join("memory.max"))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    let above = path.ancestors().take_while(|dir| dir.starts_with(&root));
    above.filter_map(read).min()
}

pub(super) fn open_files(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |_| {
        let limit = monitoring::raise_descriptor_limit();
        let found = format!("a process may have {limit} files and connections open");
        if limit < ENOUGH_FILES {
            Outcome::warning(
                found,
                "Raise the hard limit (ulimit -Hn, LimitNOFILE=, --ulimit nofile=).",
            )
        } else {
            Outcome::ok(found)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn lines_of_meminfo_are_read() {
        let text = "MemTotal:        2048 kB\nMemAvailable:   1024 kB\nHugePages_Total:  0\n";
        assert_eq!(kib(text, "MemTotal"), Some(2 * MIB));
        assert_eq!(kib(text, "MemAvailable"), Some(MIB));
        assert_eq!(kib(text, "Mem"), None);
    }

    #[test]
    fn little_memory_is_told() {
        let of = |available: u64, limit: Option<u64>, engine: bool| {
            let memory = Memory {
                total: 4_096 * MIB,
                available: available * MIB,
                swap: 0,
                limit: limit.map(|limit| limit * MIB),
            };
            memory.judged(engine).state
        };
        assert_eq!(of(2_000, None, true), State::Ok);
        assert_eq!(of(100, None, false), State::Warning);
        assert_eq!(of(2_000, Some(512), true), State::Warning);
        assert_eq!(of(2_000, Some(512), false), State::Ok);
    }
}

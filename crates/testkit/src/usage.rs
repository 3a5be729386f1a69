//! What a process uses: processor time and memory, as Linux counts them.

use std::fs;

/// Clock ticks a second, as Linux reports them to programs on every architecture.
const TICKS: f64 = 100.0;

/// Seconds of processor time that the process has used, in all its threads.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may contain anything; of the fields after it, utime and stime are the 12th and 13th.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut times = fields
        .split_whitespace()
        .skip(11)
        .map(|text| text.parse().unwrap_or(0.0));
    (times.next().unwrap_or(0.0) + times.next().unwrap_or(0.0)) / TICKS
}

/// Resident memory of the process in MiB.
pub fn memory_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let pid = std::process::id();
        let before = cpu_seconds(pid);
        while cpu_seconds(pid) <= before {}
        assert!(memory_mib(pid) > 1.0);
        assert!(memory_mib(0) < 1.0 && cpu_seconds(0) < 1.0);
    }
}

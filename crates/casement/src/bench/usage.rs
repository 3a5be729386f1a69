//! What a process costs: processor time and memory, as Linux counts them.

use std::fs;

/// Clock ticks a second; Linux has shown this number to programs on every architecture for decades.
const TICKS: f64 = 100.0;

/// Seconds of processor time that the process has used, in all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything; after it come state, …, utime and stime as the 12th and 13th.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut times = fields
        .split_whitespace()
        .skip(11)
        .map(|text| text.parse().unwrap_or(0.0));
    (times.next().unwrap_or(0.0) + times.next().unwrap_or(0.0)) / TICKS
}

/// Resident memory of the process in MiB.
pub(crate) fn memory_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something() {
        let mut sum = 0_u64;
        while cpu_seconds(std::process::id()) == 0.0 {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(sum > 0 && memory_mib(std::process::id()) > 1.0);
        assert!(memory_mib(0) < 1.0 && cpu_seconds(0) < 1.0);
    }
}

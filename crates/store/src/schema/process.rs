//! What tells a process from every other one, so that one that has ended is known to have ended.
//!
//! In: Linux's own account of processes. Out: a line of words. A process of another machine, boot or container is never
//! taken for one that has ended.

use std::{
    collections::HashSet,
    fs, process,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The numbers that this process uses, and the newest of all.
static NUMBERS: Mutex<(Option<HashSet<u64>>, u64)> = Mutex::new((None, 0));

fn numbers() -> MutexGuard<'static, (Option<HashSet<u64>>, u64)> {
    NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name of this process that no other part of it has; it has ended when it is dropped.
#[derive(Debug)]
pub(super) struct Name {
    number: u64,
    text: String,
}

impl Name {
    /// Boot, namespace of process ids, process id, its start in ticks since boot, a number.
    pub(super) fn new() -> Self {
        let mut numbers = numbers();
        numbers.1 += 1;
        let number = numbers.1;
        numbers.0.get_or_insert_default().insert(number);
        let pid = process::id();
        let start = start_of(pid).unwrap_or_default();
        let text = format!("{} {} {pid} {start} {number}", boot(), namespace());
        Self { number, text }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        numbers().0.get_or_insert_default().remove(&self.number);
    }
}

/// Whether the process of that name ran on this machine and has ended, or its part of this process.
pub(super) fn has_ended(name: &str) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    let [its_boot, its_namespace, pid, start, number] = words[..] else {
        return false;
    };
    let (Ok(pid), Ok(start), Ok(number)) = (pid.parse(), start.parse::<u64>(), number.parse::<u64>()) else {
        return false;
    };
    let is_here = its_boot != UNKNOWN && its_boot == boot() && its_namespace == namespace();
    if !is_here || start == 0 {
        return false;
    }
    if start_of(pid) != Some(start) {
        return true;
    }
    pid == process::id() && !numbers().0.get_or_insert_default().contains(&number)
}

/// How people call it.
pub(super) fn for_people(name: &str) -> String {
    let pid = name.split(' ').nth(2).unwrap_or(UNKNOWN);
    format!("process {pid}")
}

const UNKNOWN: &str = "-";

fn boot() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.map_or_else(|_| UNKNOWN.to_owned(), |text| text.trim().to_owned())
}

fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid");
    link.map_or_else(|_| UNKNOWN.to_owned(), |link| link.display().to_string())
}

/// When a process began, in ticks since boot; `None` where there is none.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything. What follows begins with the third field; the start is the 22nd.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // A zombie has ended.
    (fields.first() != Some(&"Z")).then(|| fields.get(19)?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_id_has_ended() {
        let name = Name::new();
        let ours = name.as_str().to_owned();
        assert!(!has_ended(&ours), "{ours}");
        let another = Name::new().as_str().to_owned();
        assert_ne!(ours, another, "each name is used once");
        assert!(has_ended(&another), "it was dropped");
        let words: Vec<&str> = ours.split(' ').collect();
        let with = |index: usize, word: &str| {
            let mut words = words.clone();
            words[index] = word;
            words.join(" ")
        };
        assert!(has_ended(&with(3, "1")), "its id was given to another process");
        assert!(has_ended(&with(2, "4194305")), "no process has this id");
        // What cannot be looked at may live.
        for elsewhere in [
            with(0, "other-boot"),
            with(1, "pid:[1]"),
            String::new(),
            "x y".to_owned(),
        ] {
            assert!(!has_ended(&elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_process_that_was_killed_has_ended_before_it_is_waited_for() {
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = start_of(child.id()).unwrap();
        let name = format!("{} {} {} {start} 0", boot(), namespace(), child.id());
        assert!(!has_ended(&name));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(&name));
    }
}

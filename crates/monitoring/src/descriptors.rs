//! How many files and connections the process may have open.
//!
//! In: the limit as the process was started. Out: the highest one that it may give itself, and a part of its health that
//! says so. Set once, at the start of a role: a confined process may not ask any more.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Part, State};

/// From so many on nobody needs to look at it.
const ENOUGH: u64 = 4_096;

static LIMIT: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit of open files to the hard one, as every process may. Returns the limit.
pub fn raise_descriptor_limit() -> u64 {
    *LIMIT.get_or_init(|| {
        let limits = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limits.maximum,
            maximum: limits.maximum,
        };
        let granted = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limits.maximum,
            Err(_) => limits.current,
        };
        granted.unwrap_or(u64::MAX)
    })
}

/// The part of the health; `None` before the limit was raised.
pub(crate) fn part() -> Option<Part> {
    LIMIT.get().copied().map(part_of)
}

fn part_of(limit: u64) -> Part {
    let (state, advice) = if limit < ENOUGH {
        (
            State::Degraded,
            ": raise the hard limit (ulimit -Hn, LimitNOFILE=)",
        )
    } else {
        (State::Ok, "")
    };
    Part {
        name: "descriptors",
        state,
        reason: Some(format!("at most {limit} open files and connections{advice}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert_eq!(raise_descriptor_limit(), hard);
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), hard);
        assert!(part().unwrap().reason.unwrap().contains(&hard.to_string()));
    }

    #[test]
    fn few_are_worth_a_look() {
        assert_eq!(part_of(1_024).state, State::Degraded);
        assert_eq!(part_of(ENOUGH).state, State::Ok);
    }
}

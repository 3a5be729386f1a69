//! How much of a flood is logged: the first few of every minute. The counters have the rest.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const LINES_A_MINUTE: u32 = 20;

/// Says whether one more line may be logged.
#[derive(Debug, Default)]
pub(crate) struct LogBudget(Mutex<Option<(Instant, u32)>>);

impl LogBudget {
    /// Takes a line from the budget, if one is left at `now`.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        let mut state = self.0.lock();
        let (_, spent) = match &mut *state {
            Some(minute) if now.duration_since(minute.0) < Duration::from_mins(1) => minute,
            old => old.insert((now, 0)),
        };
        *spent = spent.saturating_add(1);
        *spent <= LINES_A_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_lines_a_minute() {
        let (budget, start) = (LogBudget::default(), Instant::now());
        assert_eq!((0..100).filter(|_| budget.allows(start)).count(), 20);
        assert!(budget.allows(start + Duration::from_secs(61)));
    }
}

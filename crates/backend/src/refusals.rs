//! How many refused messages become rows: the first of a topic in each minute, so that a broken device is seen but
//! cannot fill the table.
//!
//! In: topics of refused messages. Out: whether to write a row. Memory is bounded whatever topics strangers invent.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_mins(1);
const ROWS_PER_TOPIC: u32 = 20;
const MAX_TOPICS: usize = 1_000;
const LONGEST_TOPIC: usize = 256;

/// The budget of all topics for the present minute.
#[derive(Debug)]
pub(crate) struct RefusalBudget {
    since: Instant,
    rows: HashMap<String, u32>,
    /// Topics beyond [`MAX_TOPICS`] share one budget.
    rest: u32,
}

impl RefusalBudget {
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
            rows: HashMap::new(),
            rest: 0,
        }
    }

    /// Whether the next refusal on `topic` gets a row.
    pub(crate) fn spend(&mut self, topic: &str) -> bool {
        if self.since.elapsed() >= WINDOW {
            *self = Self::new();
        }
        // Topics that begin alike for so long share a budget.
        let topic = &topic[..topic.floor_char_boundary(LONGEST_TOPIC)];
        let room = self.rows.len() < MAX_TOPICS || self.rows.contains_key(topic);
        let spent = if room {
            self.rows.entry(topic.to_owned()).or_default()
        } else {
            &mut self.rest
        };
        *spent += 1;
        *spent <= ROWS_PER_TOPIC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn twenty_rows_a_minute_for_each_topic() {
        let mut budget = RefusalBudget::new();
        let granted = |budget: &mut RefusalBudget, topic| (0..100).filter(|_| budget.spend(topic)).count();
        assert_eq!(granted(&mut budget, "a"), 20);
        assert_eq!(granted(&mut budget, "b"), 20);
        tokio::time::advance(WINDOW).await;
        assert_eq!(granted(&mut budget, "a"), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn invented_topics_do_not_grow_memory() {
        let mut budget = RefusalBudget::new();
        let granted = (0..5_000).filter(|i| budget.spend(&format!("t{i}"))).count();
        assert_eq!(granted, MAX_TOPICS + ROWS_PER_TOPIC as usize);
        assert_eq!(budget.rows.len(), MAX_TOPICS);
        let mut budget = RefusalBudget::new();
        assert!(budget.spend(&"ä".repeat(30_000)));
        assert!(budget.rows.keys().all(|topic| topic.len() <= LONGEST_TOPIC));
    }
}

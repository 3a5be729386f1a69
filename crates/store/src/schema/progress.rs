//! How far a change of the schema has come, for people who wait for it.

use std::fmt;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Another process changes the schema; it is waited for.
    Waiting,
    /// A numbered migration.
    Migration,
    /// A month of rows that were stored before their rollup existed.
    Rollup,
}

/// How far a change of the schema has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Which of them, from 1.
    pub step: usize,
    /// How many there are.
    pub of: usize,
    /// The migration, or the rollup and its month.
    pub name: String,
    /// How much of the present statement is done, where ClickHouse says so.
    pub percent: Option<u8>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            phase,
            step,
            of,
            name,
            percent,
        } = self;
        match phase {
            Phase::Waiting => {
                return write!(f, "another process changes the schema ({name}); waiting for it");
            }
            Phase::Migration => write!(f, "schema migration {step} of {of}: {name}")?,
            Phase::Rollup => write!(f, "rollup of earlier rows {step} of {of}: {name}")?,
        }
        match percent {
            Some(percent) => write!(f, ", {percent} %"),
            None => Ok(()),
        }
    }
}

/// Hears how far it has come: at each step, and every few seconds within a long one.
pub type Tell<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_which_of_how_many_and_how_much_of_it() {
        let progress = Progress {
            phase: Phase::Migration,
            step: 3,
            of: 7,
            name: "0012_readings_by_time".to_owned(),
            percent: None,
        };
        assert_eq!(
            progress.to_string(),
            "schema migration 3 of 7: 0012_readings_by_time"
        );
        let rollup = Progress {
            phase: Phase::Rollup,
            name: "readings_by_time 202511".to_owned(),
            percent: Some(45),
            ..progress
        };
        assert_eq!(
            rollup.to_string(),
            "rollup of earlier rows 3 of 7: readings_by_time 202511, 45 %"
        );
    }
}

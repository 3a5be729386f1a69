//! Flags of the commands that write the command line down: for shells and for `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::path;

/// Flags of `casement completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell whose completions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Flags of `casement man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Where the pages are written; it is made if it is not there
    #[arg(value_name = "DIR", value_parser = path())]
    pub directory: PathBuf,
}

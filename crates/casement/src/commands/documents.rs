//! `casement completions` and `casement man`: the command line, written down for shells and for `man`.
//!
//! In: the definition of the command line. Out: a script on standard output, or a page for each command in a directory.

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::{generate, shells};

use crate::{
    cli::{Cli, Completions, Man, Shell},
    output::say,
};

const NAME: &str = "casement";

pub(super) fn completions(flags: &Completions) {
    let mut command = Cli::command();
    let mut script = Vec::new();
    match flags.shell {
        Shell::Bash => generate(shells::Bash, &mut command, NAME, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, NAME, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, NAME, &mut script),
    }
    say!("{}", String::from_utf8_lossy(&script).trim_end());
}

pub(super) fn man(flags: &Man) -> anyhow::Result<()> {
    let directory = &flags.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .with_context(|| format!("the pages cannot be written to {}", directory.display()))?;
    say!("{}: the pages for man", directory.display());
    Ok(())
}

//! `casement self-check`: whether this binary works on this machine, before anything is installed or stored.
//!
//! In: the flags that the service would be started with. Out: as `casement doctor`, whose checks and report it shares.

use crate::{cli, doctor};

pub(super) async fn run(flags: cli::SelfCheck) -> anyhow::Result<()> {
    let json = flags.json;
    let target = super::doctor::target(cli::Doctor {
        quick: false,
        json,
        role: doctor::Setup::Up,
        token_file: None,
        installation: flags.installation,
        simulate: None,
    })?;
    super::doctor::reported(target, doctor::of_machine(), false, json).await
}

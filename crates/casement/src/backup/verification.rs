//! Reads a backup to its end: every file is there, of its size, and of its SHA-256.

use std::collections::HashSet;

use anyhow::bail;

use super::{
    Progress,
    copying::{self, Wanted},
    shelf::Shelved,
};

/// Verifies a backup and those that it is based on.
pub(crate) fn verify(chain: &[Shelved], progress: &Progress) -> anyhow::Result<()> {
    for backup in chain {
        verify_own(backup, progress)?;
    }
    for (at, backup) in chain.iter().enumerate() {
        check_bases(backup, &chain[at + 1..])?;
    }
    Ok(())
}

/// Verifies the files that a backup holds itself.
pub(crate) fn verify_own(backup: &Shelved, progress: &Progress) -> anyhow::Result<()> {
    let own = backup.manifest.files.iter().filter(|entry| entry.is_own());
    let wanted: Wanted<'_> = own.map(|entry| (entry.path.as_str(), (entry, None))).collect();
    let counting = progress.bytes("verifying", backup.manifest.bytes);
    copying::take_out(backup, wanted, &counting)
}

/// What earlier backups hold is held there with the same content.
fn check_bases(backup: &Shelved, earlier: &[Shelved]) -> anyhow::Result<()> {
    let held: HashSet<(&str, &str, &str)> = earlier
        .iter()
        .flat_map(|base| {
            let own = base.manifest.files.iter().filter(|entry| entry.is_own());
            own.map(|entry| {
                (
                    base.manifest.name.as_str(),
                    entry.path.as_str(),
                    entry.sha256.as_str(),
                )
            })
        })
        .collect();
    for entry in &backup.manifest.files {
        if let Some(name) = &entry.within
            && !held.contains(&(name.as_str(), entry.path.as_str(), entry.sha256.as_str()))
        {
            bail!(
                "{} of {} should be in the earlier backup {name}, and is not",
                entry.path,
                backup.path.display()
            );
        }
    }
    Ok(())
}

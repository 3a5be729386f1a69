//! Makes a data directory of a backup.
//!
//! In: a backup, verified to its end before anything is written, and a directory that is empty or not there. Out: that
//! directory, with the same rows and checksums in every table, or nothing: everything is written to a sibling, which gets the
//! name at the end. A sibling that a killed process left is removed by the next one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use engine::Supervisor;
use secrecy::ExposeSecret as _;
use store::{Store, StoreOptions, TableFigures};
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    Progress,
    copying::{self, Wanted},
    manifest::{self, Manifest},
    parts,
    shelf::{self, Shelved},
    tree, verification,
};
use crate::{config::Config, engine_part, noted, page_urls, snippets, system::this_program};

/// How long an engine may take to end.
const END: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Restores the newest backup of `chain`, whose bases follow it, as `data`.
/// `config` says which engine does it.
pub(crate) async fn restore(
    chain: Vec<Shelved>,
    data: &Path,
    config: &Config,
    progress: &Progress,
) -> anyhow::Result<()> {
    let data = std::path::absolute(data)?;
    refuse_full(&data)?;
    let sibling = sibling(&data)?;
    let newest = chain[0].manifest.clone();
    if newest.schema > store::SCHEMA_VERSION {
        bail!(
            "the backup {} was made by Casement {} with schema {}, and this one knows {}: restore it with that version",
            newest.name,
            newest.casement,
            newest.schema,
            store::SCHEMA_VERSION
        );
    }
    let (verified, step) = (chain.clone(), progress.clone());
    spawn_blocking(move || verification::verify(&verified, &step)).await??;
    tree::private_dir(tree::parent(&data))
        .with_context(|| format!("{} cannot be made", tree::parent(&data).display()))?;
    let held = claim(&sibling)?;
    let outcome = fill(chain, &sibling, config, progress).await;
    let outcome = outcome.and_then(|()| put_in_place(&sibling, &data, progress));
    if outcome.is_err() {
        let _ = tree::remove(&sibling);
    }
    drop(held);
    outcome
}

/// Refuses a directory that holds anything.
fn refuse_full(data: &Path) -> anyhow::Result<()> {
    let first = match fs::read_dir(data) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be used", data.display())),
    };
    if first.is_some() {
        bail!(
            "{} is not empty, and nothing is overwritten: name a new directory, or move this one away",
            data.display()
        );
    }
    Ok(())
}

fn sibling(data: &Path) -> anyhow::Result<PathBuf> {
    let name = data.file_name().context("--data names no directory")?;
    Ok(tree::parent(data).join(format!(".{}.restoring", name.to_string_lossy())))
}

/// Makes the sibling, after one that a killed process left is removed.
fn claim(sibling: &Path) -> anyhow::Result<fs::File> {
    let in_use = || format!("another process restores into {}", sibling.display());
    if sibling.exists() {
        let held = shelf::hold(sibling)?.with_context(in_use)?;
        remove_in_time(sibling)
            .with_context(|| format!("{} of an earlier restore cannot be removed", sibling.display()))?;
        drop(held);
    }
    tree::private_dir(sibling).with_context(|| format!("{} cannot be made", sibling.display()))?;
    shelf::hold(sibling)?.with_context(in_use)
}

/// Removes what a killed process left; its engine may still be ending there.
fn remove_in_time(sibling: &Path) -> io::Result<()> {
    let started = std::time::Instant::now();
    loop {
        match tree::remove(sibling) {
            Err(_) if started.elapsed() < END => std::thread::sleep(LOOK),
            other => return other,
        }
    }
}

async fn fill(
    chain: Vec<Shelved>,
    sibling: &Path,
    config: &Config,
    progress: &Progress,
) -> anyhow::Result<()> {
    let newest = chain[0].manifest.clone();
    let (to, step) = (sibling.to_owned(), progress.clone());
    spawn_blocking(move || take_files(&chain, &to, &step)).await??;
    progress.step("ClickHouse restores its tables");
    restore_tables(&newest, sibling, config.clone()).await?;
    tree::remove(&backups(sibling))?;
    forget_addresses(&sibling.join("accounts"))?;
    Ok(())
}

/// Removes where the service listened that was backed up: a copy that has not run yet is nowhere, and commands that are told
/// its directory must not find the original.
fn forget_addresses(accounts: &Path) -> io::Result<()> {
    for name in [
        noted::FILE,
        noted::PARTS_FILE,
        snippets::DOOR_FILE,
        page_urls::FILE,
    ] {
        match fs::remove_file(accounts.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The folder of backups of the engine that restores.
fn backups(sibling: &Path) -> PathBuf {
    sibling.join("clickhouse-backups")
}

fn take_files(chain: &[Shelved], sibling: &Path, progress: &Progress) -> anyhow::Result<()> {
    let newest = &chain[0].manifest;
    let total = chain.iter().map(|backup| backup.manifest.bytes).sum();
    let counting = progress.bytes("copying", total);
    for backup in chain {
        let name = &backup.manifest.name;
        let mut wanted = Wanted::new();
        // ClickHouse finds the parts that a backup lacks in those that it is based on, by their names.
        for entry in backup.manifest.files.iter().filter(|entry| entry.is_own()) {
            if let Some(below) = entry.path.strip_prefix("clickhouse/") {
                let to = backups(sibling).join(name).join(below);
                wanted.insert(&entry.path, (entry, Some(to)));
            }
        }
        for entry in newest
            .files
            .iter()
            .filter(|entry| entry.part() != parts::CLICKHOUSE)
        {
            let holder = entry.within.as_ref().unwrap_or(&newest.name);
            if holder == name && entry.link.is_none() && !entry.directory {
                wanted.insert(&entry.path, (entry, Some(sibling.join(&entry.path))));
            }
        }
        copying::take_out(backup, wanted, &counting)?;
    }
    for entry in newest
        .files
        .iter()
        .filter(|entry| entry.part() != parts::CLICKHOUSE)
    {
        let to = sibling.join(&entry.path);
        if entry.directory {
            tree::private_dir(&to)?;
        } else if entry.link.is_some() {
            copying::link(entry, &to)?;
        }
    }
    Ok(())
}

async fn restore_tables(newest: &Manifest, sibling: &Path, mut config: Config) -> anyhow::Result<()> {
    config.engine.path = sibling.join("engine");
    config.engine.backups = Some(backups(sibling));
    config.engine.addr = engine_part::free_address()?;
    let engine = engine_part::start_plain(&config, this_program()?).await?;
    let mut options = StoreOptions::new(format!("http://{}", engine.listen()), &newest.database);
    options.user = "default".into();
    if let Some(password) = &config.engine.password {
        password.expose_secret().clone_into(&mut options.password);
    }
    let outcome = restore_at(&Store::new(options)?, newest).await;
    stop(engine).await;
    outcome
}

async fn stop(engine: Supervisor) {
    engine.stop(Instant::now() + END).await;
}

async fn restore_at(store: &Store, newest: &Manifest) -> anyhow::Result<()> {
    let ours = store.server_version().await?;
    let known = |version: &str| manifest::numbers(version)[..2].to_vec();
    if known(&newest.clickhouse) > known(&ours) {
        bail!(
            "the backup {} was made by ClickHouse {}, and this is {ours}: fetch that version of the engine, or a newer one",
            newest.name,
            newest.clickhouse
        );
    }
    store.restore(&newest.name).await?;
    let found = store.figures().await?;
    match differences(&newest.tables, &found).first() {
        None => Ok(()),
        Some(difference) => bail!(
            "the restored tables are not as they were: {difference}; the backup {} cannot be used",
            newest.name
        ),
    }
}

/// What differs between tables as they were and as they are.
fn differences(expected: &[TableFigures], found: &[TableFigures]) -> Vec<String> {
    let differing = expected.iter().filter(|table| !found.contains(table));
    differing
        .map(|table| {
            let rows = found.iter().find(|other| other.table == table.table).map_or_else(
                || "is missing".to_owned(),
                |other| format!("has {} rows", other.rows),
            );
            format!(
                "{} had {} rows (checksum {}) and {rows}",
                table.table, table.rows, table.checksum
            )
        })
        .collect()
}

fn put_in_place(sibling: &Path, data: &Path, progress: &Progress) -> anyhow::Result<()> {
    progress.step("waiting for the disk");
    tree::sync(sibling)?;
    // A directory takes the place of an empty one, and of no other.
    tree::rename(sibling, data)
        .with_context(|| format!("{} cannot be made; is it still empty?", data.display()))
}

/// What a person has to do with what was restored beside the data.
pub(crate) fn advice(manifest: &Manifest, data: &Path) -> Vec<String> {
    let has = |part: &str| manifest.files.iter().any(|entry| entry.part() == part);
    let mut lines = vec![format!("start it: casement up --data {}", data.display())];
    let part = |name: &str| data.join(name).display().to_string();
    if has(parts::CONFIGURATION) {
        let files = manifest
            .files
            .iter()
            .filter(|entry| entry.part() == parts::CONFIGURATION);
        let names: Vec<&str> = files.map(|entry| &entry.path["configuration/".len()..]).collect();
        lines.push(format!(
            "its configuration is in {} ({}): put it where it belongs, or name it with --config; its paths are those of the old place",
            part(parts::CONFIGURATION),
            names.join(", ")
        ));
    }
    if has(parts::MODELS) {
        lines.push(format!(
            "its models are in {}: set model.path to the file there, or move them to where model.path leads",
            part(parts::MODELS)
        ));
    }
    if has(parts::RECORDINGS) {
        lines.push(format!(
            "its recordings are in {}: with --data they are used there, unless audio.storage_path names another folder",
            part(parts::RECORDINGS)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_directory_or_none_is_filled() {
        let root = tempfile::tempdir().unwrap();
        refuse_full(root.path()).unwrap();
        refuse_full(&root.path().join("new")).unwrap();
        fs::write(root.path().join("x"), "").unwrap();
        let error = refuse_full(root.path()).unwrap_err().to_string();
        assert!(error.contains("not empty"), "{error}");
        assert!(refuse_full(&root.path().join("x")).is_err());
    }

    #[test]
    fn a_table_that_lacks_a_row_is_told() {
        let table = |table: &str, rows, checksum: &str| TableFigures {
            table: table.into(),
            rows,
            checksum: checksum.into(),
        };
        let expected = [table("a", 2, "01"), table("b", 1, "02")];
        assert_eq!(differences(&expected, &expected), Vec::<String>::new());
        let found = [table("a", 1, "03")];
        let told = differences(&expected, &found);
        assert!(
            told[0].contains("a had 2 rows (checksum 01) and has 1 rows"),
            "{told:?}"
        );
        assert!(told[1].contains("is missing"), "{told:?}");
    }
}

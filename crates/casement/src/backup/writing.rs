//! Writes a backup of a snapshot: a directory on a shelf, or one archive.
//!
//! In: a snapshot in staging. Out: a backup that was read again and found whole before it got its name. Everything is written
//! under a name that begins with a dot, which a process that is killed leaves behind and the next backup removes.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use tar::{Builder, EntryType, Header};
use zstd::stream::write::Encoder;

use super::{
    Progress, Snapshot,
    manifest::{self, Base, Entry, Manifest},
    parts, progress,
    shelf::{self, Shelved},
    snapshot::StagedPart,
    target::Target,
    tree, verification,
};

/// ClickHouse's files are compressed: more effort gains little.
const ZSTD_LEVEL: i32 = 3;

/// Writes a backup. `base` is what the snapshot adds to.
pub(crate) fn write(
    snapshot: &Snapshot,
    target: &Target,
    base: Option<&Shelved>,
    progress: &Progress,
) -> anyhow::Result<Shelved> {
    let dir = target.shelf();
    shelf::sweep(dir).with_context(|| {
        format!(
            "what an earlier backup left in {} cannot be removed",
            dir.display()
        )
    })?;
    progress.step("reading");
    let (manifest, sources) = describe(snapshot, base)?;
    let written = match target {
        Target::Shelf(dir) => write_directory(dir, &manifest, &sources, progress),
        Target::Archive(file) => write_archive(file, &manifest, &sources, progress),
    };
    written.with_context(|| format!("the backup cannot be written to {}", dir.display()))
}

/// Where the bytes of a file are.
struct Staged {
    path: PathBuf,
    is_own: bool,
}

type Sources = HashMap<String, Staged>;

fn describe(snapshot: &Snapshot, base: Option<&Shelved>) -> anyhow::Result<(Manifest, Sources)> {
    let earlier: HashMap<&str, &Entry> = base
        .iter()
        .flat_map(|base| &base.manifest.files)
        .map(|entry| (entry.path.as_str(), entry))
        .collect();
    let (mut files, mut sources) = (Vec::new(), Sources::new());
    for part in &snapshot.parts {
        for below in tree::files(&part.path)? {
            let (mut entry, staged) = entry(part, &below)?;
            // Of ClickHouse's files, its own index says which are in the base.
            let same = earlier
                .get(entry.path.as_str())
                .filter(|same| same.sha256 == entry.sha256 && same.bytes == entry.bytes);
            if let (Some(same), Some(base)) = (same, base)
                && part.name != parts::CLICKHOUSE
                && entry.is_own()
            {
                entry.within = Some(same.within.clone().unwrap_or_else(|| base.manifest.name.clone()));
            }
            sources.insert(entry.path.clone(), staged);
            files.push(entry);
        }
    }
    let bytes = files
        .iter()
        .filter(|entry| entry.is_own())
        .map(|entry| entry.bytes)
        .sum();
    let manifest = Manifest {
        format: manifest::FORMAT,
        name: snapshot.name.clone(),
        created: snapshot.created,
        casement: env!("CARGO_PKG_VERSION").into(),
        clickhouse: snapshot.clickhouse.clone(),
        schema: store::SCHEMA_VERSION,
        database: snapshot.database.clone(),
        base: base.map(|base| Base {
            name: base.manifest.name.clone(),
            manifest_sha256: base.manifest_sha256.clone(),
        }),
        tables: snapshot.tables.clone(),
        journal_records: snapshot.journal_records,
        bytes,
        files,
    };
    Ok((manifest, sources))
}

fn entry(part: &StagedPart, below: &Path) -> anyhow::Result<(Entry, Staged)> {
    let path = part.path.join(below);
    let failed = || format!("{} cannot be read", path.display());
    let below = below
        .to_str()
        .with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
    let metadata = fs::symlink_metadata(&path).with_context(failed)?;
    let link = if metadata.is_symlink() {
        Some(fs::read_link(&path)?.to_string_lossy().into_owned())
    } else {
        None
    };
    let directory = metadata.is_dir();
    let (bytes, sha256) = if directory || link.is_some() {
        (0, String::new())
    } else {
        tree::digest(File::open(&path).with_context(failed)?).with_context(failed)?
    };
    let entry = Entry {
        path: format!("{}/{below}", part.name),
        bytes,
        sha256,
        modified: metadata.mtime(),
        within: None,
        link,
        directory,
    };
    let is_own = part.is_own;
    Ok((entry, Staged { path, is_own }))
}

fn digest_line(text: &[u8]) -> io::Result<String> {
    Ok(format!("{}  {}\n", tree::digest(text)?.1, manifest::FILE))
}

fn write_directory(
    dir: &Path,
    manifest: &Manifest,
    sources: &Sources,
    progress: &Progress,
) -> anyhow::Result<Shelved> {
    let target = dir.join(&manifest.name);
    let partial = shelf::partial(dir, &manifest.name);
    tree::private_dir(&partial)?;
    let _held = shelf::hold(&partial)?;
    let outcome = (|| {
        let counting = progress.bytes("copying", manifest.bytes);
        for entry in manifest.files.iter().filter(|entry| entry.is_own()) {
            let (staged, to) = (&sources[&entry.path], partial.join(&entry.path));
            tree::private_dir(tree::parent(&to))?;
            if staged.is_own {
                tree::link_or_copy(&staged.path, &to)?;
            } else {
                tree::copy(&staged.path, &to)?;
            }
            counting.add(entry.bytes);
        }
        drop(counting);
        let text = manifest.text();
        tree::private_file(&partial.join(manifest::FILE))?.write_all(&text)?;
        tree::private_file(&partial.join(manifest::DIGEST))?.write_all(digest_line(&text)?.as_bytes())?;
        tree::close(&partial)?;
        progress.step("waiting for the disk");
        tree::sync(&partial)?;
        let written = Shelved::open(&partial)?;
        verification::verify_own(&written, progress)?;
        tree::rename(&partial, &target)?;
        anyhow::Ok(Shelved {
            path: target,
            ..written
        })
    })();
    cleared(outcome, &partial)
}

fn write_archive(
    target: &Path,
    manifest: &Manifest,
    sources: &Sources,
    progress: &Progress,
) -> anyhow::Result<Shelved> {
    let name = target
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let partial = shelf::partial(tree::parent(target), &name);
    // One of an earlier attempt, which nobody holds, was swept away.
    let file = tree::private_file(&partial).context("another backup is being written there")?;
    let _held = shelf::hold(&partial)?;
    let outcome = (|| {
        let counting = progress.bytes("packing", manifest.bytes);
        let mut builder = Builder::new(Encoder::new(file, ZSTD_LEVEL)?);
        let created = manifest.created.as_second();
        let text = manifest.text();
        let digest = digest_line(&text)?;
        let mut append = |path: &str, modified: i64, bytes: u64, reader: &mut dyn io::Read| {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o600);
            header.set_mtime(u64::try_from(modified).unwrap_or(0));
            header.set_size(bytes);
            builder.append_data(&mut header, format!("{}/{path}", manifest.name), reader)
        };
        append(manifest::FILE, created, text.len() as u64, &mut &text[..])?;
        append(
            manifest::DIGEST,
            created,
            digest.len() as u64,
            &mut digest.as_bytes(),
        )?;
        for entry in manifest.files.iter().filter(|entry| entry.is_own()) {
            let mut source = File::open(&sources[&entry.path].path)?;
            append(&entry.path, entry.modified, entry.bytes, &mut source)?;
            counting.add(entry.bytes);
        }
        drop(counting);
        let file = builder.into_inner()?.finish()?;
        progress.step("waiting for the disk");
        file.sync_all()?;
        let written = Shelved::open(&partial)?;
        verification::verify_own(&written, progress)?;
        if target.exists() {
            bail!("{} is there by now", target.display());
        }
        tree::rename(&partial, target)?;
        anyhow::Ok(Shelved {
            path: target.to_owned(),
            ..written
        })
    })();
    cleared(outcome, &partial)
}

/// Removes what was written where that failed.
fn cleared(outcome: anyhow::Result<Shelved>, partial: &Path) -> anyhow::Result<Shelved> {
    if outcome.is_err() {
        let _ = tree::remove(partial);
    }
    outcome
}

/// What was written, in one line.
pub(crate) fn summary(backup: &Shelved) -> String {
    let manifest = &backup.manifest;
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    let kind = manifest
        .base
        .as_ref()
        .map_or_else(|| "full".to_owned(), |base| format!("adds to {}", base.name));
    format!(
        "{}: {kind}, {} in {} files, {rows} rows in {} tables, {} records of the journal; verified",
        backup.path.display(),
        progress::size(manifest.bytes),
        manifest.files.iter().filter(|entry| entry.is_own()).count(),
        manifest.tables.len(),
        manifest.journal_records,
    )
}

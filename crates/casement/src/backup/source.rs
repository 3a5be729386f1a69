//! What a backup is taken of: an installation whose recorder can pause and whose storages can be copied.
//!
//! In: a request, at most one at a time. Out: a [`Snapshot`] in staging. The recorder pauses between two plans while the tables
//! are frozen and the journal is copied, so that every record is in exactly one of both; everything else is read after that.
//! Messages are acknowledged all the time, but for the moment in which the journal's files are closed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use backend::Standstills;
use broker::Keep;
use store::Store;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
    time::timeout,
};
use tracing::{debug, info, warn};

use super::{
    BaseIndex, Progress, Snapshot,
    gently::gently,
    manifest,
    parts::{self, Places},
    progress,
    snapshot::StagedPart,
    tree,
};

/// How long ClickHouse may take for the plan that is under way.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for freezing its tables, while nothing is stored.
const FREEZE: Duration = Duration::from_secs(30);

/// An installation that is open.
pub(crate) struct Source {
    places: Places,
    store: Store,
    standstills: Standstills,
    /// What the running broker keeps.
    keep: Option<Keep>,
    turn: Arc<Mutex<()>>,
}

/// A snapshot, while it is in staging: the next one waits until it is dropped.
pub(crate) struct Taken {
    pub(crate) snapshot: Snapshot,
    _turn: OwnedMutexGuard<()>,
}

impl Source {
    pub(crate) fn new(places: Places, store: Store, standstills: Standstills, keep: Option<Keep>) -> Self {
        Self {
            places,
            store,
            standstills,
            keep,
            turn: Arc::default(),
        }
    }

    /// Where the installation's parts are.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Takes a snapshot; with a base, ClickHouse's part of it has only what the base lacks. `room` is how many bytes it may
    /// have where it goes, if that is another disk.
    pub(crate) async fn take(
        &self,
        base: Option<BaseIndex>,
        room: Option<u64>,
        progress: &Progress,
    ) -> anyhow::Result<Taken> {
        let turn = if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
            turn
        } else {
            progress.step("waiting until another backup is done");
            Arc::clone(&self.turn).lock_owned().await
        };
        self.clean().await?;
        if base.is_none() {
            self.require_room(room).await?;
        }
        match self.stage(base, progress).await {
            Ok(snapshot) => Ok(Taken {
                snapshot,
                _turn: turn,
            }),
            Err(error) => {
                if let Err(error) = self.clean().await {
                    warn!("a backup that failed leaves files behind until the next one: {error:#}");
                }
                Err(error)
            }
        }
    }

    /// Removes a snapshot from staging.
    pub(crate) async fn discard(&self, taken: Taken) {
        if let Err(error) = self.clean().await {
            warn!("files of a backup stay behind until the next one: {error:#}");
        }
        drop(taken);
    }

    /// Removes what an earlier backup left, if one did.
    pub(crate) async fn clean(&self) -> anyhow::Result<()> {
        let places = self.places.clone();
        let remove = move || -> io::Result<()> {
            tree::remove(&places.staging())?;
            for path in ours(&places.clickhouse_backups)? {
                tree::remove(&path)?;
            }
            Ok(())
        };
        spawn_blocking(remove)
            .await?
            .context("files of an earlier backup cannot be removed")?;
        let unfrozen = timeout(FREEZE, self.store.unfreeze()).await;
        unfrozen.map_err(anyhow::Error::from).and_then(|done| Ok(done?)).context(
            "ClickHouse does not answer, and a backup without it would not be whole; see `casement doctor`",
        )
    }

    /// Refuses a full backup for which a disk is too small: all of ClickHouse's files are written once beside it, and once more
    /// where they go, if that is another disk.
    async fn require_room(&self, there: Option<u64>) -> anyhow::Result<()> {
        let months = timeout(FREEZE, self.store.stored_months()).await;
        let months = months.context("ClickHouse does not answer")??;
        let needed: u64 = months.iter().map(|month| month.bytes).sum();
        let backups = self.places.clickhouse_backups.clone();
        let here =
            spawn_blocking(move || tree::private_dir(&backups).and_then(|()| tree::free(&backups))).await??;
        let size = progress::size;
        if here < needed {
            bail!(
                "ClickHouse's part of the backup needs {}, and the disk of {} has {} free: make room there, or set engine.backups \
                 to a directory on another disk",
                size(needed),
                self.places.clickhouse_backups.display(),
                size(here)
            );
        }
        match there {
            Some(there) if there < needed => bail!(
                "the backup needs {} or more, and where it goes {} are free: make room there, or name another disk",
                size(needed),
                size(there)
            ),
            _ => Ok(()),
        }
    }

    async fn stage(&self, base: Option<BaseIndex>, progress: &Progress) -> anyhow::Result<Snapshot> {
        let created = jiff::Timestamp::now();
        let name = manifest::name_at(created);
        let staging = self.places.staging();
        let (dir, backups) = (staging.clone(), self.places.clickhouse_backups.clone());
        let based_on = base.as_ref().map(|base| base.name.clone());
        let prepare = move || -> io::Result<()> {
            tree::private_dir(&dir)?;
            tree::private_dir(&backups)?;
            if let Some(base) = base {
                let dir = backups.join(&base.name);
                tree::private_dir(&dir)?;
                fs::write(dir.join(".backup"), &base.index)?;
            }
            Ok(())
        };
        spawn_blocking(prepare)
            .await?
            .with_context(|| format!("{} cannot be used", staging.display()))?;
        let clickhouse = self.store.server_version().await?;
        let (journal_records, pause) = self.stand_still(progress).await?;
        progress.step("copying accounts, settings, models and what the broker keeps");
        let staged = self.copy_parts().await?;
        self.store.keep_frozen().await?;
        progress.step("counting rows");
        let tables = self.store.frozen_figures().await?;
        progress.step("ClickHouse backs its tables up");
        self.store.back_up(&name, based_on.as_deref()).await?;
        self.store.unfreeze().await?;
        info!(
            name,
            pause_ms = pause.as_millis() as u64,
            journal_records,
            "a snapshot for a backup is taken"
        );
        let mut parts = vec![StagedPart {
            name: parts::CLICKHOUSE.into(),
            path: self.places.clickhouse_backups.join(&name),
            is_own: true,
        }];
        parts.extend(staged);
        Ok(Snapshot {
            name,
            created,
            clickhouse,
            database: self.store.database_name().to_owned(),
            tables,
            journal_records,
            pause_ms: pause.as_millis() as u64,
            base: based_on,
            parts,
        })
    }

    /// Freezes the tables and copies the journal while nothing goes from one to the other. Returns how many records the
    /// journal holds, and how long it took.
    async fn stand_still(&self, progress: &Progress) -> anyhow::Result<(u64, Duration)> {
        progress.step("waiting until ClickHouse has what is on its way");
        let Some(standstill) = self.standstills.begin(PATIENCE).await else {
            bail!(
                "ClickHouse takes no rows now, and a backup without it would not be whole; see `casement doctor`"
            );
        };
        let began = Instant::now();
        timeout(FREEZE, self.store.freeze())
            .await
            .context("ClickHouse takes too long to freeze its tables")??;
        let to = self.places.staging().join(parts::JOURNAL);
        let closing = Instant::now();
        standstill
            .while_closed(move |journal| tree::copy_closed(journal, &to))
            .await
            .context("the journal cannot be copied")?;
        debug!(
            journal_ms = closing.elapsed().as_millis() as u64,
            "the journal is copied"
        );
        Ok((standstill.waiting(), began.elapsed()))
    }

    async fn copy_parts(&self) -> anyhow::Result<Vec<StagedPart>> {
        let staging = self.places.staging();
        self.copy_broker(staging.join(parts::BROKER))
            .await
            .context("what the broker keeps cannot be copied")?;
        let (places, to) = (self.places.clone(), staging.clone());
        gently(move || copy_small(&places, &to)).await?;
        let staged = parts::ALL.into_iter().filter(|name| staging.join(name).is_dir());
        Ok(staged
            .map(|name| StagedPart {
                name: name.into(),
                path: staging.join(name),
                // Links to files of the installation, in part.
                is_own: false,
            })
            .collect())
    }

    async fn copy_broker(&self, to: PathBuf) -> io::Result<()> {
        if let Some(keep) = &self.keep {
            return keep.while_closed(move |from| tree::copy_closed(from, &to)).await;
        }
        let Some(from) = self.places.broker.clone().filter(|path| path.is_dir()) else {
            return Ok(());
        };
        let copying = move || broker::while_unused(&from, |from| tree::copy_closed(from, &to));
        spawn_blocking(copying).await?
    }
}

/// The directories that ClickHouse writes for us among those of others.
fn ours(backups: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(backups) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    let is_ours = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(manifest::is_made);
    Ok(entries
        .iter()
        .filter(|entry| is_ours(entry))
        .map(fs::DirEntry::path)
        .collect())
}

fn copy_small(places: &Places, staging: &Path) -> anyhow::Result<()> {
    let copy = |from: &Path, name: &str| {
        tree::copy_tree(from, &staging.join(name))
            .with_context(|| format!("{} cannot be copied", from.display()))
    };
    copy(&places.accounts, "accounts")?;
    copy(&places.registry, "registry")?;
    copy(&places.tls, "tls")?;
    copy_models(&places.model, &staging.join(parts::MODELS)).context("the models cannot be copied")?;
    if let Some(recordings) = places.recordings.as_deref().filter(|path| path.is_dir()) {
        tree::link_tree(recordings, &staging.join(parts::RECORDINGS))
            .context("the recordings cannot be copied")?;
    }
    copy_configuration(places, &staging.join(parts::CONFIGURATION))
}

/// The file that serves, its side-car and every version, if there are any.
fn copy_models(model: &Path, to: &Path) -> io::Result<()> {
    let folder = tree::parent(model);
    let side_car = model::sidecar_path(model);
    let versions = folder.join("versions");
    if fs::symlink_metadata(model).is_err() && !versions.is_dir() {
        return Ok(());
    }
    tree::private_dir(to)?;
    for path in [model, &side_car, &versions] {
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        // A link within the folder keeps its meaning, others lead nowhere in another place.
        match fs::read_link(path) {
            Ok(leads) if leads.is_absolute() => tree::copy(path, &target)?,
            _ => tree::copy_tree(path, &target)?,
        }
    }
    Ok(())
}

fn copy_configuration(places: &Places, to: &Path) -> anyhow::Result<()> {
    if places.configuration.is_empty() {
        return Ok(());
    }
    tree::private_dir(to)?;
    for path in &places.configuration {
        // What is in the data directory comes with it.
        if path.starts_with(&places.tls) || path.starts_with(&places.accounts) {
            continue;
        }
        let name = path.file_name().context("a configuration file has a name")?;
        let mut target = to.join(name);
        let mut number = 1;
        while target.exists() {
            number += 1;
            target = to.join(format!("{number}-{}", name.to_string_lossy()));
        }
        tree::copy(path, &target).with_context(|| format!("{} cannot be copied", path.display()))?;
    }
    Ok(())
}

//! `casement backup`: makes a backup of an installation, at work or not, or verifies one.

use anyhow::bail;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::up;
use crate::{
    backup::{
        BaseIndex, Progress, Snapshot, asking,
        gently::gently,
        opening::{self, Opened},
        parts::Places,
        shelf::{self, Shelved},
        target::Target,
        verification, writing,
    },
    backup_part,
    cli::{self, Installation},
    config::Config,
    output::{say, tell},
};

pub(super) async fn run(flags: cli::Backup) -> anyhow::Result<()> {
    if let Some(path) = flags.verify {
        return verify(path, flags.json).await;
    }
    let config = up::configuration(Installation {
        data: flags.data,
        config: flags.config.clone(),
        mqtt: None,
        http: None,
        clickhouse: None,
        lan: false,
        no_ml: false,
    })?;
    let places = Places::of(&config, flags.config.as_deref());
    let to = flags.to.unwrap_or_else(|| backup_part::shelf(&config, &places));
    let target = Target::of(&to)?;
    if !places.door().exists() {
        refuse(&config, &places)?;
    }
    target.prepare(&places)?;
    let base = if flags.incremental {
        newest(&target).await?
    } else {
        None
    };
    let index = base.as_ref().map(Shelved::index).transpose()?;
    let progress = Progress::at_terminal();
    let room = target.room(&places.data);
    let written = match asking::ask(&places.door(), index.clone(), room, &progress).await? {
        Some(held) => write(held.snapshot.clone(), target, base, progress).await?,
        None => {
            Box::pin(unattended(
                config,
                places,
                (index, room),
                (target, base),
                progress,
            ))
            .await?
        }
    };
    show(&written, flags.json);
    Ok(())
}

/// Refuses what has no installation to back up, before anything is made or asked.
fn refuse(config: &Config, places: &Places) -> anyhow::Result<()> {
    if !config.embeds_engine() {
        bail!("{}", backup_part::refusal(config));
    }
    if !config.journal.path.join("log").exists() {
        bail!("{}", opening::nothing_in(places));
    }
    Ok(())
}

/// The newest backup beside the target, which is whole.
async fn newest(target: &Target) -> anyhow::Result<Option<Shelved>> {
    let newest = target.newest()?;
    match &newest {
        Some(base) => {
            let base = base.clone();
            spawn_blocking(move || shelf::chain(base)).await??;
        }
        None => tell!(
            "there is no earlier backup in {}: this one is full",
            target.shelf().display()
        ),
    }
    Ok(newest)
}

/// A backup of an installation that is not at work.
async fn unattended(
    config: Config,
    places: Places,
    (index, room): (Option<BaseIndex>, Option<u64>),
    (target, base): (Target, Option<Shelved>),
    progress: Progress,
) -> anyhow::Result<Shelved> {
    // The service of a door may be gone.
    refuse(&config, &places)?;
    progress.step("no service runs here: opening its data");
    let opened = Opened::open(config, places).await?;
    let outcome = match opened.source.take(index, room, &progress).await {
        Ok(taken) => {
            let written = write(taken.snapshot.clone(), target, base, progress).await;
            opened.source.discard(taken).await;
            written
        }
        Err(error) => Err(error),
    };
    opened.close().await;
    outcome
}

async fn write(
    snapshot: Snapshot,
    target: Target,
    base: Option<Shelved>,
    progress: Progress,
) -> anyhow::Result<Shelved> {
    gently(move || writing::write(&snapshot, &target, base.as_ref(), &progress)).await
}

async fn verify(path: std::path::PathBuf, as_json: bool) -> anyhow::Result<()> {
    let verified = spawn_blocking(move || {
        let chain = shelf::chain(shelf::find(&path)?)?;
        verification::verify(&chain, &Progress::at_terminal())?;
        anyhow::Ok(chain)
    });
    let chain = verified.await??;
    show(&chain[0], as_json);
    Ok(())
}

fn show(backup: &Shelved, as_json: bool) {
    if !as_json {
        say!("{}", writing::summary(backup));
        return;
    }
    let mut shown = serde_json::to_value(&backup.manifest).expect("a manifest is plain data");
    shown["path"] = json!(backup.path);
    shown["files"] = json!(backup.manifest.files.len());
    say!("{shown}");
}

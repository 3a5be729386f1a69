//! `casement restore`: makes a data directory of a backup.

use tokio::task::spawn_blocking;

use crate::{
    backup::{Progress, restoring, shelf},
    cli,
    config::{Reader, Sources},
    output::say,
};

pub(super) async fn run(flags: cli::Restore) -> anyhow::Result<()> {
    let config = Sources::process(flags.config).load_for(Reader::Engine)?;
    let path = flags.path;
    let chain = spawn_blocking(move || shelf::chain(shelf::find(&path)?)).await??;
    let newest = chain[0].clone();
    restoring::restore(chain, &flags.data, &config, &Progress::at_terminal()).await?;
    let rows: u64 = newest.manifest.tables.iter().map(|table| table.rows).sum();
    say!(
        "{} is restored as {}: {rows} rows in {} tables, with the counts and checksums of {:.0}",
        newest.path.display(),
        flags.data.display(),
        newest.manifest.tables.len(),
        newest.manifest.created
    );
    for line in restoring::advice(&newest.manifest, &flags.data) {
        say!("{line}");
    }
    Ok(())
}

//! Backups by the clock: they are made, old ones go, and a shelf that cannot be written is told.

use std::fs;

use testkit::wait_until;

use crate::{
    support,
    world::{Places, publish, verify, whole},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scheduled_backups_are_made_kept_and_told() {
    let places = Places::new();
    let (data, shelf, config) = (places.at("data"), places.at("shelf"), places.at("casement.yaml"));
    let text = format!(
        "backup: {{every: 10s, path: {}, keep: 1, incrementals: 1}}\n",
        shelf.display()
    );
    fs::write(&config, text).unwrap();
    let up = support::up(&data, &["--config", &config.display().to_string()]);
    publish(up.mqtt, "d", 1_700_000_000_000, 100).await;
    wait_until("a backup is made", || whole(&shelf).len() == 1)
        .await
        .unwrap();
    up.wait_metric("casement_backup_interval_seconds 10").unwrap();
    up.wait_metric("casement_backup_failures_total 0").unwrap();
    // A backup has its name before it is told.
    up.wait_page("/ready", "\"name\":\"backup\",\"state\":\"ok\"")
        .unwrap();
    // The second adds to the first; with the third, which is full, both may go.
    let first = whole(&shelf)[0].clone();
    wait_until("the second is made", || whole(&shelf).len() == 2)
        .await
        .unwrap();
    wait_until("the first two go", || !first.exists() && whole(&shelf).len() == 1)
        .await
        .unwrap();
    assert!(verify(&shelf).status.success());

    // The shelf cannot be used any more.
    fs::rename(&shelf, places.at("away")).unwrap();
    fs::write(&shelf, "a file").unwrap();
    wait_until("a failure is counted", || {
        let metrics = up.get("/metrics").unwrap();
        metrics
            .lines()
            .any(|line| line.starts_with("casement_backup_failures_total ") && !line.ends_with(" 0"))
    })
    .await
    .unwrap();
    up.wait_page("/ready", "\"name\":\"backup\",\"state\":\"degraded\"")
        .unwrap();
    // It works again as soon as the shelf does.
    fs::remove_file(&shelf).unwrap();
    fs::rename(places.at("away"), &shelf).unwrap();
    up.wait_page("/ready", "\"name\":\"backup\",\"state\":\"ok\"")
        .unwrap();
}

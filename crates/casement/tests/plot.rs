//! `casement plot` against `casement engine`: a picture of what is stored, and plain words where there is none.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
};

use domain::Quantity;
use store::{Batch, DeviceRow, ReadingRow, Row, Store, StoreOptions, WindowStateRow};
use testkit::{Casement, free_addr};

/// 2025-10-24T12:00:00Z, in ms.
const NOON: i64 = 1_761_307_200_000;
const HOUR: i64 = 3_600_000;

fn rows() -> Batch {
    let device_id = || "attic-1".to_owned();
    let device = Row::Device(DeviceRow {
        device_id: device_id(),
        name: "Attic".into(),
        location: "under the roof".into(),
        registered_at: NOON - 24 * HOUR,
        last_seen: NOON,
        is_active: true,
        config: "{}".into(),
        revision: 0,
    });
    let readings = (0..288).flat_map(|number| {
        let timestamp = NOON - number * HOUR / 12;
        let reading = |value| ReadingRow {
            timestamp,
            device_id: device_id(),
            value,
            received_at: timestamp,
            offset: 0.0,
        };
        [
            Row::Reading(Quantity::Temperature, reading(20.0 + (number % 50) as f64 / 10.0)),
            Row::Reading(Quantity::Co2, reading(700.0 + number as f64)),
            Row::WindowState(WindowStateRow {
                timestamp,
                device_id: device_id(),
                position: (number % 100) as f64,
                received_at: timestamp,
            }),
        ]
    });
    std::iter::once(device).chain(readings).collect()
}

/// Runs `casement plot`; the picture is `days.png` in `directory`.
fn plot(clickhouse: SocketAddr, directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casement"))
        .args([
            "plot",
            "--clickhouse",
            &clickhouse.to_string(),
            "--out",
            "days.png",
        ])
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("casement starts")
}

fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(text).expect("text"),
    )
}

/// The picture's size, and how many of its pixels are coloured.
fn picture(directory: &Path) -> ((u32, u32), usize) {
    let file = std::fs::File::open(directory.join("days.png")).expect("a picture");
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    let is_coloured = |pixel: &&[u8]| {
        let ends = pixel.iter().max().zip(pixel.iter().min());
        ends.is_some_and(|(most, least)| most - least > 40)
    };
    (
        reader.info().size(),
        pixels.chunks_exact(3).filter(is_coloured).count(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_days_are_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let addr = free_addr();
    let casement = Casement::new(env!("CARGO_BIN_EXE_casement"));
    let mut engine = casement.engine(&directory.path().join("data"), addr).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let store = Store::new(StoreOptions::new(format!("http://{addr}"), "iot")).unwrap();
    store.migrate().await.unwrap();
    let run = |arguments: &[&str]| said(&plot(addr, directory.path(), arguments));

    let (code, text) = run(&["--device", "attic-1"]);
    assert_eq!(
        (code, text.contains("no device is registered")),
        (1, true),
        "{text}"
    );
    store.insert(&rows(), "t/1-1").await.unwrap();

    let day = [
        "--device",
        "attic-1",
        "--to",
        "2025-10-24T12:00Z",
        "--last",
        "1d",
        "--utc",
    ];
    let (code, text) = run(&day);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("attic-1 · Attic · under the roof, 2025-10-23 12:00 to 2025-10-24 12:00, times in UTC"),
        "{text}"
    );
    let (size, coloured) = picture(directory.path());
    assert!(size == (1_200, 900) && coloured > 2_000, "{size:?} {coloured}");

    let other = [
        "--quantity",
        "co2",
        "--quantity",
        "temperature",
        "--size",
        "800x600",
    ];
    let (code, text) = run(&[&day[..], &other].concat());
    assert_eq!(code, 0, "{text}");
    assert_eq!(picture(directory.path()).0, (800, 600));

    for (arguments, code, told) in [
        (
            &["--device", "cellar"][..],
            1,
            "no device is called cellar; there are attic-1",
        ),
        (
            &[
                "--device",
                "attic-1",
                "--from",
                "2024-01-01",
                "--to",
                "2024-01-02",
                "--utc",
            ],
            1,
            "it was last heard of at 2025-10-24 12:00",
        ),
        (
            &["--device", "attic-1", "--from", "yesterday"],
            1,
            "'yesterday' is no time",
        ),
        (
            &[
                "--device",
                "attic-1",
                "--from",
                "2025-10-24",
                "--to",
                "2025-10-23",
            ],
            1,
            "end before it begins",
        ),
        (
            &["--device", "attic-1", "--last", "seven"],
            2,
            "1h, 7d, 4w, 6mo or 1y",
        ),
        (
            &["--device", "attic-1", "--last", "0d"],
            2,
            "1h, 7d, 4w, 6mo or 1y",
        ),
        (
            &["--device", "attic-1", "--quantity", "smell"],
            2,
            "temperature, humidity, co2",
        ),
        (&["--device", "attic-1", "--size", "9x9"], 2, "WIDTHxHEIGHT"),
    ] {
        let (is, text) = run(arguments);
        assert!(is == code && text.contains(told), "{arguments:?}: {is} {text}");
    }
    engine.terminate(testkit::DEADLINE).unwrap();
}

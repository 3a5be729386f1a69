//! `casement bench codecs`: the bytes a reading takes on disk with each codec that comes into question, and what it costs
//! to write and to read.
//!
//! In: options, a writer. Out: tables, or JSON lines. The embedded engine runs in a process of its own; readings are made
//! there from hashes, so that the same seed gives the same ones.

mod candidates;

use std::{io::Write, net::SocketAddr, time::Instant};

use anyhow::Context as _;
use serde_json::json;
use testkit::{Casement, Process, free_addr, usage::cpu_seconds};

use self::candidates::{Candidate, TABLES, TIME, Table, VALUE};

/// How often a column is read.
const READS: u32 = 5;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Devices, each with a reading a second.
    pub devices: u64,
    /// Seconds of readings.
    pub seconds: u64,
    /// Times deviate from whole seconds by up to so many ms either way.
    pub jitter_ms: u64,
    /// The same seed gives the same readings.
    pub seed: u64,
    /// JSON lines instead of tables.
    pub json: bool,
}

/// How the readings of a quantity come about: a daily and an hourly wave, a room's own offset, a sensor's noise.
struct Waves {
    quantity: &'static str,
    mean: f64,
    offset: f64,
    day: f64,
    hour: f64,
    /// Standard deviation of the noise, as of the simulator's sensors.
    noise: f64,
    decimals: u8,
}

const QUANTITIES: [Waves; 4] = [
    Waves {
        quantity: "temperature",
        mean: 21.0,
        offset: 0.37,
        day: 1.5,
        hour: 0.4,
        noise: 0.04,
        decimals: 1,
    },
    Waves {
        quantity: "humidity",
        mean: 48.0,
        offset: 0.7,
        day: 5.0,
        hour: 1.5,
        noise: 0.2,
        decimals: 1,
    },
    Waves {
        quantity: "co2",
        mean: 700.0,
        offset: 11.0,
        day: 200.0,
        hour: 60.0,
        noise: 5.0,
        decimals: 0,
    },
    Waves {
        quantity: "pressure",
        mean: 1_013.0,
        offset: 0.1,
        day: 4.0,
        hour: 0.2,
        noise: 0.03,
        decimals: 1,
    },
];

/// What one candidate takes.
struct Cost {
    /// Bytes a reading.
    bytes: f64,
    /// Nanoseconds of processor time to insert and merge a reading.
    write_ns: f64,
    /// Nanoseconds of processor time to read one.
    read_ns: f64,
}

/// Measures every candidate and writes what it takes.
pub fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let addr = free_addr();
    let mut engine = options.casement.engine(dir.path(), addr)?;
    engine.wait_for_line("casement engine is running")?;
    let bench = Bench {
        options,
        engine: &engine,
        addr,
    };
    bench.sql("CREATE DATABASE codecs")?;
    for waves in &QUANTITIES {
        bench.make(waves)?;
    }
    let Options {
        devices,
        seconds,
        jitter_ms,
        ..
    } = options;
    if !options.json {
        writeln!(
            out,
            "{devices} devices, a reading a second for {seconds} s, ±{jitter_ms} ms; ClickHouse {}; processor time of the engine",
            bench.sql("SELECT version()")?
        )?;
    }
    for candidate in &TIME {
        let cost = bench.column("temperature", "timestamp", "DateTime64(3)", candidate)?;
        bench.write(out, "timestamp", &candidate.to_string(), &cost)?;
    }
    for candidate in &VALUE {
        for waves in &QUANTITIES {
            let cost = bench.column(waves.quantity, "value", "Float64", candidate)?;
            bench.write(out, waves.quantity, &candidate.to_string(), &cost)?;
        }
    }
    for table in &TABLES {
        for waves in &QUANTITIES {
            let cost = bench.table(waves.quantity, table)?;
            bench.write(out, &format!("whole {}", waves.quantity), table.name, &cost)?;
        }
    }
    Ok(())
}

struct Bench<'a> {
    options: &'a Options,
    engine: &'a Process,
    addr: SocketAddr,
}

impl Bench<'_> {
    fn sql(&self, statement: &str) -> anyhow::Result<String> {
        Ok(testkit::sql(self.addr, statement)?)
    }

    fn rows(&self) -> f64 {
        (self.options.devices * self.options.seconds) as f64
    }

    /// Makes the readings of a quantity.
    fn make(&self, waves: &Waves) -> anyhow::Result<()> {
        let Options {
            devices,
            seconds,
            jitter_ms,
            seed,
            ..
        } = self.options;
        let Waves {
            quantity,
            mean,
            offset,
            day,
            hour,
            noise,
            decimals,
        } = waves;
        let uniform = |stream: u8| {
            format!("((cityHash64({seed}, '{quantity}', d, n, {stream}) % 4294967296 + 1) / 4294967297)")
        };
        // Box–Muller.
        let normal = format!("sqrt(-2 * log({})) * cos(2 * pi() * {})", uniform(0), uniform(1));
        let span = 2 * jitter_ms + 1;
        self.sql(&format!(
            "CREATE TABLE codecs.source_{quantity} ENGINE = MergeTree ORDER BY (device_id, timestamp) AS SELECT \
             fromUnixTimestamp64Milli(toInt64(1761307200000 + n * 1000 + cityHash64({seed}, '{quantity}', d, n) % {span}) \
             - {jitter_ms}) AS timestamp, toLowCardinality(concat('room-', toString(d))) AS device_id, \
             round({mean} + d * {offset} + {day} * sin(2 * pi() * n / 86400 + d) + {hour} * sin(2 * pi() * n / 5400 + 2 * d) \
             + {noise} * {normal}, {decimals}) AS value, \
             fromUnixTimestamp64Milli(toInt64(1761307200000 + n * 1000)) AS received_at \
             FROM (SELECT number % {devices} AS d, intDiv(number, {devices}) AS n FROM numbers({devices} * {seconds}))"
        ))
        .map(drop)
    }

    /// One column alone.
    fn column(
        &self,
        quantity: &str,
        column: &str,
        of_type: &str,
        candidate: &Candidate,
    ) -> anyhow::Result<Cost> {
        let columns = format!("{column} {of_type} CODEC({})", candidate.codec);
        self.measure(quantity, &columns, "tuple()", &candidate.settings(), column)
            .with_context(|| format!("{column} CODEC({})", candidate.codec))
    }

    /// A whole table of readings.
    fn table(&self, quantity: &str, table: &Table) -> anyhow::Result<Cost> {
        let Table {
            name,
            time,
            value,
            order,
        } = table;
        let columns = format!(
            "timestamp DateTime64(3) CODEC({}), device_id LowCardinality(String), value Float64 CODEC({}), \
             received_at DateTime64(3) CODEC(Delta(8), ZSTD(3))",
            time.codec, value.codec
        );
        self.measure(quantity, &columns, order, &time.settings(), "value")
            .with_context(|| (*name).to_owned())
    }

    fn measure(
        &self,
        quantity: &str,
        columns: &str,
        order: &str,
        settings: &str,
        read: &str,
    ) -> anyhow::Result<Cost> {
        let names: Vec<&str> = columns
            .split(", ")
            .filter_map(|column| column.split_once(' '))
            .map(|(name, _)| name)
            .filter(|name| ["timestamp", "device_id", "value", "received_at"].contains(name))
            .collect();
        self.sql("DROP TABLE IF EXISTS codecs.t SYNC")?;
        self.sql(&format!(
            "CREATE TABLE codecs.t ({columns}) ENGINE = MergeTree ORDER BY {order} SETTINGS {settings}"
        ))?;
        let cpu = || cpu_seconds(self.engine.pid());
        let before = cpu();
        self.sql(&format!(
            "INSERT INTO codecs.t SELECT {} FROM codecs.source_{quantity} SETTINGS max_threads = 1",
            names.join(", ")
        ))?;
        self.sql("OPTIMIZE TABLE codecs.t FINAL")?;
        let written = cpu();
        let started = Instant::now();
        for _ in 0..READS {
            self.sql(&format!(
                "SELECT max({read}) FROM codecs.t SETTINGS max_threads = 1"
            ))?;
        }
        let (read, waited) = (cpu(), started.elapsed());
        let bytes = self.sql(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'codecs' AND table = 't' AND active",
        )?;
        let rows = self.rows();
        // Processor time has a resolution of 10 ms; one thread cannot have used more than what passed.
        let read_s = (read - written).min(waited.as_secs_f64());
        Ok(Cost {
            bytes: bytes.parse::<f64>()? / rows,
            write_ns: (written - before) * 1e9 / rows,
            read_ns: read_s * 1e9 / rows / f64::from(READS),
        })
    }

    fn write(&self, out: &mut impl Write, column: &str, codec: &str, cost: &Cost) -> anyhow::Result<()> {
        let Cost {
            bytes,
            write_ns,
            read_ns,
        } = cost;
        if self.options.json {
            let line = json!({"column": column, "codec": codec, "bytes": bytes, "write_ns": write_ns, "read_ns": read_ns});
            writeln!(out, "{line}")?;
        } else {
            writeln!(
                out,
                "{column:18} {codec:44} {bytes:7.3} bytes  {write_ns:6.0} ns to write  {read_ns:5.1} ns to read"
            )?;
        }
        Ok(())
    }
}

//! An engine in a process of its own: this test's binary, started once more.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use store::{Store, StoreOptions, Table};

/// The variable that names the engine's directory to its process.
pub(crate) const DIRECTORY: &str = "STORE_TEST_ENGINE_DIRECTORY";

/// A running engine; dropping it kills its process.
pub(crate) struct Engine {
    child: Child,
    url: String,
}

impl Engine {
    pub(crate) fn start(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "engine_process", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"))
            .lines()
            .map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("engine at ").map(str::to_owned));
        // After a minute its harness says that it still runs, and ends where nobody reads that.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            url: format!("http://{}", address.expect("the engine becomes ready")),
            child,
        }
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(StoreOptions::new(&self.url, "iot")).expect("usable options")
    }

    pub(crate) fn client(&self) -> clickhouse::Client {
        clickhouse::Client::default()
            .with_url(&self.url)
            .with_database("iot")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Serves until the process that started this one ends.
pub(crate) async fn serve(directory: &str) {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let options = ::engine::Options {
        stop_with_parent: true,
        ..::engine::Options::new(directory, listen)
    };
    let ready = |address| println!("\nengine at {address}");
    ::engine::serve(options, tokio_util::sync::CancellationToken::new(), ready)
        .await
        .expect("the engine serves");
}

/// Rows in `table`.
pub(crate) async fn rows_in(engine: &Engine, table: Table) -> u64 {
    let sql = format!("SELECT count() FROM {table}");
    engine.client().query(&sql).fetch_one().await.expect("a count")
}

//! What an engine is started with.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::Users;

/// What one engine may use, and what its users may.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of memory for the whole engine.
    pub memory_bytes: u64,
    /// A writer's queries at once, inserts not counted.
    pub queries: usize,
    /// Readers' queries at once. Dashboards wait for each other, and nothing waits for them.
    pub reader_queries: usize,
    /// How long a statement waits for its turn before it is refused.
    pub queue_time: Duration,
    /// Inserts at once; they never wait for queries.
    pub inserts: usize,
    /// Longest query of a writer.
    pub query_time: Duration,
    /// Longest query of a reader.
    pub reader_time: Duration,
    /// Bytes of memory for one query of a reader.
    pub reader_memory_bytes: u64,
    /// Bytes of one answer to a reader.
    pub reader_result_bytes: u64,
    /// Bytes of an answer that cannot be streamed.
    pub buffered_bytes: u64,
    /// Whether extra threads format an answer. On few cores they cost more than they gain: half a millisecond of a
    /// small answer, and a third of the time of a large one.
    pub parallel_formatting: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            queries: 32,
            reader_queries: 16,
            queue_time: Duration::from_secs(10),
            inserts: 16,
            query_time: Duration::from_mins(5),
            reader_time: Duration::from_secs(30),
            reader_memory_bytes: 512 << 20,
            reader_result_bytes: 256 << 20,
            buffered_bytes: 256 << 20,
            parallel_formatting: std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 4),
        }
    }
}

/// An engine's directory, address and bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory; created when missing.
    pub data_dir: PathBuf,
    /// Where its HTTP interface listens.
    pub listen: SocketAddr,
    /// Another libchdb than the environment's or the cached one.
    pub library: Option<PathBuf>,
    /// The bounds.
    pub limits: Limits,
    /// The passwords.
    pub users: Users,
    /// Statements may reach files and the network; [`confine`](crate::confine) is then not for this engine.
    pub allow_outside: bool,
    /// The directory of `BACKUP` and `RESTORE`; without it both are refused.
    pub backups: Option<PathBuf>,
    /// End when standard input closes.
    pub stop_with_parent: bool,
}

impl Options {
    /// Makes default options of a directory and an address.
    pub fn new(data_dir: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen,
            library: None,
            limits: Limits::default(),
            users: Users::default(),
            allow_outside: false,
            backups: None,
            stop_with_parent: false,
        }
    }
}

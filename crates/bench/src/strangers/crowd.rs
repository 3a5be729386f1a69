//! Those who come to the broker's door: strangers that stand there, one that guesses, and devices that come back.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_mins(1);
/// Connections with which one guesses at once.
const GUESSERS: usize = 8;
/// Sockets of one address; the broker allows a thousand that have not said CONNECT.
const OF_ADDRESS: usize = 500;

/// Strangers at the door.
pub(super) struct Siege {
    tasks: JoinSet<()>,
    began: Instant,
    idle: Arc<AtomicUsize>,
    guesses: Arc<AtomicU64>,
}

impl Siege {
    /// Comes with `sockets` idle connections, which are opened again when the broker closes them, and a guesser.
    pub(super) async fn begin(broker: SocketAddr, sockets: usize) -> anyhow::Result<Self> {
        let mut siege = Self {
            tasks: JoinSet::new(),
            began: Instant::now(),
            idle: Arc::default(),
            guesses: Arc::default(),
        };
        for number in 0..sockets {
            let host = 100 + (number / OF_ADDRESS) as u8;
            let idle = Arc::clone(&siege.idle);
            siege.tasks.spawn(async move {
                loop {
                    if let Ok(mut stream) = from(host, broker).await {
                        idle.fetch_add(1, Relaxed);
                        let _ = stream.read(&mut [0]).await;
                        idle.fetch_sub(1, Relaxed);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
        for guesser in 0..GUESSERS {
            let guesses = Arc::clone(&siege.guesses);
            siege.tasks.spawn(async move {
                for number in 0_u64.. {
                    let stream = from(99, broker).await;
                    if let Ok(mut stream) = stream
                        && stream
                            .write_all(&connect("room-0", &format!("guess-{guesser}-{number}")))
                            .await
                            .is_ok()
                    {
                        let _ = timeout(PATIENCE, stream.read(&mut [0; 4])).await;
                        guesses.fetch_add(1, Relaxed);
                    }
                }
            });
        }
        // All stand there before anything is measured.
        let all = async {
            while siege.idle.load(Relaxed) < sockets * 9 / 10 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        ensure!(
            timeout(PATIENCE, all).await.is_ok(),
            "only {} of {sockets} sockets were accepted: raise the limit of open files",
            siege.idle.load(Relaxed)
        );
        Ok(siege)
    }

    /// Leaves, after the first answer to a guess. Returns how many sockets stood there at the end, and how often a
    /// password was guessed in a second of the whole siege.
    pub(super) async fn end(mut self) -> (usize, f64) {
        let answered = async {
            while self.guesses.load(Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // A broker that answers no guess at all is a figure, too: 0.
        let _ = timeout(PATIENCE, answered).await;
        let guesses = self.guesses.load(Relaxed) as f64 / self.began.elapsed().as_secs_f64();
        let idle = self.idle.load(Relaxed);
        self.tasks.shutdown().await;
        (idle, guesses)
    }
}

async fn from(host: u8, broker: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into())?;
    socket.connect(broker).await
}

/// Connects a device; returns once it is greeted.
pub(super) async fn greet(broker: SocketAddr, name: &str, password: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(broker).await?;
    stream.write_all(&connect(name, password)).await?;
    let mut answer = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await??;
    if answer != [0x20, 2, 0, 0] {
        bail!("{name} is not let in: {answer:02x?}");
    }
    Ok(stream)
}

/// A CONNECT of MQTT 3.1.1 with a clean session, a user name and a password.
fn connect(name: &str, password: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let body = [
        text("MQTT"),
        vec![4, 0b1100_0010, 0, 60],
        text(name),
        text(name),
        text(password),
    ]
    .concat();
    [&[0x10, body.len() as u8][..], &body].concat()
}

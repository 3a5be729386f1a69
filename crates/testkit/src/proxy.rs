//! A TCP proxy that stands for a network: its connections can be cut, or stay open and carry nothing.
//!
//! In: connections to its address. Out: the same bytes to its target, while the network is whole.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};
use tokio_util::task::TaskTracker;

use crate::Error;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Carries everything.
    Whole,
    /// Closes connections and accepts no new ones.
    Cut,
    /// Accepts bytes and carries none; neither side is told.
    HalfOpen,
}

/// The proxy. Its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    network: watch::Sender<Network>,
    connections: TaskTracker,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to `target` on a free port.
    pub async fn start(target: SocketAddr) -> Result<Self, Error> {
        Self::start_at(([127, 0, 0, 1], 0).into(), target).await
    }

    /// Starts a proxy to `target` at `addr`.
    pub async fn start_at(addr: SocketAddr, target: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind(addr).await.map_err(Error::Listen)?;
        let addr = listener.local_addr().map_err(Error::Listen)?;
        let (network, connections) = (watch::Sender::new(Network::Whole), TaskTracker::new());
        let accepting = tokio::spawn(accept(listener, target, network.clone(), connections.clone()));
        Ok(Self {
            addr,
            network,
            connections,
            accepting,
        })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes what the network does.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Cuts every connection and accepts new ones afterwards. No old connection carries anything when this returns.
    pub async fn cut_connections(&self) {
        self.set(Network::Cut);
        self.connections.close();
        self.connections.wait().await;
        self.connections.reopen();
        self.set(Network::Whole);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Network::Cut);
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    network: watch::Sender<Network>,
    connections: TaskTracker,
) {
    while let Ok((client, _)) = listener.accept().await {
        if *network.borrow() == Network::Whole {
            connections.spawn(connect(client, target, network.subscribe()));
        }
    }
}

async fn connect(client: TcpStream, target: SocketAddr, mut network: watch::Receiver<Network>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = carry(from_client, to_server, network.clone());
    let back = carry(from_server, to_client, network.clone());
    tokio::select! {
        biased;
        _ = network.wait_for(|network| *network == Network::Cut) => {}
        _ = async { tokio::join!(there, back) } => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let mut bytes = vec![0; 64 << 10];
    // A connection that has lost bytes never carries any again: it would not be TCP.
    let mut broken = false;
    loop {
        broken |= *network.borrow_and_update() == Network::HalfOpen;
        if broken {
            // Whole again: the lost bytes are gone, and the connection with them.
            let _ = network.wait_for(|network| *network == Network::Whole).await;
            return;
        }
        tokio::select! {
            changed = network.changed() => if changed.is_err() { return },
            read = from.read(&mut bytes) => match read {
                Ok(1..) if *network.borrow() == Network::HalfOpen => broken = true,
                Ok(length @ 1..) => if to.write_all(&bytes[..length]).await.is_err() { return },
                _ => return,
            },
        }
    }
}

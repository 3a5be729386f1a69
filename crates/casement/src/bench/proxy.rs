//! A piece of network that can be broken: connections that are cut, and connections that stay open and carry nothing.
//!
//! In: connections to its address. Out: the same to its target, while it is whole.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Carries everything.
    Whole,
    /// Closes connections and takes no new ones.
    Cut,
    /// Takes bytes and carries none; nobody is told.
    HalfOpen,
}

/// The proxy; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    network: Arc<watch::Sender<Network>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(addr: SocketAddr, target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let network = Arc::new(watch::Sender::new(Network::Whole));
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&network)));
        Ok(Self { network, accepting })
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.network.send_replace(Network::Cut);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, network: Arc<watch::Sender<Network>>) {
    while let Ok((client, _)) = listener.accept().await {
        if *network.borrow() != Network::Whole {
            continue;
        }
        let network = network.subscribe();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(carry(from_client, to_server, network.clone()));
            carry(from_server, to_client, network).await;
        });
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let mut bytes = vec![0; 64 << 10];
    // A connection that once lost something never carries again: it would not be TCP.
    let mut broken = false;
    loop {
        let now = *network.borrow_and_update();
        if now == Network::Cut {
            return;
        }
        broken |= now == Network::HalfOpen;
        if broken {
            if network.changed().await.is_err() || *network.borrow() == Network::Whole {
                // Whole again: what was dropped is gone, and the connection with it.
                return;
            }
            continue;
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

//! The addresses of this role: in use by it while it runs, free while it does not.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome, Setup},
    off_worker,
};

const CONNECT: Duration = Duration::from_secs(1);

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let addresses = addresses(context);
        let runs = context.service.is_some() || (context.setup == Setup::Engine && answers(context));
        let outcomes = addresses.iter().filter_map(|(what, address)| {
            if runs {
                listening(what, *address)
            } else {
                free(what, *address)
            }
        });
        let well = || {
            let found = if runs { "listened at" } else { "free" };
            Outcome::ok(format!("{} addresses, each {found}", addresses.len()))
        };
        Outcome::worst(outcomes.collect(), well)
    })
}

fn answers(context: &Context) -> bool {
    TcpStream::connect_timeout(&reachable(context.config.engine.addr), CONNECT).is_ok()
}

fn addresses(context: &Context) -> Vec<(&'static str, SocketAddr)> {
    let config = &context.config;
    let mut all = Vec::new();
    if context.embeds_broker() {
        all.extend(config.broker.doors().into_iter().map(|door| ("MQTT", door.addr)));
    }
    match context.setup {
        Setup::Up | Setup::Backend => {
            let page = context
                .service
                .as_ref()
                .and_then(|url| url.rsplit_once('/')?.1.parse().ok());
            let doors = config.http.doors().into_iter().map(|door| door.addr);
            all.extend(
                page.map_or_else(|| doors.collect(), |page| vec![page])
                    .into_iter()
                    .map(|addr| ("page", addr)),
            );
        }
        Setup::Ml => all.push(("metrics", config.ml.addr)),
        Setup::Engine => {}
    }
    if context.embeds_engine() {
        all.push(("ClickHouse", config.engine.addr));
    }
    all
}

/// Where a listener at every address can be reached from here.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = address.ip();
    match address {
        SocketAddr::V4(_) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        SocketAddr::V6(_) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

fn listening(what: &str, address: SocketAddr) -> Option<Outcome> {
    let connected = TcpStream::connect_timeout(&reachable(address), CONNECT);
    connected.err().map(|error| {
        Outcome::failed(
            format!("{what}: nobody listens at {address} ({error})"),
            "Give doctor the flags and the configuration that the service was started with, or look at its log.",
        )
    })
}

fn free(what: &str, address: SocketAddr) -> Option<Outcome> {
    TcpListener::bind(address).err().map(|error| {
        Outcome::failed(
            format!("{what}: {address} cannot be listened at ({error})"),
            "Stop the other program, or choose another address.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_free_or_listened_at() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap();
        assert!(listening("x", taken).is_none() && free("x", taken).is_some());
        drop(listener);
        assert!(listening("x", taken).is_some() && free("x", taken).is_none());
    }
}

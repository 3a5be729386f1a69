//! How connections end, as `Access` is told it: it knows accounts, and nobody's place that another has taken.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use broker::{Access, Denial, Entry, Farewell, Login, Permission, Rights};
use support::{
    House, options,
    raw::{Greeting, Raw, connect},
    within,
};
use tokio::sync::mpsc;

/// Lets everybody in under the name they give, and says who left.
struct Gate(mpsc::UnboundedSender<(String, Farewell)>);

struct Everything;

#[async_trait]
impl Access for Gate {
    async fn enter(&self, login: Login<'_>) -> Result<Entry, Denial> {
        Ok(Entry {
            account: login.username.map(Into::into),
            rights: Arc::new(Everything),
        })
    }

    fn still_grants(&self, _account: &str, _number: u64) -> bool {
        true
    }

    fn left(&self, account: &str, farewell: Farewell) {
        self.0.send((account.to_owned(), farewell)).unwrap();
    }
}

impl Rights for Everything {
    fn publish(&self, _topic: &str, _payload: &[u8]) -> Permission {
        Permission::Granted
    }

    fn subscribe(&self, _filter: &str) -> Permission {
        Permission::Granted
    }

    fn number(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        true
    }
}

async fn enter(house: &House, name: &str) -> Raw {
    let greeting = Greeting {
        username: Some(name.to_owned()),
        password: Some(b"x".to_vec()),
        ..Greeting::default()
    };
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(4, name, &greeting)).await;
    assert_eq!(raw.packet().await.expect("CONNACK").first, 0x20);
    raw
}

#[tokio::test]
async fn who_left_and_how_is_told_once() {
    let (sender, mut left) = mpsc::unbounded_channel();
    let house = House::guarded(options(), Some(Arc::new(Gate(sender)))).await;
    let mut polite = enter(&house, "polite").await;
    polite.send(&[0xE0, 0]).await;
    let told = within("a goodbye", left.recv()).await;
    assert_eq!(told, Some(("polite".to_owned(), Farewell::Said)));
    // Somebody takes its own place again: nobody left.
    let first = enter(&house, "room").await;
    let second = enter(&house, "room").await;
    drop(first);
    drop(second);
    let told = within("a loss", left.recv()).await;
    assert_eq!(told, Some(("room".to_owned(), Farewell::Lost)));
    let mut wrong = enter(&house, "wrong").await;
    wrong.send(&[0xF0, 0]).await;
    let told = within("a fault", left.recv()).await;
    assert_eq!(told, Some(("wrong".to_owned(), Farewell::Ended)));
}

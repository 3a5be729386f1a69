//! Who may enter, and what each may do: asked of an `Access`, told in the codes of each version.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use broker::{Access, BrokerOptions, Denial, DenialReason, Entry, EventKind, Login, Permission, Rights};
use support::{
    House, options,
    raw::{Greeting, Raw, RawPacket, connect},
    within,
};

/// Lets in `NAME` with the password `pw-NAME`, and nobody without a name. Each has the topics `own/NAME/…`; on
/// `own/NAME/void/…` messages go nowhere.
struct Names {
    current: Arc<AtomicBool>,
}

struct Own {
    name: String,
    current: Arc<AtomicBool>,
}

#[async_trait]
impl Access for Names {
    async fn enter(&self, login: Login<'_>) -> Result<Entry, Denial> {
        let deny = |reason| {
            Err(Denial {
                reason,
                detail: format!("the secret detail of {:?}", login.username),
                remedy: "try another",
            })
        };
        assert!(login.anonymous, "a client on loopback");
        let Some(name) = login.username else {
            return deny(DenialReason::NotAuthorized);
        };
        match name {
            "busy" => return deny(DenialReason::Busy),
            "often" => return deny(DenialReason::TooOften),
            _ => {}
        }
        if login.password != Some(format!("pw-{name}").as_bytes()) {
            return deny(DenialReason::BadCredentials);
        }
        Ok(Entry {
            account: Some(name.into()),
            rights: Arc::new(Own {
                name: name.to_owned(),
                current: Arc::clone(&self.current),
            }),
        })
    }

    fn still_grants(&self, _account: &str, number: u64) -> bool {
        number == NUMBER && self.current.load(Ordering::SeqCst)
    }
}

const NUMBER: u64 = 7;

impl Rights for Own {
    fn publish(&self, topic: &str, _payload: &[u8]) -> Permission {
        let own = format!("own/{}/", self.name);
        match topic.strip_prefix(&own) {
            Some(rest) if rest.starts_with("void") => Permission::Ignored,
            Some(_) => Permission::Granted,
            None => REFUSED,
        }
    }

    fn subscribe(&self, filter: &str) -> Permission {
        if filter.starts_with(&format!("own/{}/", self.name)) {
            Permission::Granted
        } else {
            REFUSED
        }
    }

    fn number(&self) -> u64 {
        NUMBER
    }

    fn is_current(&self) -> bool {
        self.current.load(Ordering::SeqCst)
    }
}

const REFUSED: Permission = Permission::Refused {
    reason: "it is not its own",
    remedy: "stay at home",
};

async fn start() -> (House, Arc<AtomicBool>) {
    let current = Arc::new(AtomicBool::new(true));
    let access: Arc<dyn Access> = Arc::new(Names {
        current: Arc::clone(&current),
    });
    (House::guarded(options(), Some(access)).await, current)
}

fn greeting(name: &str) -> Greeting {
    Greeting {
        username: Some(name.to_owned()),
        password: Some(format!("pw-{name}").into_bytes()),
        ..Greeting::default()
    }
}

async fn greeted(house: &House, level: u8, id: &str, greeting: &Greeting) -> (Raw, RawPacket) {
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(level, id, greeting)).await;
    let connack = raw.packet().await.expect("CONNACK");
    assert_eq!(connack.first, 0x20);
    (raw, connack)
}

async fn entered(house: &House, level: u8, name: &str) -> Raw {
    let (raw, connack) = greeted(house, level, &format!("id-{name}"), &greeting(name)).await;
    assert_eq!(connack.body[1], 0, "{connack:?}");
    raw
}

fn publish(v5: bool, qos: u8, id: u8, topic: &str, properties: &[u8]) -> Vec<u8> {
    let mut body = vec![0, topic.len() as u8];
    body.extend(topic.as_bytes());
    if qos > 0 {
        body.extend([0, id]);
    }
    if v5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    body.push(b'x');
    [&[0x30 | qos << 1, body.len() as u8][..], &body].concat()
}

#[tokio::test]
async fn who_is_wrong_is_told_so_and_no_more() {
    let (mut house, _) = start().await;
    let wrong = Greeting {
        password: Some(b"guess".to_vec()),
        username: Some("ada".to_owned()),
        ..Greeting::default()
    };
    for (greeting, v5, v3) in [
        (&wrong, 0x86, 4),
        (&Greeting::default(), 0x87, 5),
        (&greeting("busy"), 0x89, 3),
        (&greeting("often"), 0x9F, 3),
    ] {
        let (mut raw, connack) = greeted(&house, 5, "client", greeting).await;
        assert_eq!(connack.body[1], v5);
        let text = String::from_utf8_lossy(&connack.body).into_owned();
        assert!(!text.contains("secret detail"), "{text}");
        assert!(raw.packet().await.is_none(), "the connection is closed");
        let (mut raw, connack) = greeted(&house, 4, "client", greeting).await;
        assert_eq!(connack.body, [0, v3]);
        assert!(raw.packet().await.is_none());
    }
    let event = house.event(EventKind::LoginFailed).await;
    assert!(
        event.reason.contains("secret detail of Some(\"ada\")"),
        "{event:?}"
    );
    house.figure("events_login_failed", 8).await;
    assert!(
        house.tells.try_recv().is_err(),
        "one line a minute for one client"
    );
}

#[tokio::test]
async fn a_message_to_a_foreign_topic_goes_nowhere() {
    let (mut house, _) = start().await;
    let mut bob = entered(&house, 5, "bob").await;
    bob.subscribe(true, "own/bob/#", 1).await;
    for v5 in [true, false] {
        let mut ada = entered(&house, if v5 { 5 } else { 4 }, "ada").await;
        for (qos, kind) in [(1, 0x40), (2, 0x50)] {
            ada.send(&publish(v5, qos, 7, "own/bob/x", b"")).await;
            let ack = ada.packet().await.expect("an acknowledgement");
            let expected: &[u8] = if v5 { &[0, 7, 0x87] } else { &[0, 7] };
            assert_eq!((ack.first, &ack.body[..]), (kind, expected));
        }
        ada.send(&publish(v5, 0, 0, "own/bob/x", b"")).await;
        ada.send(&publish(v5, 1, 8, "own/ada/void/x", b"")).await;
        assert_eq!(ada.packet().await.expect("PUBACK").body, [0, 8]);
        ada.send(&publish(v5, 1, 9, "own/ada/x", b"")).await;
        assert_eq!(ada.packet().await.expect("PUBACK").body, [0, 9]);
        assert_eq!(
            house.sees.recv().await.expect("the hook is asked").topic,
            "own/ada/x"
        );
    }
    assert!(house.sees.try_recv().is_err(), "the hook saw nothing else");
    assert!(bob.is_quiet().await, "and bob received nothing");
    let event = house.event(EventKind::NotAuthorized).await;
    assert!(
        event.reason.contains("own/bob/x") && event.reason.contains("not its own"),
        "{event:?}"
    );
    house.figure("events_not_authorized", 6).await;
}

#[tokio::test]
async fn an_alias_hides_no_topic() {
    let (mut house, _) = start().await;
    let mut ada = entered(&house, 5, "ada").await;
    // The alias is learnt from a message that is refused, and stands for the same topic.
    ada.send(&publish(true, 1, 1, "own/bob/x", &[0x23, 0, 1])).await;
    assert_eq!(ada.packet().await.expect("PUBACK").body, [0, 1, 0x87]);
    ada.send(&publish(true, 1, 2, "", &[0x23, 0, 1])).await;
    assert_eq!(ada.packet().await.expect("PUBACK").body, [0, 2, 0x87]);
    assert!(house.sees.try_recv().is_err());
}

#[tokio::test]
async fn each_filter_of_a_subscription_is_judged() {
    let (house, _) = start().await;
    for (level, refused) in [(5, 0x87), (4, 0x80)] {
        let mut ada = entered(&house, level, "ada").await;
        for (filter, code) in [
            ("own/ada/#", 1),
            ("own/bob/#", refused),
            ("#", refused),
            ("+/+/#", refused),
            ("$share/x/#", refused),
            ("$SYS/#", refused),
        ] {
            let suback = ada.subscribe(level == 5, filter, 1).await;
            assert_eq!(suback.body.last(), Some(&code), "{filter}");
        }
    }
}

#[tokio::test]
async fn a_will_on_a_foreign_topic_keeps_its_client_out() {
    let (mut house, _) = start().await;
    for (level, code) in [(5, 0x87), (4, 5)] {
        let with_will = |topic: &str| Greeting {
            will: Some((topic.to_owned(), b"gone".to_vec())),
            ..greeting("ada")
        };
        let (_, connack) = greeted(&house, level, "a", &with_will("own/bob/x")).await;
        assert_eq!(connack.body[1], code);
        let (raw, connack) = greeted(&house, level, "b", &with_will("own/ada/void")).await;
        assert_eq!(connack.body[1], 0);
        drop(raw);
        let (raw, connack) = greeted(&house, level, "c", &with_will("own/ada/will")).await;
        assert_eq!(connack.body[1], 0);
        drop(raw);
        let seen = within("the will", house.sees.recv())
            .await
            .expect("the hook is asked");
        assert_eq!((seen.topic.as_str(), seen.last_will), ("own/ada/will", true));
    }
}

#[tokio::test]
async fn what_was_granted_ends_with_the_account() {
    let (mut house, current) = start().await;
    let with_will = Greeting {
        will: Some(("own/ada/will".to_owned(), b"gone".to_vec())),
        ..greeting("ada")
    };
    let (mut v5, _) = greeted(&house, 5, "v5", &with_will).await;
    let mut v3 = entered(&house, 4, "ada").await;
    house.broker.rechecker().recheck();
    v5.send(&[0xC0, 0]).await;
    assert_eq!(v5.packet().await.expect("PINGRESP").first, 0xD0);
    current.store(false, Ordering::SeqCst);
    house.broker.rechecker().recheck();
    let goodbye = v5.packet().await.expect("DISCONNECT");
    assert_eq!((goodbye.first, goodbye.body[0]), (0xE0, 0x87));
    assert!(v5.packet().await.is_none() && v3.packet().await.is_none());
    house.event(EventKind::AccessEnded).await;
    assert!(house.sees.try_recv().is_err(), "its will is not published");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_an_earlier_run_end_with_their_account() {
    // While the broker is away, and after it has come back.
    for changed_meanwhile in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let (current, away) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let start = |current: &Arc<AtomicBool>| {
            let options = BrokerOptions {
                storage: Some(data.path().join("broker")),
                ..options()
            };
            let access: Arc<dyn Access> = Arc::new(Names {
                current: Arc::clone(current),
            });
            House::guarded(options, Some(access))
        };
        let house = start(&away).await;
        let keep = Greeting {
            keep: true,
            ..greeting("ada")
        };
        let (mut ada, _) = greeted(&house, 4, "a", &keep).await;
        ada.subscribe(false, "own/ada/#", 1).await;
        ada.send(&[0xE0, 0]).await;
        assert!(ada.packet().await.is_none());
        house.broker.stop().await;
        current.store(!changed_meanwhile, Ordering::SeqCst);
        let house = start(&current).await;
        if !changed_meanwhile {
            house.figure("sessions", 1).await;
            current.store(false, Ordering::SeqCst);
            house.broker.rechecker().recheck();
        }
        house.figure("sessions", 0).await;
        let (_, connack) = greeted(&house, 4, "a", &keep).await;
        assert_eq!(connack.body[0], 0, "no session is left");
    }
}

#[tokio::test]
async fn one_account_leaves_sessions_for_others() {
    let access: Arc<dyn Access> = Arc::new(Names {
        current: Arc::new(AtomicBool::new(true)),
    });
    let options = BrokerOptions {
        max_sessions: 10,
        ..options()
    };
    let house = House::guarded(options, Some(access)).await;
    let mut here = Vec::new();
    for (id, name, code) in (0..10)
        .map(|id| (id, "ada", if id == 9 { 0x97 } else { 0 }))
        .chain([(0, "bob", 0)])
    {
        let (raw, connack) = greeted(&house, 5, &format!("id-{id}"), &greeting(name)).await;
        assert_eq!(connack.body[1], code, "{name} {id}");
        here.push(raw);
    }
}

#[tokio::test]
async fn the_process_itself_is_not_asked() {
    let (house, _) = start().await;
    let stream = house.broker.local_connector().connect().unwrap();
    let mut own = Raw::v3_over(stream, "service").await;
    let suback = own.subscribe(false, "#", 1).await;
    assert_eq!(suback.body.last(), Some(&1));
}

#[tokio::test]
async fn a_session_belongs_to_its_account() {
    let (mut house, _) = start().await;
    let keep = |name: &str| Greeting {
        keep: true,
        ..greeting(name)
    };
    // Ada's session, with a subscription and a message that waits.
    let (mut ada, _) = greeted(&house, 4, "shared-id", &keep("ada")).await;
    ada.subscribe(false, "own/ada/#", 1).await;
    ada.send(&[0xE0, 0]).await;
    assert!(ada.packet().await.is_none());
    let mut other = entered(&house, 4, "ada").await;
    other.send(&publish(false, 1, 1, "own/ada/x", b"")).await;
    other.packet().await.expect("PUBACK");
    // Bob comes with Ada's client id: he has no session, throws nobody out, and receives nothing.
    let (mut bob, connack) = greeted(&house, 4, "shared-id", &keep("bob")).await;
    assert_eq!(connack.body, [0, 0], "no session is present");
    assert!(bob.is_quiet().await);
    let (mut ada, connack) = greeted(&house, 4, "shared-id", &keep("ada")).await;
    assert_eq!(connack.body, [1, 0], "Ada's session is present");
    assert_eq!(ada.packet().await.expect("the message").first >> 4, 3);
    bob.send(&[0xC0, 0]).await;
    assert_eq!(bob.packet().await.expect("PINGRESP").first, 0xD0);
    house.figure("events_taken_over", 0).await;
    let _ = house.sees.recv().await;
}

#[tokio::test]
async fn a_fight_for_one_session_is_called_so() {
    let (mut house, _) = start().await;
    let mut last = None;
    for _ in 0..7 {
        let connected = greeted(&house, 5, "twin", &greeting("ada")).await;
        last = Some(connected);
    }
    let event = house.event(EventKind::TakenOver).await;
    assert!(event.reason.contains("a client at 127.0.0.1:"), "{event:?}");
    let event = house.event(EventKind::TakeoverFight).await;
    assert_eq!(event.reason.matches("127.0.0.1:").count(), 2, "{event:?}");
    assert!(
        event.reason.contains("account \"ada\"") && event.reason.contains("6 times"),
        "{event:?}"
    );
    drop(last);
}

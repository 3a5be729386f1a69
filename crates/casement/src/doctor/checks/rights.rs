//! Whether one device can act as another: really tried, with two accounts that are made for it and removed again.
//!
//! In: the file of accounts, a broker that runs. Out: what the broker let the first of them do in the name of the second. The
//! accounts are removed however the check ends; what a killed check left behind is removed by the next one.

use std::{
    os::unix::fs::MetadataExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use accounts::{Account, AccountName, Accounts, AccountsFile, NewAccount, Password, Role, State};
use domain::{DeviceId, Quantity};
use futures_util::future::BoxFuture;
use mqtt::{
    ConnectionOptions, Event, Incoming, PublishError, Publisher, Qos, SecretString, Subscription, TopicKind,
    Topics,
};

use super::{
    super::{Context, Outcome},
    broker,
    ports::reachable,
};
use crate::assembly;

/// How the throw-away accounts are named. They have no label: one would name a device in the registry for ever.
/// Ids of clients keep ten characters of it.
const PREFIX: &str = "casdoctor";
/// How long the service may take to learn of new accounts; it looks once a second.
const LEARNS: Duration = Duration::from_secs(6);
const ANSWERS: Duration = Duration::from_secs(3);
/// From this age on, what another check made was left behind.
const LEFT_S: i64 = 120;

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        if !context.embeds_broker() {
            return Outcome::skipped("the broker runs elsewhere, with accounts of its own");
        }
        if context.service.is_none() {
            return Outcome::skipped("the embedded broker runs with the service, which does not");
        }
        let mut doors = context.config.broker.doors().into_iter();
        let Some(door) = doors.find(|door| !door.tls && !door.websocket) else {
            return Outcome::skipped("the embedded broker has no plain listener on this machine");
        };
        let file = assembly::accounts(&context.config, "doctor");
        if let Some(why) = not_ours(&file) {
            return Outcome::skipped(why);
        }
        let topics = match assembly::topics(&context.config.mqtt) {
            Ok(topics) => topics,
            Err(error) => return Outcome::failed(format!("{error:#}"), "Correct mqtt.topics."),
        };
        let made = tokio::task::spawn_blocking(move || Pair::make(&file)).await;
        let pair = match made {
            Ok(Ok(pair)) => pair,
            Ok(Err(error)) => {
                return Outcome::failed(
                    format!("no account can be made: {error}"),
                    "Look at the permissions of the accounts' directory.",
                );
            }
            Err(_) => return Outcome::skipped("the check was ended"),
        };
        let outcome = tried(&pair, broker::at(reachable(door.addr)), &topics).await;
        // Off the workers, as the file is synced.
        let _ = tokio::task::spawn_blocking(move || drop(pair)).await;
        outcome
    })
}

/// Why this user had better not change the file: it would belong to another afterwards, whom the service could not read from.
fn not_ours(file: &AccountsFile) -> Option<String> {
    let metadata = std::fs::metadata(file.path()).ok()?;
    let own = rustix::process::geteuid().as_raw();
    (metadata.uid() != own).then(|| {
        let owner = metadata.uid();
        format!("the accounts belong to the user {owner}: run doctor as that user to try what devices may do")
    })
}

/// Two accounts that are gone when this is.
struct Pair {
    file: AccountsFile,
    one: (AccountName, Password),
    other: AccountName,
}

impl Pair {
    fn make(file: &AccountsFile) -> Result<Self, accounts::FileError> {
        remove_left(file);
        let name = || AccountName::parse(&mqtt::random_client_id(PREFIX)).expect("letters and digits");
        let add = |name: &AccountName| {
            file.add(NewAccount {
                name: name.clone(),
                role: Role::Device,
                label: String::new(),
                location: String::new(),
            })
        };
        let (one, other) = (name(), name());
        let password = add(&one)?;
        let pair = Self {
            file: file.clone(),
            one: (one, password),
            other,
        };
        add(&pair.other)?;
        Ok(pair)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for name in [&self.one.0, &self.other] {
            // The second may not have been made.
            let _ = self.file.forget(name);
        }
    }
}

/// Whether a client is one of a check that tries what a device must not do: its refusals are no device's. Such an account is
/// active and as young as a check: a device that asks to be paired by such a name is neither for long.
pub(crate) fn is_trial(accounts: &Accounts, client_id: &str) -> bool {
    let book = accounts.book();
    let account = book.get(client_id);
    let now = jiff::Timestamp::now();
    account.is_some_and(|(name, account)| {
        is_thrown_away(name, account)
            && account.state == State::Active
            && now.as_second() - account.created.as_second() <= LEFT_S
    })
}

fn is_thrown_away(name: &AccountName, account: &Account) -> bool {
    name.as_str().starts_with(PREFIX) && account.role == Role::Device && account.label.is_empty()
}

/// Removes what a check that was killed has left.
fn remove_left(file: &AccountsFile) {
    let Ok(book) = file.read() else { return };
    let now = jiff::Timestamp::now();
    let left = book.iter().filter(|(name, account)| {
        let age = now.as_second() - account.created.as_second();
        is_thrown_away(name, account) && age > LEFT_S
    });
    let left: Vec<AccountName> = left.map(|(name, _)| name.clone()).collect();
    for name in left {
        let _ = file.forget(&name);
    }
}

/// Connects as the first of the pair and tries to be the second.
async fn tried(pair: &Pair, options: ConnectionOptions, topics: &Topics) -> Outcome {
    let (name, password) = &pair.one;
    let id = |name: &AccountName| DeviceId::parse(name.as_str()).expect("a device's account is its id");
    let (own, other) = (id(name), id(&pair.other));
    let mut options = options;
    options.client_id = name.to_string();
    options.username = Some(name.to_string());
    options.password = Some(SecretString::from(password.reveal().to_owned()));
    let control = |device: &DeviceId| topics.topic_for(TopicKind::WindowControl, device);
    options.subscriptions = [control(&own), control(&other)]
        .into_iter()
        .map(Subscription::new)
        .collect();
    options.max_backoff = Duration::from_millis(300);
    let (publisher, mut incoming) = mqtt::connect(options);
    let subscribed = tokio::time::timeout(LEARNS, subscriptions(&mut incoming)).await;
    let Ok(refused) = subscribed else {
        return Outcome::failed(
            "a device with a new account cannot connect",
            "Look at the part `accounts` of /ready, and at the broker's log.",
        );
    };
    let may_hear = !refused.contains(&control(&other));
    let hears_itself = !refused.contains(&control(&own));
    let may_speak = speaks_as(&publisher, topics, &other).await;
    publisher.disconnect().await;
    match (may_hear, may_speak, hears_itself) {
        (_, Some(true), _) => Outcome::failed("a device can publish as another", REMEDY),
        (true, ..) => Outcome::failed("a device can hear what another is told", REMEDY),
        (_, None, _) => Outcome::warning(
            "the broker did not answer a message in another device's name",
            "Run doctor again; look at the broker's log.",
        ),
        (_, _, false) => Outcome::failed(
            "a device cannot hear its own commands",
            "Look at mqtt.topics: accounts have rights on the configured topics.",
        ),
        _ => Outcome::ok(
            "tried with two accounts: neither publishing as another device nor hearing its commands is possible",
        ),
    }
}

const REMEDY: &str =
    "Every listener needs accounts (broker.anonymous: never), and mqtt.topics a level for the device.";

/// The filters that were refused, when the broker has answered.
async fn subscriptions(incoming: &mut Incoming) -> Vec<String> {
    let since = Instant::now();
    while let Some(event) = incoming.recv().await {
        match event {
            Event::Subscribed => return Vec::new(),
            Event::SubscriptionRefused { filters } => return filters,
            // Not known yet; the connection is tried again.
            _ if since.elapsed() < LEARNS => {}
            _ => break,
        }
    }
    std::future::pending().await
}

/// Whether a message in the name of `other` is accepted; `None` where there is no answer.
async fn speaks_as(publisher: &Publisher, topics: &Topics, other: &DeviceId) -> Option<bool> {
    let topic = topics.topic_for(TopicKind::Reading(Quantity::Temperature), other);
    // If it is accepted, it is refused as a reading, and leaves no trace but an error.
    let sent = publisher.publish_confirmed(topic, "casement doctor", Qos::AtLeastOnce, false);
    match tokio::time::timeout(ANSWERS, sent).await {
        Ok(Ok(())) => Some(true),
        Ok(Err(PublishError::Refused(_) | PublishError::Closed)) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broker_without_rights_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let pair = Pair::make(&AccountsFile::new(dir.path(), "test")).unwrap();
        let open = testkit::Mosquitto::start().unwrap();
        let found = tried(&pair, broker::at(open.addr()), &Topics::default()).await;
        assert_eq!(found, Outcome::failed("a device can publish as another", REMEDY));
    }

    #[test]
    fn the_accounts_are_gone_however_it_ends_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(dir.path(), "test");
        let names = || {
            file.read()
                .unwrap()
                .iter()
                .map(|(name, _)| name.to_string())
                .collect::<Vec<_>>()
        };
        file.add(NewAccount {
            name: AccountName::parse("casdoctorwho").unwrap(),
            role: Role::Device,
            label: "a device of this name".into(),
            location: String::new(),
        })
        .unwrap();
        let pair = Pair::make(&file).unwrap();
        assert_eq!(names().len(), 3);
        drop(pair);
        assert_eq!(names(), ["casdoctorwho"]);
        let caught = std::panic::catch_unwind(|| {
            let _pair = Pair::make(&file).unwrap();
            panic!("on purpose");
        });
        assert!(caught.is_err());
        assert_eq!(names(), ["casdoctorwho"]);
    }
}

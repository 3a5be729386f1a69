//! Who enters the embedded broker: its questions, answered by the accounts.
//!
//! In: greetings, topics, filters. Out: permissions, and which devices come and go. A client that names no user is let in where the listener allows it; where
//! registration is open, so is one whose name no account has.

use std::sync::Arc;

use accounts::{Accounts, Denied, Known, Login, Registration, Rights, Role, State, Strangers, TopicRules};
use async_trait::async_trait;
use backend::Ingest;
use broker::{Access, Denial, DenialReason, Entry, Farewell, Permission};
use domain::DeviceId;
use monitoring::{HealthSource, Part, Sample};
use tokio_util::sync::CancellationToken;

use crate::{assembly, audit::Auditor, config::Config, entrance::Entrance};

/// Answers the broker.
pub(crate) struct Doorkeeper {
    accounts: Arc<Accounts>,
    auditor: Arc<Auditor>,
    registration: Registration,
    rules: TopicRules,
    ingest: Arc<Ingest>,
}

/// What one client may do.
struct Granted {
    accounts: Arc<Accounts>,
    known: Known,
    rights: Rights,
}

/// What a client without an account may do.
struct Anonymous(Rights);

#[async_trait]
impl Access for Doorkeeper {
    async fn enter(&self, login: broker::Login<'_>) -> Result<Entry, Denial> {
        if let Some(name) = login.certificate_name {
            return self.by_certificate(name, &login).await;
        }
        let Some(name) = login.username.filter(|name| !name.is_empty()) else {
            return if login.anonymous {
                Ok(self.anonymous())
            } else {
                Err(Denial {
                    reason: DenialReason::NotAuthorized,
                    detail: "the client names no user".into(),
                    remedy: "give it the user name and the password that `casement devices add` prints",
                })
            };
        };
        // An account that was just made is no stranger, who may do everything where nobody needs an account.
        if login.anonymous && self.registration == Registration::Open {
            let has_account = |book: &accounts::Book| book.get(name).is_some();
            let book = self.accounts.book_that(has_account).await;
            if !has_account(&book) {
                return Ok(self.anonymous());
            }
        }
        let asked = Login {
            name,
            password: login.password.unwrap_or_default(),
            address: login.address.ip(),
            client_id: login.client_id,
            strangers: match self.registration {
                Registration::Closed => Strangers::Refused,
                Registration::Open | Registration::Pairing => Strangers::MayPair,
            },
        };
        match self.accounts.enter(asked).await {
            Ok(known) => Ok(self.entry(known, &login)),
            Err(denied) => Err(denial(name, denied)),
        }
    }

    fn still_grants(&self, account: &str, number: u64) -> bool {
        let book = self.accounts.book();
        book.get(account)
            .is_some_and(|(_, account)| account.generation == number && account.state != State::Retired)
    }

    fn left(&self, account: &str, farewell: Farewell) {
        let reason = match farewell {
            // Devices that sleep say goodbye between their reports.
            Farewell::Said => return,
            Farewell::Lost => "its connection to the broker was lost",
            Farewell::Ended => "its connection to the broker was ended; see the log and iot.ingest_errors",
        };
        if let Ok(device_id) = DeviceId::parse(account) {
            self.ingest.device_disconnected(&device_id, reason);
        }
    }
}

impl Doorkeeper {
    /// The doorkeeper of the configuration.
    pub(crate) fn of(config: &Config, entrance: &Entrance, ingest: Arc<Ingest>) -> anyhow::Result<Self> {
        use crate::config::Registration as Configured;
        Ok(Self {
            accounts: Arc::clone(&entrance.accounts),
            auditor: Arc::clone(&entrance.auditor),
            registration: match config.broker.registration() {
                Configured::Open => Registration::Open,
                Configured::Pairing | Configured::Auto => Registration::Pairing,
                Configured::Closed => Registration::Closed,
            },
            rules: assembly::topic_rules(config)?,
            ingest,
        })
    }

    fn anonymous(&self) -> Entry {
        Entry {
            account: None,
            rights: Arc::new(Anonymous(Rights::anonymous(&self.rules))),
        }
    }

    async fn by_certificate(&self, name: &str, login: &broker::Login<'_>) -> Result<Entry, Denial> {
        if let Some(other) = login.username.filter(|other| *other != name) {
            return Err(Denial {
                reason: DenialReason::NotAuthorized,
                detail: format!("the certificate is {name:?}'s, and the client names the user {other:?}"),
                remedy: "let it name no user, or use the certificate of that user",
            });
        }
        let known = self.accounts.of_certificate(name, login.certificate_not_before);
        match known.await {
            Ok(known) => Ok(self.entry(known, login)),
            Err(denied) => Err(denial(name, denied)),
        }
    }

    fn entry(&self, known: Known, login: &broker::Login<'_>) -> Entry {
        let client_id: String = login.client_id.chars().take(64).collect();
        let detail = format!("as client {client_id:?}");
        self.auditor.note_told(
            "mqtt_login",
            known.name.as_str(),
            Some(login.address.ip()),
            &detail,
        );
        if known.role == Role::Device
            && known.state == State::Active
            && let Ok(device_id) = DeviceId::parse(known.name.as_str())
        {
            self.ingest.device_connected(&device_id);
        }
        let rights = Rights::of(&known.name, known.role, known.state, &self.rules);
        Entry {
            account: Some(known.name.as_str().into()),
            rights: Arc::new(Granted {
                accounts: Arc::clone(&self.accounts),
                known,
                rights,
            }),
        }
    }
}

/// The accounts as metrics.
pub(crate) fn samples(accounts: &Accounts) -> Vec<Sample> {
    let counters = accounts.counters();
    let book = accounts.book();
    let of_state = |state| book.iter().filter(|(_, account)| account.state == state).count() as u64;
    let gauge = |name, help, value| Sample::Gauge { name, help, value };
    let counter = |name, help, value| Sample::Counter { name, help, value };
    vec![
        gauge("known", "Accounts in use", of_state(State::Active)),
        gauge(
            "pending",
            "Devices that wait to be approved",
            of_state(State::Pending),
        ),
        gauge(
            "pairing",
            "Whether devices may introduce themselves",
            accounts.pairing().is_some().into(),
        ),
        counter(
            "changes",
            "Changes of the accounts that were followed",
            counters.changes,
        ),
        counter("failures", "Wrong names or passwords", counters.failures),
        counter(
            "throttled",
            "Attempts refused without a look, after too many failures",
            counters.throttled,
        ),
        counter(
            "hashed",
            "Passwords that were compared by argon2id",
            counters.hashed,
        ),
    ]
}

/// Whether the accounts can be read.
pub(crate) fn health(accounts: Arc<Accounts>) -> HealthSource {
    Arc::new(move || {
        vec![match accounts.problem() {
            None => Part::ok("accounts"),
            Some(problem) => Part::degraded("accounts", problem),
        }]
    })
}

/// Ends the connections of accounts that were changed, until `stopping`.
pub(crate) async fn recheck(accounts: Arc<Accounts>, broker: broker::Recheck, stopping: CancellationToken) {
    let mut changes = accounts.changes();
    while let Some(Ok(())) = stopping.run_until_cancelled(changes.changed()).await {
        broker.recheck();
    }
}

fn denial(name: &str, denied: Denied) -> Denial {
    let name: String = name.chars().take(64).collect();
    let (reason, detail, remedy) = match denied {
        Denied::Wrong => (
            DenialReason::BadCredentials,
            format!("no account {name:?} has this password"),
            "check user name and password; `casement devices rotate ID` makes a new one",
        ),
        Denied::OldCertificate => (
            DenialReason::NotAuthorized,
            format!("the certificate of {name:?} is older than the account's secrets"),
            "make another by `casement provision tls --client ID`",
        ),
        Denied::NoPassword => (
            DenialReason::BadCredentials,
            format!("the client names the user {name:?} without a password"),
            "give it the password that `casement devices add` prints",
        ),
        Denied::Retired => (
            DenialReason::NotAuthorized,
            format!("the account {name:?} is retired"),
            "let it in again by `casement devices approve ID`",
        ),
        Denied::Wait(pause) => (
            DenialReason::TooOften,
            format!(
                "{name:?} was wrong too often, and waits for {} s",
                pause.as_secs() + 1
            ),
            "check user name and password in the client",
        ),
        Denied::Busy => (
            DenialReason::Busy,
            "too many passwords wait to be compared".to_owned(),
            "nothing to do: the client tries again",
        ),
        // Told as a wrong password is: nobody learns which accounts there are.
        Denied::DoorClosed => (
            DenialReason::BadCredentials,
            format!("there is no account {name:?}, and the door is closed"),
            "make an account by `casement devices add ID`, or open the door by `casement devices pair`",
        ),
        Denied::CannotPair(why) => (
            DenialReason::NotAuthorized,
            format!("the device {name:?} cannot be paired: {why}"),
            "see `casement devices pair`",
        ),
    };
    Denial {
        reason,
        detail,
        remedy,
    }
}

const FOREIGN: Permission = Permission::Refused {
    reason: "the account has no right to it",
    remedy: "use the account's own topics, or an account with another role",
};

impl broker::Rights for Granted {
    fn publish(&self, topic: &str, payload: &[u8]) -> Permission {
        match self.rights.may_publish(topic) {
            false => FOREIGN,
            true if self.known.state == State::Pending => {
                self.accounts.heard(&self.known.name, topic, payload);
                Permission::Ignored
            }
            true => Permission::Granted,
        }
    }

    fn subscribe(&self, filter: &str) -> Permission {
        if self.rights.may_subscribe(filter) {
            Permission::Granted
        } else if self.known.state == State::Pending {
            Permission::Refused {
                reason: "the device waits to be approved",
                remedy: "approve it by `casement devices approve ID`",
            }
        } else {
            FOREIGN
        }
    }

    fn number(&self) -> u64 {
        self.known.generation
    }

    fn is_current(&self) -> bool {
        self.accounts.is_current(&self.known)
    }
}

impl broker::Rights for Anonymous {
    fn publish(&self, topic: &str, _payload: &[u8]) -> Permission {
        if self.0.may_publish(topic) {
            Permission::Granted
        } else {
            FOREIGN
        }
    }

    fn subscribe(&self, filter: &str) -> Permission {
        if self.0.may_subscribe(filter) {
            Permission::Granted
        } else {
            FOREIGN
        }
    }

    fn number(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        true
    }
}

//! `casement devices`: the accounts of devices, and pairing.
//!
//! In: a command. Out: the file of accounts changed; a new password printed once, with the lines for a device's program. It
//! works whether a service runs or not.

use std::{collections::HashSet, fmt::Write as _, net::IpAddr, thread, time::Duration};

use accounts::{Account, AccountName, AccountsFile, Book, NewAccount, Password, Role, State};
use anyhow::ensure;
use serde_json::{Value, json};

use super::accounts::{configuration, described, file, find, is_out_of_use};
use crate::{
    api_part,
    cli::{self, DevicesCommand as Command},
    config::{Config, Registration},
    output::say,
    snippets::{self, Door},
    table,
};

pub(super) fn run(flags: cli::Devices) -> anyhow::Result<()> {
    let (config, place) = configuration(flags.place)?;
    let (file, json) = (file(&config), place.json);
    let known = |id: &AccountName| find(&file.read()?, id, "devices").map(drop);
    match flags.command {
        Command::Add { id, names } => {
            let new = NewAccount {
                name: AccountName::parse(id.as_str())?,
                role: Role::Device,
                label: names.name.unwrap_or_default(),
                location: names.location.unwrap_or_default(),
            };
            let name = new.name.clone();
            let password = file.add(new)?;
            show_secret(&config, &name, &password, json);
        }
        Command::Pair { close: true, .. } => {
            file.close_pairing()?;
            say!("the door is closed");
        }
        Command::Pair { wait, .. } => pair(&file, is_open(&config), wait, json)?,
        Command::List => list(&file, json)?,
        Command::Show { id } => {
            let book = file.read()?;
            let (name, account) = find(&book, &id, "devices")?;
            say!("{}", serde_json::to_string_pretty(&described(name, account))?);
        }
        Command::Rename { id, names } => {
            known(&id)?;
            file.rename(&id, names.name, names.location)?;
            say!("{id} is renamed");
        }
        Command::Approve { id, names } => {
            known(&id)?;
            file.approve(&id)?;
            file.rename(&id, names.name, names.location)?;
            say!("{id} is let in");
        }
        Command::Retire { id } => {
            with_account(&file.read()?, &id)?;
            file.retire_with_device(&id)?;
            say!(
                "{id} is out of use, and its account is closed; take it back into use by: casement devices approve {id}"
            );
        }
        Command::Close { id } => {
            let was_out_of_use = is_out_of_use(with_account(&file.read()?, &id)?);
            file.retire(&id)?;
            if was_out_of_use {
                say!(
                    "{id} is kept out, and stays out of use; take it back into use by: casement devices approve {id}"
                );
            } else {
                say!(
                    "{id} is kept out; where its device is in use, its window is still decided for; let it in again by: casement devices approve {id}"
                );
            }
        }
        Command::Forget { id } => {
            known(&id)?;
            file.forget(&id)?;
            say!("{id} is forgotten; what it has sent stays");
        }
        Command::Rotate { id } => {
            known(&id)?;
            let password = file.rotate(&id)?;
            show_secret(&config, &id, &password, json);
        }
    }
    Ok(())
}

/// Returns the account of a device that is to be shut out; says what can be done with a device that has none.
fn with_account<'a>(book: &'a Book, id: &AccountName) -> anyhow::Result<&'a Account> {
    ensure!(
        book.get(id.as_str()).is_some(),
        "there is no account '{id}'; see: casement devices list; a device without an account is put out of use on the page, \
         or by: PATCH /api/v1/devices/{id} {{\"retired\": true}}"
    );
    Ok(find(book, id, "devices")?.1)
}

/// Whether a device without an account is simply in. Where the service that ran last could be reached from other hosts, it
/// decided otherwise.
fn is_open(config: &Config) -> bool {
    let chosen = config.broker.registration == Registration::Open;
    let host = Door::of(config).host.parse::<IpAddr>();
    let is_local = host.is_ok_and(|host| host.is_loopback());
    config.embeds_broker() && api_part::registration(config) == Registration::Open && (chosen || is_local)
}

/// Prints a new password, once, and what to put into a device's program.
fn show_secret(config: &Config, name: &AccountName, password: &Password, as_json: bool) {
    let door = Door::of(config);
    let topics = snippets::topics(config, name);
    if as_json {
        let made = json!({
            "device_id": name, "username": name, "password": password.reveal(),
            "broker": door, "publish": topics.publish, "subscribe": topics.subscribe,
        });
        say!("{made}");
    } else {
        say!("{}", snippets::text(&door, name, password.reveal(), &topics));
    }
}

fn pair(file: &AccountsFile, is_open: bool, wait: bool, as_json: bool) -> anyhow::Result<()> {
    let until = file.open_pairing()?;
    if as_json {
        let registration = is_open.then_some("open");
        say!(
            "{}",
            json!({"pairing_until": until, "registration": registration})
        );
    } else if is_open {
        say!(
            "Registration is open: whoever connects from this machine without an account is in at once, and nothing waits for \
             your word. To be asked for each device, start the service as `casement up --lan`, or set `broker.anonymous: never`.\n\
             The door is open until {until:.0}."
        );
    } else {
        say!(
            "The door is open until {until:.0}. A device that connects now with its id as user name and a password of its \
             own, of 8 characters or more, is bound to that password and waits for your word:\n  \
             casement devices list\n  casement devices approve ID --location PLACE"
        );
    }
    if !wait {
        return Ok(());
    }
    let mut seen: HashSet<AccountName> = pending(&file.read()?).map(|(name, _)| name.clone()).collect();
    loop {
        thread::sleep(Duration::from_millis(500));
        let book = file.read()?;
        for (name, account) in pending(&book).filter(|(name, _)| !seen.contains(name)) {
            if as_json {
                say!("{}", described(name, account));
            } else {
                say!(
                    "{name} waits ({}): casement devices approve {name}",
                    introduction(account)
                );
            }
        }
        seen.extend(pending(&book).map(|(name, _)| name.clone()));
        if book.pairing(jiff::Timestamp::now()).is_none() {
            return Ok(());
        }
    }
}

fn pending(book: &accounts::Book) -> impl Iterator<Item = (&AccountName, &Account)> {
    book.iter().filter(|(_, account)| account.state == State::Pending)
}

/// The state of a device's account: `retired` with its device, or `closed` for itself, whether its device is in use or not.
fn state(account: &Account) -> &'static str {
    if account.state == State::Retired && !account.retired_with_device {
        "closed"
    } else {
        account.state.as_str()
    }
}

/// How a waiting device introduced itself.
fn introduction(account: &Account) -> String {
    let Some(pending) = &account.pending else {
        return String::new();
    };
    // What a stranger chose is escaped.
    let mut text = format!("from {}, client id {:?}", pending.address, pending.client_id);
    for (topic, payload) in &pending.first {
        let _ = write!(text, "; {topic:?}: {payload:?}");
    }
    text
}

fn list(file: &AccountsFile, as_json: bool) -> anyhow::Result<()> {
    let book = file.read()?;
    let mut devices: Vec<_> = book
        .iter()
        .filter(|(_, account)| account.role == Role::Device)
        .collect();
    devices.sort_by_key(|(_, account)| account.state != State::Pending);
    if as_json {
        let all: Vec<Value> = devices
            .into_iter()
            .map(|(name, account)| described(name, account))
            .collect();
        say!("{}", Value::from(all));
        return Ok(());
    }
    if devices.is_empty() {
        say!(
            "no devices with an account yet; the first one: casement devices add sensor-001, or: casement devices pair"
        );
        return Ok(());
    }
    let rows = devices.into_iter().map(|(name, account)| {
        [
            name.to_string(),
            state(account).to_owned(),
            account.label.clone(),
            account.location.clone(),
            format!("{:.0}", account.created),
            introduction(account),
        ]
    });
    say!(
        "{}",
        table::format(
            ["ID", "STATE", "NAME", "LOCATION", "SINCE", "INTRODUCED"],
            0..0,
            rows
        )
    );
    if let Some(until) = book.pairing(jiff::Timestamp::now()) {
        say!("the door is open until {until:.0}");
    }
    Ok(())
}

//! `casement accounts`: people and programs.
//!
//! In: a command. Out: the file of accounts changed, and secrets printed once. It works whether a service runs or not.

use std::io::Read as _;

use accounts::{Account, AccountName, AccountsFile, NewAccount, Role};
use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::{
    assembly,
    cli::{self, AccountsCommand as Command},
    config::{Config, Reader, Sources},
    output::say,
    page_urls::PageUrls,
    table,
};

pub(super) fn run(flags: cli::Accounts) -> anyhow::Result<()> {
    let (config, place) = configuration(flags.place)?;
    let file = file(&config);
    match flags.command {
        Command::Add { name, role, label } => add(&file, &name, role, label, place.json)?,
        Command::List => list(&file, place.json)?,
        Command::Show { name } => {
            let book = file.read()?;
            let (name, account) = find(&book, &name, "accounts")?;
            say!("{}", serde_json::to_string_pretty(&described(name, account))?);
        }
        Command::Token { name, label, days } => {
            find(&file.read()?, &name, "accounts")?;
            let expires = days.map(|days| Timestamp::now() + (24 * i64::from(days)).hours());
            let token = file.add_token(&name, &label, expires)?;
            if place.json {
                say!(
                    "{}",
                    json!({"name": name, "token": token.reveal(), "expires": expires})
                );
            } else {
                say!("token, shown once: {}", token.reveal());
            }
        }
        Command::Revoke => {
            let mut token = String::new();
            std::io::stdin()
                .take(4_096)
                .read_to_string(&mut token)
                .context("the token is read from standard input, and it is not text")?;
            ensure!(file.revoke(token.trim())?, "there is no such token");
            say!("the token is void");
        }
        Command::Link { name } => {
            find(&file.read()?, &name, "accounts")?;
            let expires = Timestamp::now() + SignedDuration::try_from(people::LINK_LIFE)?;
            let path = format!("/sign-in?once={}", file.add_link(&name, expires)?.reveal());
            print_link(
                &config,
                &path,
                json!({"name": name, "expires": expires}),
                place.json,
            );
        }
        Command::Share { days, label } => {
            let expires = Timestamp::now() + (24 * i64::from(days)).hours();
            let (id, token) = file.share(&label, expires)?;
            let path = format!("/?share={}", token.reveal());
            print_link(&config, &path, json!({"id": id, "expires": expires}), place.json);
        }
        Command::Shares => list_shares(&file, place.json)?,
        Command::Unshare { id } => {
            ensure!(
                file.unshare(&id)?,
                "there is no link '{id}'; see: casement accounts shares"
            );
            say!("the link is void");
        }
        Command::Rotate { name } => {
            find(&file.read()?, &name, "accounts")?;
            let password = file.rotate(&name)?;
            if place.json {
                say!(
                    "{}",
                    json!({"name": name, "username": name, "password": password.reveal()})
                );
            } else {
                say!("password of {name}, shown once: {}", password.reveal());
                say!("the old password and every token are void");
            }
        }
        Command::Retire { name } => {
            find(&file.read()?, &name, "accounts")?;
            file.retire(&name)?;
            say!("{name} is kept out");
        }
        Command::Approve { name } => {
            find(&file.read()?, &name, "accounts")?;
            file.approve(&name)?;
            say!("{name} may enter again");
        }
        Command::Forget { name } => {
            find(&file.read()?, &name, "accounts")?;
            file.forget(&name)?;
            say!("{name} is forgotten");
        }
    }
    Ok(())
}

/// Reads the configuration for a command around accounts.
pub(super) fn configuration(place: cli::Place) -> anyhow::Result<(Config, cli::Place)> {
    let config = Sources::process(place.config.clone())
        .data(place.data.clone())
        .load_for(Reader::Accounts)?;
    Ok((config, place))
}

/// The file of accounts in this person's hand.
pub(super) fn file(config: &Config) -> AccountsFile {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| rustix::process::geteuid().as_raw().to_string());
    assembly::accounts(config, &format!("cli:{user}"))
}

fn add(file: &AccountsFile, name: &AccountName, role: Role, label: String, json: bool) -> anyhow::Result<()> {
    ensure!(
        role != Role::Device,
        "devices have a command of their own: casement devices add {name}"
    );
    let new = NewAccount {
        name: name.clone(),
        role,
        label,
        location: String::new(),
    };
    let password = file.add(new)?;
    let token = file.add_token(name, "first", None)?;
    if json {
        let made = json!({
            "name": name, "username": name, "role": role, "password": password.reveal(), "token": token.reveal(),
        });
        say!("{made}");
        return Ok(());
    }
    say!("{name} may enter as {role}. Both are shown once:");
    say!(
        "  password  {}   (MQTT, ClickHouse's reader, signing in)",
        password.reveal()
    );
    say!("  token     {}   (Authorization: Bearer)", token.reveal());
    Ok(())
}

/// Returns the account of that name. `group` is the command that asks: each has its own kind.
pub(super) fn find<'a>(
    book: &'a accounts::Book,
    name: &AccountName,
    group: &'static str,
) -> anyhow::Result<(&'a AccountName, &'a Account)> {
    let found = book.get(name.as_str());
    let (name, account) =
        found.with_context(|| format!("there is no account '{name}'; see: casement {group} list"))?;
    let is_device = account.role == Role::Device;
    ensure!(
        is_device == (group == "devices"),
        "'{name}' has the role {}: use casement {}",
        account.role,
        if is_device { "devices" } else { "accounts" }
    );
    Ok((name, account))
}

/// An account without its secrets.
pub(super) fn described(name: &AccountName, account: &Account) -> Value {
    let mut described = json!({
        "name": name, "role": account.role, "state": account.state, "created": account.created,
        "label": account.label, "password": account.credentials.has_password(), "tokens": account.credentials.tokens(),
    });
    if account.role == Role::Device {
        described["device_id"] = json!(name);
        described["location"] = json!(account.location);
        described["pending"] = json!(account.pending);
        described["out_of_use"] = json!(is_out_of_use(account));
    }
    described
}

/// Whether the device of an account is out of use, as the account says; closing the account for itself does not change it.
pub(super) fn is_out_of_use(account: &Account) -> bool {
    account.retires_device() == Some(true)
}

/// Prints a link, shown once; `about` is what else is known of it.
fn print_link(config: &Config, path: &str, mut about: Value, as_json: bool) {
    let urls = PageUrls::noted(config).links(path);
    if as_json {
        about["path"] = json!(path);
        about["urls"] = json!(urls);
        say!("{about}");
    } else {
        for url in urls {
            say!("{url}");
        }
        if let Some(expires) = about["expires"].as_str() {
            say!("shown once; void after {expires}");
        }
    }
}

fn list_shares(file: &AccountsFile, as_json: bool) -> anyhow::Result<()> {
    let (book, now) = (file.read()?, Timestamp::now());
    let valid = || book.shares().filter(|(_, share)| share.expires > now);
    if as_json {
        let all = valid().map(|(id, share)| {
            json!({"id": id, "label": share.label, "by": share.by, "created": share.created, "expires": share.expires})
        });
        let all: Vec<Value> = all.collect();
        say!("{}", Value::from(all));
        return Ok(());
    }
    if valid().next().is_none() {
        say!("no links that show the page; the first one: casement accounts share --label \"for whom\"");
        return Ok(());
    }
    let rows = valid().map(|(id, share)| {
        [
            id.to_owned(),
            format!("{:.0}", share.created),
            format!("{:.0}", share.expires),
            share.by.clone(),
            share.label.clone(),
        ]
    });
    say!(
        "{}",
        table::format(["ID", "SINCE", "UNTIL", "BY", "LABEL"], 0..0, rows)
    );
    Ok(())
}

fn list(file: &AccountsFile, as_json: bool) -> anyhow::Result<()> {
    let book = file.read()?;
    let others = || book.iter().filter(|(_, account)| account.role != Role::Device);
    if as_json {
        let all: Vec<Value> = others().map(|(name, account)| described(name, account)).collect();
        say!("{}", Value::from(all));
        return Ok(());
    }
    if others().next().is_none() {
        say!("no accounts yet; the first one: casement accounts add grafana --role reader");
        return Ok(());
    }
    let rows = others().map(|(name, account)| {
        [
            name.to_string(),
            account.role.to_string(),
            account.state.as_str().to_owned(),
            account.credentials.tokens().to_string(),
            format!("{:.0}", account.created),
            account.label.clone(),
        ]
    });
    say!(
        "{}",
        table::format(["NAME", "ROLE", "STATE", "TOKENS", "SINCE", "LABEL"], 3..4, rows)
    );
    Ok(())
}

//! `casement provision mosquitto` and `emqx`: the accounts and their rights for a broker of one's own.
//!
//! In: the accounts, the certificates. Out: the broker's files. Backend and ML service get accounts, whose passwords are files
//! of their own. What an earlier run has written is written anew.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use accounts::{AccountName, AccountsFile, NewAccount, Role, emqx_acl, mosquitto_acl, mosquitto_passwords};
use anyhow::Context as _;

use super::accounts::{configuration, file};
use crate::{
    assembly, certificates,
    cli::{ProvisionBroker, ProvisionMosquitto},
    config::Config,
    output::say,
};

/// The services that connect to a broker of one's own.
const SERVICES: [(&str, Role); 2] = [("casement-backend", Role::Backend), ("casement-ml", Role::Ml)];

pub(super) fn mosquitto(flags: ProvisionMosquitto) -> anyhow::Result<()> {
    let ProvisionMosquitto { broker, plain, tls } = flags;
    let (config, out) = prepare(broker, "mosquitto")?;
    let accounts = file(&config);
    let services = services(&accounts, &out)?;
    certificates::ensure(&config)?;
    let book = accounts.read()?;
    let rules = assembly::topic_rules(&config)?;
    let passwords = mosquitto_passwords(&book);
    write(&out.join("passwords"), &passwords.text)?;
    write(&out.join("acl"), &mosquitto_acl(&book, &rules))?;
    write(
        &out.join("mosquitto.conf"),
        &configuration_of(&config, &out, plain, tls),
    )?;
    say!(
        "{}: run `mosquitto -c` with it",
        out.join("mosquitto.conf").display()
    );
    say!(
        "Mosquitto's user must be able to read it, passwords, acl, and the server's key: chown mosquitto: {}",
        out.display()
    );
    for (name, path) in services {
        say!(
            "{name}: CASEMENT__MQTT__USERNAME={name}, mqtt.password_file {}",
            path.display()
        );
    }
    for name in passwords.left_out {
        say!(
            "left out: {name}, whose password is its own, and known here by a hash that Mosquitto does not read; \
             give it another by: casement devices rotate {name}"
        );
    }
    Ok(())
}

pub(super) fn emqx(flags: ProvisionBroker) -> anyhow::Result<()> {
    let (config, out) = prepare(flags, "emqx")?;
    let rules = assembly::topic_rules(&config)?;
    let path = out.join("acl.conf");
    write(&path, &emqx_acl(&file(&config).read()?, &rules))?;
    say!(
        "{}: name it in EMQX's authorization.sources (type = file), and set authorization.no_match = deny",
        path.display()
    );
    Ok(())
}

fn prepare(flags: ProvisionBroker, name: &str) -> anyhow::Result<(Config, PathBuf)> {
    let (config, _) = configuration(flags.place)?;
    let out = flags.out.unwrap_or_else(|| config.data().join(name));
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let out = fs::canonicalize(&out).with_context(|| format!("{} cannot be found", out.display()))?;
    Ok((config, out))
}

/// The accounts of the services, each with the file that its password is in.
fn services(accounts: &AccountsFile, out: &Path) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let mut made = Vec::new();
    for (text, role) in SERVICES {
        let name = AccountName::parse(text).expect("a name");
        let path = out.join(format!("{text}.password"));
        let new = NewAccount {
            name: name.clone(),
            role,
            label: "at a broker of one's own".to_owned(),
            location: String::new(),
        };
        let password = match accounts.ensure(new)? {
            // Its password was shown to nobody but the file.
            None if !path.exists() => Some(accounts.rotate(&name)?),
            password => password,
        };
        if let Some(password) = password {
            write(&path, &format!("{}\n", password.reveal()))?;
        }
        made.push((text, path));
    }
    Ok(made)
}

fn configuration_of(config: &Config, out: &Path, plain: SocketAddr, tls: SocketAddr) -> String {
    let files = tls::Files::below(certificates::directory(config));
    let absolute = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path).display().to_string();
    let (certificate, key) = match (&config.tls.certificate_file, &config.tls.key_file) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => (files.server(), files.server_key()),
    };
    let out = out.display();
    format!(
        "# Written by `casement provision mosquitto`.\n\
         per_listener_settings false\n\
         allow_anonymous false\n\
         password_file {out}/passwords\n\
         acl_file {out}/acl\n\
         \n\
         # Readings wait here while the backend is away.\n\
         persistence true\n\
         max_inflight_messages 1000\n\
         max_queued_messages 1000000\n\
         message_size_limit 33554432\n\
         \n\
         listener {} {}\n\
         \n\
         listener {} {}\n\
         certfile {}\n\
         keyfile {}\n\
         tls_version tlsv1.2\n",
        plain.port(),
        plain.ip(),
        tls.port(),
        tls.ip(),
        absolute(certificate),
        absolute(key),
    )
}

/// Writes a file that its owner alone can read.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("{} cannot be written", partial.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

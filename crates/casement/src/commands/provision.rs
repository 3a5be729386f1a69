//! `casement provision`: files that others need in order to trust this host.

use serde_json::json;
use tls::Provisioned;

use super::brokers;
use crate::{
    certificates,
    cli::{self, ProvisionCommand},
    config::{Reader, Sources},
    host,
    output::say,
};

pub(super) fn run(flags: cli::Provision) -> anyhow::Result<()> {
    match flags.command {
        ProvisionCommand::Tls(flags) => tls(flags),
        ProvisionCommand::Mosquitto(flags) => brokers::mosquitto(flags),
        ProvisionCommand::Emqx(flags) => brokers::emqx(flags),
    }
}

fn tls(flags: cli::ProvisionTls) -> anyhow::Result<()> {
    let config = Sources::process(flags.config)
        .data(flags.data)
        .load_for(Reader::Journal)?;
    let mut hosts = flags.hosts;
    hosts.extend(host::addresses().iter().map(ToString::to_string));
    let made = tls::provision(&tls::Provision {
        directory: certificates::directory(&config),
        host_name: host::name(),
        hosts,
        clients: flags.clients,
        new_ca: flags.new_ca,
    })?;
    if flags.json {
        say!("{}", json(&made));
    } else {
        print(&made);
    }
    Ok(())
}

fn end(made: &Provisioned) -> String {
    jiff::Timestamp::try_from(made.expires_at).map_or_else(|_| "unknown".into(), |end| end.to_string())
}

fn json(made: &Provisioned) -> serde_json::Value {
    let clients: Vec<_> = made
        .clients
        .iter()
        .map(|client| json!({"id": client.id, "certificate": client.certificate, "key": client.key}))
        .collect();
    json!({
        "ca": made.files.ca(),
        "ca_sha256": made.ca_fingerprint,
        "ca_is_new": made.made_ca,
        "certificate": made.files.server(),
        "key": made.files.server_key(),
        "hosts": made.hosts,
        "expires_at": end(made),
        "clients": clients,
    })
}

fn print(made: &Provisioned) {
    let ca = made.files.ca();
    let what = if made.made_ca {
        "the new authority, which every device and browser needs"
    } else {
        "the authority, as it was"
    };
    say!("{}: {what}", ca.display());
    say!("  SHA-256 {}", made.ca_fingerprint);
    let server = made.files.server();
    say!(
        "{}: the server's certificate, until {}",
        server.display(),
        end(made)
    );
    say!("  for {}", made.hosts.join(", "));
    for client in &made.clients {
        say!(
            "{}, {}: the certificate and the key of {}",
            client.certificate.display(),
            client.key.display(),
            client.id
        );
    }
}

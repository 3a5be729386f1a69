//! What is made, what is kept, and what is said of files that cannot be used.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tls::{Provision, Provisioned, ServerFiles, ServerTls, ensure, provision};

const DAY: Duration = Duration::from_hours(24);

fn request(directory: &TempDir, hosts: &[&str], clients: &[&str]) -> Provision {
    Provision {
        directory: directory.path().join("tls"),
        host_name: "Shed".into(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        clients: clients.iter().map(ToString::to_string).collect(),
        new_ca: false,
    }
}

fn files(made: &Provisioned) -> ServerFiles {
    ServerFiles {
        certificate: made.files.server(),
        key: made.files.server_key(),
        client_ca: Some(made.files.ca()),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs openssl, and returns what it printed.
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is installed");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssl_agrees_with_what_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let made = provision(&request(
        &directory,
        &["192.168.1.10", "casement.lan"],
        &["sensor-001"],
    ))
    .unwrap();
    assert!(made.made_ca);
    let path = |path: &Path| path.display().to_string();
    let (ca, server) = (path(&made.files.ca()), path(&made.files.server()));
    openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        &ca,
        &server,
    ]);
    let client = &made.clients[0];
    let certificate = path(&client.certificate);
    openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslclient",
        "-CAfile",
        &ca,
        &certificate,
    ]);
    let text = openssl(&["x509", "-in", &server, "-noout", "-text"]);
    for part in [
        "DNS:casement.lan",
        "DNS:localhost",
        "DNS:shed",
        "DNS:shed.local",
        "IP Address:192.168.1.10",
        "IP Address:127.0.0.1",
        "IP Address:0:0:0:0:0:0:0:1",
        "prime256v1",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let subject = openssl(&[
        "x509",
        "-in",
        &certificate,
        "-noout",
        "-subject",
        "-nameopt",
        "RFC2253",
    ]);
    assert_eq!(subject.trim(), "subject=CN=sensor-001");
    let print = openssl(&["x509", "-in", &ca, "-noout", "-fingerprint", "-sha256"]);
    assert!(print.contains(&made.ca_fingerprint), "{print}");
    let left = made.expires_at.duration_since(SystemTime::now()).unwrap();
    assert!(left > 824 * DAY && left <= 825 * DAY);
    // Whoever else has an account here reads nothing.
    for file in [made.files.ca_key(), made.files.server_key(), client.key.clone()] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    for directory in [made.files.ca(), client.key.clone()] {
        assert_eq!(mode(directory.parent().unwrap()), 0o700);
    }
}

#[test]
fn the_authority_stays_until_a_new_one_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let first = provision(&request(&directory, &[], &["a"])).unwrap();
    let read = |made: &Provisioned| {
        (
            fs::read(made.files.ca()).unwrap(),
            fs::read(made.files.ca_key()).unwrap(),
            fs::read(made.files.server()).unwrap(),
        )
    };
    let before = read(&first);
    let second = provision(&request(&directory, &["x.lan"], &[])).unwrap();
    let after = read(&second);
    assert!(!second.made_ca && second.ca_fingerprint == first.ca_fingerprint);
    assert_eq!((&before.0, &before.1), (&after.0, &after.1));
    assert_ne!(before.2, after.2);
    assert!(fs::exists(&first.clients[0].key).unwrap());
    let mut request = request(&directory, &[], &[]);
    request.new_ca = true;
    let third = provision(&request).unwrap();
    assert!(third.made_ca && third.ca_fingerprint != first.ca_fingerprint);
    let old = third.files.ca().with_added_extension("old");
    assert_eq!(fs::read(old).unwrap(), before.0);
    // Half of it is missing: nothing is made in its place.
    request.new_ca = false;
    fs::remove_file(third.files.ca_key()).unwrap();
    let error = provision(&request).unwrap_err().to_string();
    assert!(
        error.contains("ca.key is missing") && error.contains("--new-ca"),
        "{error}"
    );
    fs::copy(first.files.server_key(), third.files.ca_key()).unwrap();
    let error = provision(&request).unwrap_err().to_string();
    assert!(error.contains("does not belong"), "{error}");
}

#[test]
fn a_start_makes_only_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let first = ensure(request(&directory, &["10.0.0.2"], &[])).unwrap().unwrap();
    assert_eq!(ensure(request(&directory, &["10.0.0.2"], &[])).unwrap(), None);
    // Another address: the earlier ones stay.
    let second = ensure(request(&directory, &["10.0.0.3"], &[])).unwrap().unwrap();
    assert!(!second.made_ca);
    for host in ["10.0.0.2", "10.0.0.3"] {
        assert!(second.hosts.iter().any(|present| present == host), "{host}");
    }
    // A certificate of somebody else's authority is theirs.
    let other = tempfile::tempdir().unwrap();
    let foreign = provision(&Provision {
        host_name: "elsewhere".into(),
        ..request(&other, &[], &[])
    })
    .unwrap();
    fs::copy(foreign.files.server(), first.files.server()).unwrap();
    assert_eq!(ensure(request(&directory, &["10.0.0.4"], &[])).unwrap(), None);
}

#[test]
fn names_that_cannot_stand_in_a_certificate_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for host in [
        "",
        "a b",
        "0.0.0.0",
        "192.168.1",
        "http://x",
        "-x",
        "x..y",
        "käse",
    ] {
        let error = provision(&request(&directory, &[host], &[]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("host name"), "{host}: {error}");
    }
    for client in ["", "../ca", "a/b", ".", "sensor 1", &"x".repeat(65)] {
        let error = provision(&request(&directory, &[], &[client]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("cannot name a client"), "{client}: {error}");
    }
    assert!(!directory.path().join("tls").exists(), "nothing was made");
}

#[test]
fn files_that_are_something_else_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let made = provision(&request(&directory, &[], &["a"])).unwrap();
    let good = files(&made);
    assert!(ServerTls::load(good.clone()).is_ok());
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let said = |files: ServerFiles| {
        let error = ServerTls::load(files).unwrap_err();
        error.to_string()
    };
    let with_certificate = |certificate| ServerFiles {
        certificate,
        ..good.clone()
    };
    let with_key = |key| ServerFiles { key, ..good.clone() };
    assert!(said(with_certificate(directory.path().join("none"))).contains("cannot be read"));
    assert!(said(with_certificate(file("text", b"hello"))).contains("-----BEGIN CERTIFICATE-----"));
    assert!(said(with_certificate(file("der", &[0x30, 0x82, 1, 2]))).contains("openssl x509 -inform der"));
    assert!(said(with_certificate(file("large", &vec![b'x'; 2 << 20]))).contains("1 MiB"));
    assert!(said(with_certificate(good.key.clone())).contains("no certificate"));
    assert!(said(with_key(good.certificate.clone())).contains("no private key"));
    assert!(said(with_key(made.clients[0].key.clone())).contains("does not belong"));
    let locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(said(with_key(file("locked", locked))).contains("password"));
}

#[test]
fn an_end_that_is_near_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let made = provision(&request(&directory, &[], &[])).unwrap();
    assert_eq!(ServerTls::load(files(&made)).unwrap().concern(), None);
    let own = |days: i64, name: &str| {
        let mut params = rcgen::CertificateParams::new(vec!["x.lan".into()]).unwrap();
        params.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        let key = rcgen::KeyPair::generate().unwrap();
        let files = ServerFiles {
            certificate: directory.path().join(format!("{name}.pem")),
            key: directory.path().join(format!("{name}.key")),
            client_ca: None,
        };
        fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        ServerTls::load(files).unwrap()
    };
    assert_eq!(own(20, "later").concern(), None);
    let soon = own(5, "soon").concern().unwrap();
    assert!(soon.contains("ends in 4 days"), "{soon}");
    let over = own(-1, "over").concern().unwrap();
    assert!(over.contains("has expired"), "{over}");
}

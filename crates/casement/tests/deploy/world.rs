//! The places of the stack's services where they run as plain processes.

use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use testkit::{Mosquitto, Process, free_addr};

use crate::{place::Place, support::casement};

/// Where commands are looked for: `casement` is the binary under test.
pub(crate) fn path_with_casement() -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_casement"));
    format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        env::var("PATH").unwrap()
    )
}

/// Whether a health check's command line succeeds within its five seconds.
pub(crate) fn succeeds(check: &str) -> bool {
    let status = Command::new("timeout").args(["5", "sh", "-c", check]).status();
    status.unwrap().success()
}

/// Directories and addresses in place of the containers'.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            place: Place::new(),
            plain: free_addr(),
            tls: free_addr(),
        };
        for name in ["casement", "broker-accounts", "service-accounts", "mosquitto"] {
            fs::create_dir(world.volume(name)).unwrap();
        }
        world
    }

    pub(crate) fn volume(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// What the service `accounts` does.
    pub(crate) fn accounts(&self) {
        let output = Command::new("sh")
            .arg(self.place.deploy().join("accounts.sh"))
            .env("PATH", path_with_casement())
            .env("DATA", self.volume("casement"))
            .env("BROKER_ACCOUNTS", self.volume("broker-accounts"))
            .env("SERVICE_ACCOUNTS", self.volume("service-accounts"))
            .env("CASEMENT_HOSTS", "casement.lan 192.0.2.10")
            .current_dir(self.place.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Mosquitto with the stack's configuration; only paths and ports are this test's.
    pub(crate) fn mosquitto(&self) -> Process {
        let text = fs::read_to_string(self.place.deploy().join("mosquitto/mosquitto.conf")).unwrap();
        let own = self.volume("mosquitto").display().to_string();
        let listener = |addr: SocketAddr| format!("listener {} {}\n", addr.port(), addr.ip());
        let mut replaced = text
            .replace(
                "/etc/casement/accounts",
                &self.volume("broker-accounts").display().to_string(),
            )
            .replace("/mosquitto/data/", &format!("{own}/"))
            .replace("/mosquitto/log", &own)
            .replace("listener 1883\n", &listener(self.plain))
            .replace("listener 8883\n", &listener(self.tls));
        assert!(!replaced.contains("/etc/casement") && !replaced.contains("listener 1883\n"));
        // Started by root, Mosquitto would switch to a user who may not read the files.
        replaced.push_str("user root\n");
        let file = self.volume("mosquitto").join("mosquitto.conf");
        fs::write(&file, replaced).unwrap();
        Mosquitto::start_configured(&file, self.plain).unwrap()
    }

    /// A text of the Compose file with this test's places.
    pub(crate) fn here(&self, text: &str) -> String {
        let secrets = self.place.deploy().join("secrets");
        text.replace("mosquitto:1883", &self.plain.to_string())
            .replace(
                "/var/lib/service-accounts",
                &self.volume("service-accounts").display().to_string(),
            )
            .replace(
                "/var/lib/casement/",
                &format!("{}/", self.volume("casement").display()),
            )
            .replace(
                "/var/lib/casement-audio",
                &self.volume("audio").display().to_string(),
            )
            .replace("/run/secrets", &secrets.display().to_string())
    }

    /// Starts a service by its command line and variables of the Compose file.
    pub(crate) fn start(&self, project: &Value, name: &str, other: &[(&str, String)]) -> Process {
        let service = &project["services"][name];
        let words = service["command"].as_array().unwrap();
        let words: Vec<_> = words
            .iter()
            .map(|word| self.here(word.as_str().unwrap()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let variables = self.variables(service, other);
        let variables: Vec<(&str, String)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let casement = casement().in_directory(self.place.path());
        casement.start_with(&words, &variables).unwrap()
    }

    /// The variables of a service, with this test's places and what `other` replaces.
    fn variables(&self, service: &Value, other: &[(&str, String)]) -> Vec<(String, String)> {
        let variables = service["environment"].as_object();
        let mut variables: Vec<(String, String)> = variables
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), self.here(value.as_str().unwrap())))
            .collect();
        for (name, value) in other {
            let set = variables.iter_mut().find(|(known, _)| known == name);
            set.expect("the Compose file sets it").1.clone_from(value);
        }
        variables
    }

    /// Runs the health check of a service as its container would: its command line, with the service's variables, in its
    /// directory, within its time.
    pub(crate) fn checked(&self, service: &Value, other: &[(&str, String)]) -> Output {
        let check = &service["healthcheck"];
        let words: Vec<&str> = check["test"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let words = match words[0] {
            "CMD" => words[1..].to_vec(),
            "CMD-SHELL" => vec!["sh", "-c", words[1]],
            other => panic!("{other}"),
        };
        let seconds = check["timeout"].as_str().unwrap();
        Command::new("timeout")
            .arg(seconds)
            .args(&words)
            .env_remove("CASEMENT_ROLE")
            .env("PATH", path_with_casement())
            .envs(self.variables(service, other))
            .current_dir(self.place.path())
            .output()
            .unwrap()
    }
}

//! The same accounts and rights for a broker that runs elsewhere.
//!
//! In: all accounts. Out: the text of Mosquitto's password file and ACL file (`mosquitto.conf(5)`, `mosquitto_passwd(1)`), and of EMQX's
//! `acl.conf` (Erlang terms, EMQX 5). A password that somebody chose is known here by its argon2id alone, which Mosquitto does
//! not read: such accounts are named, so that a person can rotate them.

use std::fmt::Write as _;

use crate::{
    account::{AccountName, State},
    book::Book,
    rights::{Rights, TopicRules},
};

/// A password file, and the accounts that it cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordFile {
    /// The file's text.
    pub text: String,
    /// Accounts whose password is known by its argon2id alone.
    pub left_out: Vec<AccountName>,
}

/// Mosquitto's `password_file`: `NAME:$7$…` for each account in use.
pub fn mosquitto_passwords(book: &Book) -> PasswordFile {
    let mut file = PasswordFile {
        text: String::new(),
        left_out: Vec::new(),
    };
    for (name, account) in book.iter().filter(|(_, account)| account.state == State::Active) {
        match account.credentials.mosquitto() {
            Some(hash) => {
                let _ = writeln!(file.text, "{name}:{hash}");
            }
            None => file.left_out.push(name.clone()),
        }
    }
    file
}

/// Mosquitto's `acl_file`. Clients without an account have no rights in it.
pub fn mosquitto_acl(book: &Book, rules: &TopicRules) -> String {
    let mut text = String::from(
        "# Written by `casement provision mosquitto`: run it again after a change of accounts, and send Mosquitto SIGHUP.\n",
    );
    for (name, rights) in active(book, rules) {
        let _ = writeln!(text, "\nuser {name}");
        for filter in rights.publish_filters() {
            let _ = writeln!(text, "topic write {filter}");
        }
        for filter in rights.subscribe_filters() {
            let _ = writeln!(text, "topic read {filter}");
        }
    }
    text
}

/// EMQX's `acl.conf`. What it does not name is denied.
pub fn emqx_acl(book: &Book, rules: &TopicRules) -> String {
    let mut text =
        String::from("%% Written by `casement provision emqx`: run it again after a change of accounts.\n");
    for (name, rights) in active(book, rules) {
        for (action, filters) in [
            ("publish", rights.publish_filters()),
            ("subscribe", rights.subscribe_filters()),
        ] {
            if !filters.is_empty() {
                let quoted: Vec<String> = filters.iter().map(|filter| format!("\"{filter}\"")).collect();
                let _ = writeln!(
                    text,
                    "{{allow, {{username, \"{name}\"}}, {action}, [{}]}}.",
                    quoted.join(", ")
                );
            }
        }
    }
    text.push_str("{deny, all}.\n");
    text
}

fn active<'a>(book: &'a Book, rules: &'a TopicRules) -> impl Iterator<Item = (&'a AccountName, Rights)> {
    book.iter()
        .filter(|(_, account)| account.state == State::Active)
        .map(|(name, account)| (name, Rights::of(name, account.role, account.state, rules)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::Role,
        book::{Hand, NewAccount},
        pairing::Newcomer,
        secret::{Password, PasswordHash},
    };

    fn book() -> Book {
        let hand = Hand {
            by: "test",
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut book = Book::default();
        for (name, role) in [
            ("sensor-001", Role::Device),
            ("tap", Role::Monitor),
            ("old", Role::Admin),
        ] {
            let new = NewAccount {
                name: AccountName::parse(name).unwrap(),
                role,
                label: String::new(),
                location: String::new(),
            };
            book.add(new, &Password::generate(), hand).unwrap();
        }
        book.retire(&AccountName::parse("old").unwrap(), hand).unwrap();
        let paired = AccountName::parse("paired").unwrap();
        let newcomer = Newcomer {
            address: "192.0.2.1",
            client_id: "c",
        };
        book.open_pairing(hand);
        book.introduce(
            paired.clone(),
            PasswordHash::chosen(b"12345678"),
            newcomer,
            hand.now,
        )
        .unwrap();
        book.approve(&paired, hand).unwrap();
        book
    }

    #[test]
    fn mosquitto_gets_hashes_that_it_reads_and_rights() {
        let passwords = mosquitto_passwords(&book());
        let names: Vec<&str> = passwords
            .text
            .lines()
            .filter_map(|line| line.split_once(":$7$101$"))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["sensor-001", "tap"]);
        assert_eq!(passwords.left_out, [AccountName::parse("paired").unwrap()]);
        let acl = mosquitto_acl(&book(), &TopicRules::default());
        let device = "\nuser sensor-001\ntopic write sensor/sensor-001/#\ntopic write device/sensor-001/#\n\
                      topic write window/sensor-001/state\ntopic read window/sensor-001/control\n\
                      topic read device/sensor-001/config\ntopic read device/sensor-001/time\n";
        assert!(acl.contains(device), "{acl}");
        assert!(
            acl.contains("\nuser tap\ntopic read #\ntopic read $SYS/#\n"),
            "{acl}"
        );
        assert!(!acl.contains("old"), "{acl}");
    }

    #[test]
    fn emqx_denies_what_it_does_not_name() {
        let acl = emqx_acl(&book(), &TopicRules::default());
        let line = "{allow, {username, \"sensor-001\"}, publish, [\"sensor/sensor-001/#\", \"device/sensor-001/#\", \
                    \"window/sensor-001/state\"]}.\n";
        assert!(acl.contains(line), "{acl}");
        assert!(acl.contains("{allow, {username, \"tap\"}, subscribe, [\"#\", \"$SYS/#\"]}.\n"));
        assert!(!acl.contains("\"tap\"}, publish") && !acl.contains("old"));
        assert!(acl.ends_with("\n{deny, all}.\n"));
    }
}

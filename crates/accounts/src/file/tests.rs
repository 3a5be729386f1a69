use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::account::{Role, State};

fn device(name: &str) -> NewAccount {
    NewAccount {
        name: AccountName::parse(name).unwrap(),
        role: Role::Device,
        label: String::new(),
        location: "Kitchen".into(),
    }
}

#[test]
fn accounts_come_back_and_are_private() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    assert_eq!(file.read().unwrap().iter().count(), 0);
    let password = file.add(device("sensor-001")).unwrap();
    let book = file.read().unwrap();
    let (name, account) = book.get("sensor-001").unwrap();
    assert_eq!(
        (name.as_str(), account.role, account.state),
        ("sensor-001", Role::Device, State::Active)
    );
    assert_eq!(account.location, "Kitchen");
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(!text.contains(password.reveal()) && text.contains("$argon2id$"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file.path()), mode(&file.dir)), (0o600, 0o700));
    let again = file.add(device("sensor-001")).unwrap_err();
    assert!(
        again.to_string().contains("casement devices rotate sensor-001"),
        "{again}"
    );
    assert!(file.ensure(device("sensor-001")).unwrap().is_none());
    let unknown = file
        .retire(&AccountName::parse("sensor-01").unwrap())
        .unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean 'sensor-001'?"),
        "{unknown}"
    );
}

#[test]
fn what_is_granted_is_void_after_a_change() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    let name = AccountName::parse("a").unwrap();
    file.add(device("a")).unwrap();
    let generation = || {
        file.read()
            .unwrap()
            .get("a")
            .map(|(_, account)| account.generation)
    };
    let mut last = generation();
    let mut differs = |what: &str| {
        let now = generation();
        assert_ne!(now, last, "{what}");
        last = now;
    };
    file.retire(&name).unwrap();
    differs("retire");
    assert!(matches!(
        file.rotate(&name),
        Err(FileError::Refused(BookError::State(..)))
    ));
    file.approve(&name).unwrap();
    differs("approve");
    file.rotate(&name).unwrap();
    differs("rotate");
    file.forget(&name).unwrap();
    file.add(device("a")).unwrap();
    differs("forgotten and added");
    file.rename(&name, Some("Window".into()), None).unwrap();
    let book = file.read().unwrap();
    let (_, account) = book.get("a").unwrap();
    assert_eq!(
        (account.label.as_str(), account.location.as_str()),
        ("Window", "Kitchen")
    );
    assert_eq!(Some(account.generation), last, "a name opens and closes nothing");
    let actions: Vec<_> = book
        .changes_after(1)
        .map(|change| change.action.as_str())
        .collect();
    assert_eq!(
        actions,
        ["retire", "approve", "rotate", "forget", "add", "rename"]
    );
    for bad in ["a\nb".to_owned(), "x".repeat(129)] {
        assert!(file.rename(&name, Some(bad), None).is_err());
    }
    let closed_with_device = || file.read().unwrap().get("a").unwrap().1.retired_with_device;
    file.retire_with_device(&name).unwrap();
    assert!(closed_with_device());
    file.retire(&name).unwrap();
    assert!(!closed_with_device(), "a person's word counts more");
    file.retire_with_device(&name).unwrap();
    file.approve(&name).unwrap();
    assert!(!closed_with_device());
}

#[test]
fn what_an_account_says_of_its_device_is_new_with_each_state_and_with_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    let name = AccountName::parse("a").unwrap();
    file.add(device("a")).unwrap();
    let said = || {
        let book = file.read().unwrap();
        let (_, account) = book.get("a").unwrap();
        (account.retires_device(), account.state_generation)
    };
    let added = said();
    assert_eq!(added.0, Some(false));
    file.rotate(&name).unwrap();
    file.rename(&name, Some("Window".into()), None).unwrap();
    file.add_token(&name, "", None).unwrap();
    assert_eq!(said(), added);
    file.retire_with_device(&name).unwrap();
    let retired = said();
    assert!(retired.0 == Some(true) && retired.1 > added.1);
    file.retire_with_device(&name).unwrap();
    let again = said();
    assert!(again.0 == Some(true) && again.1 > retired.1, "it is said again");
    file.retire(&name).unwrap();
    assert_eq!(
        said(),
        again,
        "closed for itself, it says of its device what it said"
    );
    file.return_device(&name).unwrap();
    assert_eq!(said(), (None, again.1), "it is closed, and its device in use");
    file.retire(&name).unwrap();
    assert_eq!(said().0, None, "the account alone");
    // As an earlier version wrote it.
    file.retire_with_device(&name).unwrap();
    let written = fs::read_to_string(file.path()).unwrap();
    let line = "\n      \"device_is_out\": true,";
    assert!(written.contains(line), "{written}");
    fs::write(file.path(), written.replace(line, "")).unwrap();
    assert_eq!(said().0, Some(true));
    file.retire(&name).unwrap();
    assert_eq!(said().0, Some(true));
    file.approve(&name).unwrap();
    let approved = said();
    assert!(approved.0 == Some(false) && approved.1 > again.1);
    // A file of before has no such number.
    let line = format!(",\n      \"state_generation\": {}", approved.1);
    let written = fs::read_to_string(file.path()).unwrap();
    assert!(written.contains(&line), "{written}");
    fs::write(file.path(), written.replace(&line, "")).unwrap();
    assert_eq!(said(), (Some(false), 0));
}

#[test]
fn tokens_open_their_account_until_they_are_void() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    let name = AccountName::parse("a").unwrap();
    file.add(device("a")).unwrap();
    let now = Timestamp::now();
    let opens = |token: &Token| file.read().unwrap().of_token(token.reveal(), now).is_some();
    let (token, gone) = (
        file.add_token(&name, "", None).unwrap(),
        file.add_token(&name, "", Some(now)).unwrap(),
    );
    assert!(opens(&token) && !opens(&gone) && !opens(&Token::generate()));
    assert!(file.revoke(token.reveal()).unwrap() && !file.revoke(token.reveal()).unwrap());
    assert!(!opens(&token));
    let another = file.add_token(&name, "", None).unwrap();
    file.retire(&name).unwrap();
    assert!(!opens(&another));
}

#[test]
fn a_damaged_or_newer_file_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    fs::create_dir(&file.dir).unwrap();
    for (content, said) in [
        ("", "holds no accounts"),
        ("{", "from a backup"),
        ("{\"format\":1}", "holds no accounts"),
        ("{\"format\":2,\"people\":[]}", "a newer Casement (format 2)"),
        (
            "{\"program\":\"9.1.0\",\"format\":2,\"people\":[]}",
            "Casement 9.1.0 (format 2)",
        ),
        ("{\"format\":2}", "use the newer version, or put a copy"),
    ] {
        fs::write(file.path(), content).unwrap();
        let error = file.add(device("a")).unwrap_err().to_string();
        assert!(error.contains(said), "{content}: {error}");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), content);
    }
}

#[test]
fn writers_at_once_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let file = &file;
            scope.spawn(move || {
                for number in 0..5 {
                    file.add(device(&format!("d-{writer}-{number}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(file.read().unwrap().iter().count(), 20);
}

#[test]
fn the_file_says_which_version_wrote_it_and_reads_without_it() {
    let data = tempfile::tempdir().unwrap();
    let file = AccountsFile::new(&data.path().join("accounts"), "test");
    file.add(device("a")).unwrap();
    let written = fs::read_to_string(file.path()).unwrap();
    let program = format!("\"program\": \"{}\",", env!("CARGO_PKG_VERSION"));
    assert!(written.contains(&program), "{written}");
    fs::write(file.path(), written.replace(&program, "")).unwrap();
    assert_eq!(file.read().unwrap().iter().count(), 1);
    file.add(device("b")).unwrap();
    assert!(fs::read_to_string(file.path()).unwrap().contains(&program));
}

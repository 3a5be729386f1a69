//! How versions grow, who may change what, and what is taken over from another program.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_version_grows_with_each_change_that_may_matter_and_with_no_other() {
    let (mut book, room) = (Book::default(), id("room"));
    let version = |book: &Book| {
        let location = book.device(&room).map_or("", |entry| &entry.location);
        book.effective(&room, location).revision
    };
    assert_eq!(version(&book), 0);
    book.set_defaults(settings(r#"{"report_interval_s": 30}"#), None)
        .unwrap();
    assert_eq!(version(&book), 1);
    let named = Patch {
        name: Some("Kitchen".into()),
        ..Patch::default()
    };
    book.patch(&room, named, None).unwrap();
    assert_eq!(version(&book), 1);
    book.set_group("North", settings(r#"{"report_interval_s": 10}"#), None)
        .unwrap();
    assert_eq!(version(&book), 1);
    let moved = Patch {
        location: Some("North".into()),
        ..Patch::default()
    };
    book.patch(&room, moved, None).unwrap();
    assert_eq!(version(&book), 4);
    assert_eq!(
        book.effective(&room, "North").settings.report_interval_s,
        Some(10.0)
    );
    let back = Patch {
        location: Some(String::new()),
        ..Patch::default()
    };
    book.patch(&room, back, None).unwrap();
    assert_eq!((version(&book), book.revision()), (5, 5));
    assert_eq!(book.effective(&room, "").settings.report_interval_s, Some(30.0));
}

#[test]
fn who_has_not_seen_the_last_change_makes_none() {
    let (mut book, room) = (Book::default(), id("room"));
    let patch = || Patch {
        name: Some("A".into()),
        ..Patch::default()
    };
    assert_eq!(book.patch(&room, patch(), Some(0)).unwrap().revision, 1);
    assert_eq!(
        book.patch(&room, patch(), Some(0)),
        Err(ChangeError::Changed { now: 1 })
    );
    assert_eq!(
        book.set_group("x", Settings::default(), Some(1)),
        Err(ChangeError::Changed { now: 0 })
    );
    assert_eq!(book.revision(), 1);
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let mut book = Book::default();
    let wrong = Patch {
        name: Some("\u{7}".into()),
        settings: Some(settings(r#"{"motor_travel_s": -1}"#)),
        ..Patch::default()
    };
    let error = book.patch(&id("room"), wrong, None).unwrap_err().to_string();
    assert!(
        error.contains("motor_travel_s is -1; it may be 0.5 to 600; name has control"),
        "{error}"
    );
    assert!(
        book.set_group(&"x".repeat(201), Settings::default(), None)
            .is_err()
    );
    assert_eq!((book.revision(), book.devices().count()), (0, 0));
}

#[test]
fn a_row_of_another_program_is_taken_over_once() {
    let (mut book, room) = (Book::default(), id("room"));
    let foreign = |name: &str, last_seen| Foreign {
        name: name.into(),
        location: "Hall".into(),
        settings: Settings::default(),
        last_seen,
    };
    assert!(book.adopt(&room, foreign("Theirs", 10)).unwrap());
    let ours = Patch {
        name: Some("Ours".into()),
        ..Patch::default()
    };
    book.patch(&room, ours, None).unwrap();
    // The table still has it while our own row is on its way.
    assert!(!book.adopt(&room, foreign("Theirs", 10)).unwrap());
    assert_eq!(book.device(&room).unwrap().name, "Ours");
    assert!(book.adopt(&room, foreign("Theirs again", 11)).unwrap());
    book.forget(&room, 20);
    assert!(!book.adopt(&room, foreign("Theirs again", 15)).unwrap());
    assert!(book.device(&room).is_none());
    assert!(book.adopt(&room, foreign("Back", 21)).unwrap());
}

proptest! {
    #[test]
    fn a_book_is_read_as_it_was_written(names in prop::collection::vec("[a-z]{1,5}", 0..20)) {
        let mut book = Book::default();
        for name in names {
            let patch = Patch { name: Some(name.clone()), location: Some(name.clone()), ..Patch::default() };
            book.patch(&id(&name), patch, None).unwrap();
        }
        let text = serde_json::to_string(&book).unwrap();
        let read: Book = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}

//! The screen at the sizes that shells have.

use std::time::Instant;

use ratatui::{Terminal, backend::TestBackend};

use super::{
    super::{
        answers::Part,
        events::Event,
        state::{Update, tests::device},
    },
    *,
};

fn now() -> Timestamp {
    "2025-10-24T12:00:07Z".parse().unwrap()
}

/// The lines of the screen, without the space at their ends.
fn screen(state: &State, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, now())).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y: u16| -> String { (0..width).map(|x| buffer[(x, y)].symbol()).collect() };
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

fn house(rooms: usize) -> State {
    let mut state = State::new("http://127.0.0.1:8080");
    let all = (0..rooms).map(|n| device(&format!("room-{n:03}"), &format!("Room {n:03}"), "online"));
    state.update(Update::Devices(all.collect()));
    let status = r#"{"version": "0.1.0", "journal_records": 12, "journal_bytes": 50, "journal_max_bytes": 100,
        "accepting": true, "counters": {"messages": {"temperature": 100}, "refused": 3}}"#;
    state.update(Update::Status(
        Box::new(serde_json::from_str(status).unwrap()),
        Instant::now(),
    ));
    state.update(Update::Live(true));
    state
}

#[test]
fn everything_fits_into_80_by_24() {
    let mut state = house(3);
    state.update(Update::Event(Event {
        name: "refused".into(),
        data: r#"{"at": "2025-10-24T12:00:00Z", "topic": "sensor/x/temp", "reason": "bad_topic", "detail": "did you mean `sensor/x/temperature`?"}"#.into(),
        ..Event::default()
    }));
    let lines = screen(&state, 80, 24);
    assert_eq!(
        lines[0],
        "Casement 0.1.0  3 rooms  - msg/s  3 refused  journal 12 (50%)  3 moving"
    );
    assert_eq!(lines[1], "0 parts well, live");
    assert_eq!(
        lines[2],
        "ROOM                   PLACE          HEALTH     TEMP  HUM  SOUND WINDOW   AGE"
    );
    assert_eq!(
        lines[3],
        "Room 000               Upstairs       online     21.5  48   -42   76>60    7s"
    );
    assert_eq!(lines[19], "REFUSED");
    assert_eq!(
        lines[20],
        "   7s bad_topic sensor/x/temp: did you mean `sensor/x/temperature`?"
    );
    assert_eq!(lines[23], "q leave  s sort (name)  / filter  e errors  ? help");
}

#[test]
fn a_wide_screen_gives_names_more_room() {
    let mut state = house(1);
    state.devices[0].name = "The room of the one with the long name".into();
    let lines = screen(&state, 120, 40);
    assert!(
        lines[3].starts_with("The room of the one with the long name "),
        "{}",
        lines[3]
    );
    assert!(screen(&state, 80, 24)[3].starts_with("The room of the one "));
}

#[test]
fn a_hundred_rooms_scroll_with_the_choice() {
    let mut state = house(100);
    let lines = screen(&state, 80, 24);
    assert!(lines[18].starts_with("Room 015"), "{}", lines[18]);
    state.select(99);
    let lines = screen(&state, 80, 24);
    assert!(lines[18].starts_with("Room 099"), "{}", lines[18]);
}

#[test]
fn no_rooms_no_answer_and_parts_that_are_not_well_are_told() {
    let mut state = house(0);
    assert_eq!(screen(&state, 80, 24)[2], "no room was heard of yet");
    let part = Part {
        name: "clickhouse".into(),
        state: "down".into(),
        reason: Some("refuses connections".into()),
    };
    state.update(Update::Parts(vec![part]));
    assert_eq!(screen(&state, 80, 24)[1], "clickhouse: refuses connections");
    state.update(Update::Trouble("connection refused".into()));
    assert_eq!(screen(&state, 80, 24)[1], "no answer: connection refused");
    assert_eq!(
        screen(&State::new("http://x"), 80, 24)[0],
        "Casement waiting for http://x"
    );
}

#[test]
fn hostile_names_stay_in_their_cells() {
    let mut state = house(2);
    state.devices[0].name = "\u{1b}[2J\u{1b}]0;gone\u{7}\r\n\u{202e}evil 漢字漢字漢字漢字漢字漢字".into();
    state.devices[0].location = "e\u{301}\u{301}\u{301}\u{301} 👩‍👩‍👧‍👦".into();
    for (width, height) in [(80, 24), (120, 40), (10, 5), (1, 1), (200, 3)] {
        let lines = screen(&state, width, height);
        assert!(
            lines
                .iter()
                .all(|line| !line.contains(['\u{1b}', '\u{7}', '\u{202e}'])),
            "{lines:?}"
        );
    }
    let lines = screen(&state, 80, 24);
    let other = lines.iter().find(|line| line.starts_with("Room 001")).unwrap();
    assert!(other.ends_with("76>60    7s"), "{other}");
}

#[test]
fn help_and_refusals_take_the_screen() {
    let mut state = house(1);
    state.shows_help = true;
    let lines = screen(&state, 80, 24);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("sort by name, health, age, temperature"))
    );
    state.shows_help = false;
    state.shows_errors = true;
    let lines = screen(&state, 80, 24);
    assert_eq!(
        (lines[2].as_str(), lines[3].as_str()),
        ("REFUSED", "nothing since this began")
    );
}

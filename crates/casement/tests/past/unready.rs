//! Tables and columns that are not there yet: whoever asks is told to come again.

use testkit::Up;

use crate::{Answer, get};

fn comes_again(answer: &Answer) {
    answer.is_problem(503, "");
    assert!(!answer.header("retry-after").is_empty());
}

pub(crate) fn lists(up: &Up) {
    for (away, back, path) in [
        (
            "RENAME TABLE iot.device_events TO iot.away",
            "RENAME TABLE iot.away TO iot.device_events",
            "/device-events",
        ),
        (
            "ALTER TABLE iot.window_actions RENAME COLUMN cause TO away",
            "ALTER TABLE iot.window_actions RENAME COLUMN away TO cause",
            "/devices/attic-1/commands",
        ),
    ] {
        up.sql(away).unwrap();
        comes_again(&get(up, path));
        up.sql(back).unwrap();
        assert_eq!(get(up, path).status, 200, "{path}");
    }
}

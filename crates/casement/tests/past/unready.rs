//! Tables and columns that are gone from a database that was prepared: nobody is told to come again.

use testkit::Up;

use crate::get;

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
        let answer = get(up, path);
        answer.is_problem(500, "");
        assert!(answer.header("retry-after").is_empty());
        up.sql(back).unwrap();
        assert_eq!(get(up, path).status, 200, "{path}");
    }
}

//! `casement top` in a terminal of its own, beside a running Casement.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use testkit::{Signal, signal, wait_until_blocking};

const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";

/// A terminal: what was written to it, and what it shows of that.
struct Shell {
    keyboard: File,
    terminal: OwnedFd,
    written: Arc<Mutex<Written>>,
    child: Child,
}

struct Written {
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Shell {
    fn run(arguments: &[&str], columns: u16, rows: u16) -> Self {
        let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&control).unwrap();
        unlockpt(&control).unwrap();
        let name = ptsname(&control, Vec::new()).unwrap();
        let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&terminal, size(columns, rows)).unwrap();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let mut command = support::casement().command(arguments);
        let child = command
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let keyboard = File::from(control);
        let mut screen = keyboard.try_clone().unwrap();
        let written = Arc::new(Mutex::new(Written {
            bytes: Vec::new(),
            screen: vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0),
        }));
        let taking = Arc::clone(&written);
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(count @ 1..) = screen.read(&mut piece) {
                let mut written = taking.lock().unwrap();
                written.bytes.extend_from_slice(&piece[..count]);
                written.screen.process(&piece[..count]);
            }
        });
        Self {
            keyboard,
            terminal,
            written,
            child,
        }
    }

    /// What the terminal shows.
    fn screen(&self) -> String {
        self.written.lock().unwrap().screen.screen().contents()
    }

    /// Waits until the terminal shows what is wanted.
    fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        wait_until_blocking(what, || wanted(&self.screen()))
            .unwrap_or_else(|error| panic!("{error}: {}", self.screen()));
    }

    fn shows(&self, text: &str) {
        self.wait_until(&format!("the screen has '{text}'"), |screen| {
            screen.contains(text)
        });
    }

    fn shows_no_more(&self, text: &str) {
        self.wait_until(&format!("the screen has no '{text}'"), |screen| {
            !screen.contains(text)
        });
    }

    /// Waits until this was written.
    fn wrote(&self, text: &str) {
        let found = || String::from_utf8_lossy(&self.written.lock().unwrap().bytes).contains(text);
        wait_until_blocking(&format!("{text:?} is written"), found).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.written
            .lock()
            .unwrap()
            .screen
            .screen_mut()
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        tcsetwinsize(&self.terminal, size(columns, rows)).unwrap();
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end, which must leave the terminal as it was.
    fn ends_well(mut self) {
        let mut status = None;
        wait_until_blocking("top ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .unwrap();
        assert!(status.unwrap().success(), "{status:?}: {}", self.screen());
        self.wrote(GIVEN_BACK);
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn top(data: &Path) -> Vec<String> {
    vec!["top".to_owned(), format!("--data={}", data.display())]
}

#[test]
fn it_shows_rooms_obeys_keys_and_gives_the_terminal_back() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &["--simulate", "2", "--no-ml"]);
    up.wait_sql("SELECT uniqExact(device_id) FROM iot.sensor_temperature", "2")
        .unwrap();
    let devices: serde_json::Value = serde_json::from_str(&up.get("/api/v1/devices").unwrap()).unwrap();
    let room = devices[0]["name"].as_str().unwrap().to_owned();
    let arguments = top(data.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let mut shell = Shell::run(&arguments, 80, 24);
    shell.wrote(TAKEN);
    shell.shows(&room);
    shell.shows("2 rooms");
    assert!(
        !tcgetattr(&shell.terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    );
    shell.press("?");
    shell.shows("Enter keeps, Esc clears");
    shell.press("x");
    shell.shows_no_more("Enter keeps, Esc clears");
    shell.press("/zzz");
    shell.shows("no room fits the filter");
    shell.press("\x1b");
    shell.shows(&room);
    shell.press("e");
    shell.shows_no_more(&room);
    shell.shows("REFUSED");
    shell.press("e");
    shell.shows(&room);
    shell.press("s");
    shell.shows("s sort (health)");
    shell.resize(120, 40);
    let is_last = |screen: &str| {
        screen
            .lines()
            .nth(39)
            .is_some_and(|line| line.starts_with("q leave"))
    };
    shell.wait_until("the last line is the footer", is_last);
    shell.press("q");
    shell.ends_well();

    for end in [Signal::TERM, Signal::HUP] {
        let shell = Shell::run(&arguments, 80, 24);
        shell.shows(&room);
        signal(shell.child.id(), end).unwrap();
        shell.ends_well();
    }

    let snapshot = support::output(
        env!("CARGO_BIN_EXE_casement"),
        &["top", "--url", &format!("http://{}", up.http), "--once"],
    );
    assert!(
        snapshot.contains(&room) && snapshot.contains("WINDOW"),
        "{snapshot}"
    );
}

#[test]
fn a_service_that_is_away_is_told_and_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let url = format!("http://{}", testkit::free_addr());
    let output = support::command::run(data.path(), &["top", "--once", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("does not answer"),
        "{output:?}"
    );
    let mut shell = Shell::run(&["top", "--url", &url], 80, 24);
    shell.shows("no answer");
    shell.press("q");
    shell.ends_well();
}

//! The terminal: taken, drawn on, and given back however it ends.

use std::{
    io::{self, Stdout, stdout},
    panic,
    time::Duration,
};

use crossterm::{
    cursor::Show,
    event::{self, Event},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use jiff::Timestamp;
use ratatui::{Terminal, backend::CrosstermBackend};
use tokio_util::sync::CancellationToken;

use super::{Feed, State, draw::draw, keys::Flow};

/// How long a key is waited for before what has come in is shown.
const FRAME: Duration = Duration::from_millis(200);

/// The terminal while it is ours.
struct Taken;

impl Taken {
    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        let taken = Self;
        execute!(stdout(), EnterAlternateScreen)?;
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// What fails here has no other remedy.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
}

/// Shows the state until a key or `shutdown` ends it.
pub(crate) fn show(mut state: State, feed: &Feed, shutdown: &CancellationToken) -> io::Result<()> {
    let _taken = Taken::take()?;
    let mut terminal: Terminal<CrosstermBackend<Stdout>> = Terminal::new(CrosstermBackend::new(stdout()))?;
    while !shutdown.is_cancelled() {
        for update in feed.take() {
            state.update(update);
        }
        if state.is_outdated {
            feed.refresh();
        }
        terminal.draw(|frame| draw(frame, &state, Timestamp::now()))?;
        if event::poll(FRAME)? {
            match event::read()? {
                Event::Key(key) if state.key(key) == Flow::Quit => break,
                Event::Resize(..) => terminal.autoresize()?,
                _ => {}
            }
        }
    }
    Ok(())
}

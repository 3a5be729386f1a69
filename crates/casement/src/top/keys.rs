//! What keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::State;

/// Rooms that a page key passes.
const PAGE: usize = 10;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Quit,
}

impl State {
    /// Does what a key says.
    pub(super) fn key(&mut self, key: KeyEvent) -> Flow {
        if key.kind == KeyEventKind::Release {
            return Flow::On;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Flow::Quit;
        }
        if self.is_filtering {
            self.filter_key(key.code);
            return Flow::On;
        }
        if self.shows_help {
            self.shows_help = false;
            return Flow::On;
        }
        match key.code {
            KeyCode::Char('q') => return Flow::Quit,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('/') => self.is_filtering = true,
            KeyCode::Char('e') => self.shows_errors = !self.shows_errors,
            KeyCode::Char('?' | 'h') => self.shows_help = true,
            KeyCode::Esc => {
                self.shows_errors = false;
                self.filter.clear();
            }
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(PAGE)),
            KeyCode::PageDown => self.select(self.selected + PAGE),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(usize::MAX),
            _ => {}
        }
        Flow::On
    }

    fn filter_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.is_filtering = false,
            KeyCode::Esc => {
                self.is_filtering = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(character) => self.type_filter(character),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::state::{Update, tests::device},
        *,
    };

    fn press(state: &mut State, code: KeyCode) -> Flow {
        state.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_move_filter_and_end() {
        let mut state = State::new("");
        let rooms = (0..3)
            .map(|n| device(&format!("d{n}"), &format!("Room {n}"), "online"))
            .collect();
        state.update(Update::Devices(rooms));
        for (code, place) in [
            (KeyCode::Up, 0),
            (KeyCode::Down, 1),
            (KeyCode::PageDown, 2),
            (KeyCode::Home, 0),
            (KeyCode::End, 2),
            (KeyCode::Down, 2),
        ] {
            assert_eq!(press(&mut state, code), Flow::On);
            assert_eq!(state.selected, place, "{code:?}");
        }
        press(&mut state, KeyCode::Char('/'));
        assert_eq!(
            press(&mut state, KeyCode::Char('q')),
            Flow::On,
            "a letter of the filter"
        );
        press(&mut state, KeyCode::Backspace);
        press(&mut state, KeyCode::Char('1'));
        press(&mut state, KeyCode::Enter);
        assert_eq!((state.rooms().len(), state.filter.as_str()), (1, "1"));
        press(&mut state, KeyCode::Esc);
        assert_eq!(state.rooms().len(), 3);
        press(&mut state, KeyCode::Char('e'));
        assert!(state.shows_errors);
        press(&mut state, KeyCode::Char('?'));
        assert_eq!(
            press(&mut state, KeyCode::Char('q')),
            Flow::On,
            "any key closes the help"
        );
        assert!(!state.shows_help);
        assert_eq!(press(&mut state, KeyCode::Char('q')), Flow::Quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(state.key(interrupt), Flow::Quit);
    }
}

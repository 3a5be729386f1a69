//! What follows from what a window reports, and from what it does not.

use domain::{By, Finding, Hold, Lasting, Motion, Origin, Position, Source, WindowState};

use super::{CommandState, turn::Turn, words};

impl Turn<'_> {
    /// A report. One that waited somewhere, or comes again, says nothing of now.
    pub(super) fn state(&mut self, state: &WindowState, is_late: bool) {
        self.has_changed |= !self.window.is_known;
        self.window.is_known = true;
        if is_late || self.window.newest.is_some_and(|newest| state.timestamp < newest) {
            return;
        }
        self.window.newest = Some(state.timestamp);
        let is_echoed = self.window.command.as_ref().is_some_and(|command| {
            command.state == CommandState::Sent
                && state.command_id.as_deref() == Some(&command.command_id)
                && !command.command_id.is_empty()
        });
        if is_echoed {
            self.command_state(CommandState::Received, "");
        }
        let before = (self.window.motion.state(), self.window.motion.settled());
        self.window.record.reported = Some(state.position);
        let motion = &mut self.window.motion;
        let found = motion.report(state.position, self.steady_ms, &self.setup.motion);
        if self.window.record.is_lost && self.window.motion.state() == Motion::Still {
            self.window.record.stand(state.position);
        }
        self.found(found);
        if before != (self.window.motion.state(), self.window.motion.settled()) {
            self.changed();
        }
    }

    /// Looks at the window once more.
    pub(super) fn examine(&mut self) {
        if self.window.record.hold.is_some() && self.window.hold(self.c.now).is_none() {
            self.end_override("its time is over".into());
        }
        // It may be back in use already.
        let was_retired = self
            .window
            .retired_revision
            .is_some_and(|heeded| heeded < self.retired_revision);
        if (self.is_retired || was_retired) && self.window.record.hold.is_some() {
            self.end_override("the device is retired".into());
        }
        if self.window.retired_revision != Some(self.retired_revision) {
            self.window.retired_revision = Some(self.retired_revision);
            self.must_keep();
        }
        let in_force = self.window.record.interlocks.in_force(self.c.now).count();
        if in_force != self.window.in_force {
            self.window.in_force = in_force;
            self.has_changed = true;
        }
        let before = self.window.motion.state();
        let found = self.window.motion.examine(self.steady_ms, &self.setup.motion);
        self.found(found);
        if before != self.window.motion.state() {
            self.changed();
        }
        self.follow_up();
    }

    /// The device is there: anew, as far as anybody knows.
    pub(super) fn born(&mut self) {
        self.window.is_away = false;
        self.window.motion.born(self.steady_ms);
    }

    /// The device is gone.
    pub(super) const fn left(&mut self) {
        self.window.is_away = true;
    }

    /// A window that a person moved is theirs, before anybody else moves it.
    pub(super) fn whoever_moved_it(&mut self) {
        let found = self.window.motion.before_command(&self.setup.motion);
        self.found(found);
    }

    fn found(&mut self, found: Option<Finding>) {
        match found {
            None => {}
            Some(Finding::Reached) => {
                self.windows.devices.window_stuck(self.device_id, None);
                self.command_state(CommandState::Reached, "");
            }
            Some(Finding::Retry(attempt)) => self.retry(attempt),
            Some(Finding::GaveUp) => self.gave_up(),
            Some(Finding::ByPerson(position)) => self.moved_by_hand(position),
            Some(Finding::Elsewhere(position)) => self.window.record.stand(position),
            Some(Finding::Lost) => {
                self.window.record.lose();
                self.command_state(CommandState::Failed, "the window began anew");
                self.event(
                    "window_lost",
                    "it began anew and does not say where it stands".into(),
                );
            }
        }
    }

    fn moved_by_hand(&mut self, position: Position) {
        self.window.record.stand(position);
        self.windows.devices.window_stuck(self.device_id, None);
        self.command_state(CommandState::Expired, "a person moved the window");
        let hold = Hold {
            position,
            lasting: Lasting::Usual,
        };
        self.begin_override(hold, &By::new("", Source::Window));
        let until = self.window.record.hold.and_then(|hold| hold.until);
        self.event(
            "moved_by_hand",
            format!("the window stands at {}", words::lasting(position, until)),
        );
        self.follow_up();
    }

    /// A window that is stuck is told again, unless that is somebody else's turn by now.
    fn retry(&mut self, attempt: u8) {
        let Some(command) = self.window.command.clone() else {
            // A stored one, of before the start, of which nothing else is known.
            return self.window.motion.abandon();
        };
        let meant = self.window.record.commanded.map(|(position, _)| position);
        if meant != Some(command.position) {
            return self.window.motion.abandon();
        }
        if self.window.is_away || self.is_retired {
            self.window.motion.abandon();
            let detail = if self.is_retired {
                "the device is retired"
            } else {
                "the device is gone"
            };
            return self.command_state(CommandState::Failed, detail);
        }
        let has_time = matches!(command.origin, Origin::Person | Origin::Interlock);
        if !has_time && (self.c.is_quiet || self.window.waits(&self.c)) {
            let later = self.steady_ms + self.c.options.min_interval_ms.max(1_000);
            return self.window.motion.postpone(later);
        }
        let stands = self.stands();
        self.command_state(
            CommandState::Failed,
            &format!("the window stands at {stands}; it is told again"),
        );
        let target = command.position.percent();
        let reason =
            format!("told again ({attempt} of 3): it stopped at {stands} on its way to {target:.0} %");
        let journey = self.window.motion.clone();
        self.command(command.position, command.origin, reason, command.cause);
        self.window.motion = journey;
        self.window.motion.retried(self.steady_ms);
    }

    fn gave_up(&mut self) {
        let target = self.window.record.commanded.map(|(position, _)| position);
        let target = target.map_or(0.0, Position::percent);
        let stands = self.stands();
        let detail = format!(
            "the window stands at {stands} and was told four times to go to {target:.0} %: look at motor, fuse and frame"
        );
        self.command_state(CommandState::Failed, &detail);
        self.windows.devices.window_stuck(self.device_id, Some(detail));
    }

    fn stands(&self) -> String {
        let stands = self.window.record.reported.or(self.window.motion.settled());
        stands.map_or_else(
            || "an unknown place".into(),
            |stands| format!("{:.0} %", stands.percent()),
        )
    }
}

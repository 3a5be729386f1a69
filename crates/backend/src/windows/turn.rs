//! What happens to one window, one event at a time: each wish goes through the law, and what follows is told.

use domain::{
    By, Cause, Circumstances, Confidence, DeviceId, HeldDecision, Hold, Keep, Lasting, Move, Origin,
    Position, Source, Timestamp, Verdict, WindowAction, Wish, Wisher,
};
use registry::Revision;
use uuid::Uuid;

use super::{
    COMMAND_TTL, CommandState, Windows,
    window::{Command, Holder, Window},
    words::{self, Scheduled},
};
use crate::{
    Happening,
    message::AuditEvent,
    rows,
    setups::{Setup, WindowSetup},
};

/// Ids of our newest commands that are known when they come back.
const OWN: usize = 8;

/// An event at one window.
pub(super) struct Turn<'a> {
    pub(super) windows: &'a Windows,
    pub(super) device_id: &'a DeviceId,
    pub(super) window: &'a mut Window,
    pub(super) c: Circumstances,
    pub(super) setup: &'a WindowSetup,
    /// Whether its device is out of use: then nothing moves it.
    pub(super) is_retired: bool,
    /// The number of the change that took it out of use last.
    pub(super) retired_revision: Revision,
    /// The time by a clock that never jumps.
    pub(super) steady_ms: i64,
    pub(super) has_changed: bool,
    /// Whether what survives a restart has changed.
    is_to_keep: bool,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        windows: &'a Windows,
        device_id: &'a DeviceId,
        window: &'a mut Window,
        c: Circumstances,
        (setup, steady_ms): (&'a Setup, i64),
    ) -> Self {
        Self {
            windows,
            device_id,
            window,
            c,
            setup: &setup.window,
            is_retired: setup.is_retired,
            retired_revision: setup.retired_revision,
            steady_ms,
            has_changed: false,
            is_to_keep: false,
        }
    }

    /// Tells what has changed.
    pub(super) fn end(self) {
        if self.is_to_keep {
            self.windows.keeper.changed();
        }
        if !self.has_changed || !self.window.is_known {
            return;
        }
        let control = Box::new(self.window.view(&self.c));
        let device_id = self.device_id.clone();
        self.windows
            .feed
            .add(self.c.now, Happening::Control { device_id, control });
        // Nobody may be listening.
        let _ = self.windows.changes.send(self.device_id.clone());
    }

    pub(super) const fn changed(&mut self) {
        self.has_changed = true;
        self.is_to_keep = true;
    }

    /// What survives a restart has changed, and nothing that is shown.
    pub(super) const fn must_keep(&mut self) {
        self.is_to_keep = true;
    }

    pub(super) fn limit(&mut self, cause: Cause, most: Position) {
        let before = self.window.record.interlocks.clone();
        self.window.record.interlocks.set(cause, most);
        if self.window.record.interlocks == before {
            return;
        }
        self.changed();
        // What is new is said at once: rules look once a second.
        self.answer(true);
    }

    pub(super) fn unlimit(&mut self, cause: Cause, until: Timestamp) {
        let before = self.window.record.interlocks.clone();
        self.window.record.interlocks.clear(cause, until);
        if self.window.record.interlocks == before {
            return;
        }
        self.changed();
        self.follow_up();
    }

    pub(super) fn scheduled(&mut self, until: Option<Timestamp>) {
        self.has_changed |= self.window.record.schedule_until != until;
        self.window.record.schedule_until = until;
    }

    pub(super) fn wish(&mut self, wish: Wish, of: Scheduled<'_>) {
        if self.is_retired {
            return;
        }
        self.whoever_moved_it();
        let verdict = self.window.record.judge(Some(wish), &self.c);
        self.carry_out(verdict, Some(of));
    }

    pub(super) fn hold(&mut self, hold: Hold, by: &By) {
        self.begin_override(hold, by);
        let what = words::lasting(hold.position, self.window.record.hold.and_then(|hold| hold.until));
        let detail = format!("{what} by {}", words::who(by));
        self.event("override_begun", detail.clone());
        self.audit("window_moved", by, detail);
        let wish = Wish {
            position: hold.position,
            of: Wisher::Person,
        };
        let verdict = match self.window.record.judge(Some(wish), &self.c) {
            // Where it was told to go already, and does not say that it is: it may have failed, or not have heard.
            Verdict::Keep(Keep::There) if !self.is_at(hold.position) => {
                Verdict::Move(hold.position, Move::Wish(Wisher::Person))
            }
            verdict => verdict,
        };
        self.carry_out(verdict, None);
    }

    /// Whether the window says that it stands there.
    fn is_at(&self, position: Position) -> bool {
        let reported = self.window.record.reported;
        reported.is_some_and(|at| (at.percent() - position.percent()).abs() <= self.setup.motion.tolerance)
    }

    pub(super) fn begin_override(&mut self, hold: Hold, by: &By) {
        self.window.is_known = true;
        let begun = hold.begin(self.c.now, self.setup.override_for);
        self.window.record.begin_override(begun);
        self.window.was_held = true;
        self.window.retired_revision = Some(self.retired_revision);
        self.window.holder = Some(Holder {
            by: by.name.clone(),
            source: by.source,
            since: self.c.now,
            is_span: matches!(hold.lasting, Lasting::Usual | Lasting::For(_)),
        });
        self.windows.outbox.hold(self.device_id);
        self.changed();
    }

    pub(super) fn resume(&mut self, by: &By) {
        if self.window.hold(self.c.now).is_none() {
            return;
        }
        let detail = format!("by {}", words::who(by));
        self.audit("window_resumed", by, detail.clone());
        self.end_override(detail);
    }

    pub(super) fn end_override(&mut self, detail: String) {
        self.window.record.end_override();
        self.window.holder = None;
        self.windows.outbox.hold(self.device_id);
        self.event("override_ended", detail);
        self.changed();
    }

    /// Whether a command is one of ours that comes back; another one is held against the law.
    pub(super) fn action(&mut self, action: &WindowAction) -> bool {
        self.window.is_known = true;
        let id = action.command_id.as_deref().unwrap_or_default();
        if self.window.own.iter().any(|own| own == id) {
            return true;
        }
        let newest = self.window.command.as_ref();
        if !id.is_empty() && newest.is_some_and(|newest| newest.command_id == id) {
            return false;
        }
        self.whoever_moved_it();
        let command = Command {
            command_id: id.to_owned(),
            position: action.position,
            origin: action.origin.clone(),
            state: CommandState::Sent,
            at: self.c.now,
            reason: action.reason.clone(),
            cause: action.cause.clone(),
            before: None,
        };
        self.window.judged(
            Verdict::Move(action.position, Move::Wish(words::wisher(&action.origin))),
            action.reason.clone().unwrap_or_default(),
            self.c.now,
        );
        self.told(command);
        if action.origin == Origin::Person {
            let hold = Hold {
                position: action.position,
                lasting: Lasting::Usual,
            };
            let by = By::new("", Source::Mqtt);
            let detail = format!(
                "{} by a command of a person's",
                words::lasting(hold.position, None)
            );
            self.begin_override(hold, &by);
            self.event("override_begun", detail);
        }
        self.follow_up();
        false
    }

    /// A window was told where to go.
    fn told(&mut self, command: Command) {
        // What was told to go somewhere is limited from here on, whether or not it ever reports.
        self.window.is_known = true;
        if let Some(before) = &self.window.command
            && matches!(before.state, CommandState::Sent | CommandState::Received)
        {
            self.command_state(
                CommandState::Expired,
                "another command came before it was carried out",
            );
        }
        self.window.record.command(command.position, self.c.now);
        self.window.motion.command(command.position, self.steady_ms);
        self.window.command = Some(command);
        self.changed();
    }

    pub(super) fn held(&mut self, decision: &HeldDecision) {
        if let Some(verdict) = &decision.verdict {
            self.window.verdict = Some(super::VerdictView {
                at: self.c.now,
                moved: false,
                why: verdict.clone(),
                text: decision.reason.clone().unwrap_or_default(),
            });
            self.has_changed = true;
        }
    }

    /// A command of ours could not be sent in time: the window was not told.
    pub(super) fn unsent(&mut self, command_id: &str) {
        let Some(command) = &self.window.command else {
            return;
        };
        if command.command_id != command_id {
            return;
        }
        self.window.record.commanded = command.before;
        self.window.motion.abandon();
        self.command_state(
            CommandState::Expired,
            "it could not be sent in time: the broker was away",
        );
    }

    /// Does what has to happen by itself. What is not said now is said at a later look.
    pub(super) fn follow_up(&mut self) {
        self.answer(false);
    }

    /// The same; `is_new`: an interlock has just come, or opens less than before.
    fn answer(&mut self, is_new: bool) {
        if !self.window.is_known || self.is_retired {
            return;
        }
        let verdict = self.window.record.judge(None, &self.c);
        let is_due = match verdict {
            // Rain waits a second at most until it is said again, however often somebody commands against it: nothing stays open for
            // long, and no two machines answer each other as fast as they can.
            Verdict::Move(_, Move::Interlock(cause)) if cause != Cause::Limit => {
                is_new || self.window.insists(self.steady_ms)
            }
            // Whoever commands against us again and again, for example another Casement, is not answered for ever.
            Verdict::Move(..) => self.window.answers(self.steady_ms),
            Verdict::Keep(_) => false,
        };
        if is_due {
            self.carry_out(verdict, None);
        }
    }

    fn carry_out(&mut self, verdict: Verdict, of: Option<Scheduled<'_>>) {
        match verdict {
            Verdict::Keep(keep) => self.window.judged(verdict, keep.to_string(), self.c.now),
            Verdict::Move(position, why) => {
                let (origin, text, cause) = words::of(why, self.window.holder.as_ref(), of);
                self.window.judged(verdict, text.clone(), self.c.now);
                self.command(position, origin, text, cause);
            }
        }
        self.has_changed = true;
    }

    /// Tells the window where to go.
    pub(super) fn command(
        &mut self,
        position: Position,
        origin: Origin,
        reason: String,
        cause: Option<String>,
    ) {
        let now = self.c.now;
        // The specification's windows expect numbers; the log says that there were none.
        let climate = self.windows.known.climate(&self.windows.devices, self.device_id);
        let [temperature, humidity] = climate.map(Option::unwrap_or_default);
        let command_id = Uuid::now_v7().to_string();
        if self.window.own.len() >= OWN {
            self.window.own.pop_front();
        }
        self.window.own.push_back(command_id.clone());
        let before = self.window.record.commanded;
        self.told(Command {
            command_id: command_id.clone(),
            position,
            origin: origin.clone(),
            state: CommandState::Sent,
            at: now,
            reason: Some(reason.clone()),
            cause: cause.clone(),
            before,
        });
        self.windows.outbox.command(WindowAction {
            device_id: self.device_id.clone(),
            timestamp: now,
            position,
            confidence: Confidence::new(1.0).expect("one is a probability"),
            temperature,
            humidity,
            audio_features: vec![],
            command_id: Some(command_id),
            origin,
            inference_time_ms: None,
            audio_hash: None,
            reason: Some(reason),
            cause,
            expires_at: Some(now.plus(COMMAND_TTL)),
            contributions: None,
            guard: None,
            wish: None,
        });
    }

    /// The newest command has come so far.
    pub(super) fn command_state(&mut self, state: CommandState, detail: &str) {
        let Some(command) = &mut self.window.command else {
            return;
        };
        if command.state == state || !matches!(command.state, CommandState::Sent | CommandState::Received) {
            return;
        }
        (command.state, command.at) = (state, self.c.now);
        if !command.command_id.is_empty() {
            let row = rows::command_state(self.device_id, &command.command_id, (state, detail), self.c.now);
            self.windows.keeper.row(row);
        }
        self.changed();
    }

    pub(super) fn event(&mut self, event: &str, detail: String) {
        let row = rows::told_event(self.device_id, event, detail, self.c.now);
        self.windows.keeper.row(row);
    }

    fn audit(&mut self, kind: &str, by: &By, detail: String) {
        let event = AuditEvent {
            at: self.c.now,
            kind: kind.to_owned(),
            account: self.device_id.to_string(),
            actor: by.name.clone(),
            address: String::new(),
            detail,
            number: self.windows.keeper.number(),
        };
        self.windows.keeper.row(rows::audit(&event));
    }
}

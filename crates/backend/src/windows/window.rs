//! One window: what is known of it, and how it is shown.

use std::collections::VecDeque;

use domain::{
    Circumstances, DeviceId, Limits, Motion, MotionRecord, Move, Override, Position, Source, Timestamp,
    Verdict, WindowContext, WindowRecord, WindowState,
};
use registry::Revision;

use super::{
    local_time::local_time,
    view::{CommandState, CommandView, ControlView, InterlockView, LimitsView, OverrideView, VerdictView},
};
use crate::setups::WindowSetup;

/// Whose an override is, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) by: String,
    pub(super) source: Source,
    pub(super) since: Timestamp,
    /// Whether its end was told as a span of time, not as a time of day.
    pub(super) is_span: bool,
}

/// The newest command.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_field_names,
    reason = "the field's name everywhere: in payloads, tables and the API"
)]
pub(super) struct Command {
    pub(super) command_id: String,
    pub(super) position: Position,
    pub(super) origin: domain::Origin,
    pub(super) state: CommandState,
    /// When it came so far.
    pub(super) at: Timestamp,
    pub(super) reason: Option<String>,
    /// Which interlock or schedule.
    pub(super) cause: Option<String>,
    /// Where the window was told to go before, and when.
    pub(super) before: Option<(Position, Timestamp)>,
}

/// Moves by itself that a window makes within a minute at most, but for those of interlocks.
const ANSWERS: u8 = 10;

/// How often at once an interlock is said against others' commands.
const INSISTENCE: i64 = 10;
/// Afterwards it is said once in so long, ms.
const INSISTENCE_PAUSE_MS: i64 = 1_000;

/// What is known of one window.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    pub(super) record: WindowRecord,
    pub(super) motion: MotionRecord,
    pub(super) holder: Option<Holder>,
    pub(super) command: Option<Command>,
    pub(super) verdict: Option<VerdictView>,
    /// Whether it has been heard of: it was told to go somewhere, has reported, or a person moved it.
    pub(super) is_known: bool,
    /// Whether somebody held it at any time: what a broker keeps may still say so.
    pub(super) was_held: bool,
    /// The number of the change that took its device out of use last, as far as it was heeded; `None` where nobody noted it.
    pub(super) retired_revision: Option<Revision>,
    /// Whether its device has left.
    pub(super) is_away: bool,
    /// The ids of our newest commands.
    pub(super) own: VecDeque<String>,
    /// The time of its newest report, by its own clock.
    pub(super) newest: Option<Timestamp>,
    /// How many interlocks were in force when it was last looked at.
    pub(super) in_force: usize,
    /// Moves by itself in the minute that began then, ms.
    pub(super) answers: (i64, u8),
    /// Each time that an interlock is said again moves this on by a pause, ms by the clock that never jumps.
    pub(super) insisted_until: i64,
}

/// What the law looks at beside wish and window, by a window's settings.
pub(super) fn circumstances(setup: &WindowSetup, now: Timestamp) -> Circumstances {
    let limits_at_times = setup
        .opening
        .rules
        .as_ref()
        .is_some_and(|rules| !rules.is_empty());
    let mut circumstances = Circumstances {
        now,
        limits: Limits {
            min: setup.opening.min.unwrap_or(0.0),
            max: setup.opening.max.unwrap_or(100.0),
        },
        is_quiet: false,
        options: setup.law,
    };
    if limits_at_times || !setup.quiet_hours.is_empty() {
        let (time, day) = local_time(now, setup.time_zone.as_deref());
        circumstances.limits = setup.opening.limits(time, day);
        circumstances.is_quiet = setup.quiet_hours.iter().any(|hours| hours.contains(time));
    }
    circumstances
}

impl Window {
    /// The same with its newest stored command and position, % open.
    pub(super) fn remembering(
        self,
        commanded: Option<(f64, Timestamp)>,
        reported: Option<(f64, Timestamp)>,
    ) -> Self {
        let position = |percent: f64| Position::new(percent).ok();
        let mut window = Self {
            is_known: true,
            ..self
        };
        window.record.commanded = commanded.and_then(|(percent, at)| Some((position(percent)?, at)));
        window.record.reported = reported.and_then(|(percent, _)| position(percent));
        window.newest = reported.map(|(_, at)| at);
        let motion = window
            .record
            .reported
            .map_or(Motion::Unreported, |_| Motion::Still);
        window.motion = MotionRecord::restored(motion, window.record.reported);
        window
    }

    /// Takes a stored command that is newer than what was kept: the process was killed before it was kept, and what became of the
    /// command is not known. It has the motor's time from `steady_ms` on.
    pub(super) fn catch_up(&mut self, commanded: Option<(f64, Timestamp)>, steady_ms: i64) {
        let stored = commanded.and_then(|(percent, at)| Some((Position::new(percent).ok()?, at)));
        let Some((position, at)) = stored else {
            return;
        };
        if self
            .record
            .commanded
            .is_none_or(|(known, since)| since < at && known != position)
        {
            self.record.command(position, at);
            self.motion.command(position, steady_ms);
            self.command = None;
        }
    }

    /// A stored report, % open, that is newer than what was kept: the process was killed before it was kept.
    pub(super) fn missed(&self, device_id: DeviceId, (percent, at): (f64, Timestamp)) -> Option<WindowState> {
        let is_missed = match self.newest {
            Some(newest) => newest < at,
            // A file of before this was noted has no time of the report that it knows.
            None => self.motion.state() == Motion::Unreported,
        };
        let position = Position::new(percent).ok().filter(|_| is_missed)?;
        Some(WindowState {
            device_id,
            timestamp: at,
            position,
            target: None,
            command_id: None,
        })
    }

    /// The person's wish that is in force.
    pub(super) fn hold(&self, now: Timestamp) -> Option<Override> {
        self.record.hold.filter(|hold| hold.is_active(now))
    }

    /// Notes what the law said.
    pub(super) fn judged(&mut self, verdict: Verdict, text: String, at: Timestamp) {
        let why = match verdict {
            Verdict::Move(_, Move::Wish(wisher)) => wisher.as_str(),
            Verdict::Move(_, Move::Interlock(cause)) => cause.as_str(),
            Verdict::Move(_, Move::Resumed) => "resumed",
            Verdict::Keep(keep) => keep.as_str(),
        };
        self.verdict = Some(VerdictView {
            at,
            moved: matches!(verdict, Verdict::Move(..)),
            why: why.to_owned(),
            text,
        });
    }

    /// What the law looks at, for who asks it elsewhere.
    pub(super) fn context(&self, circumstances: &Circumstances) -> WindowContext {
        WindowContext::of(&self.record, circumstances)
    }

    /// As it is shown.
    pub(super) fn view(&self, c: &Circumstances) -> ControlView {
        let hold = self.hold(c.now).zip(self.holder.as_ref());
        ControlView {
            motion: self.motion.state().into(),
            // What a window begins with is no place.
            position: self.record.reported.filter(|_| !self.record.is_lost),
            target: self.record.commanded.map(|(position, _)| position),
            hold: hold.map(|(hold, holder)| OverrideView {
                position: hold.position,
                until: hold.until,
                since: holder.since,
                by: holder.by.clone(),
                source: holder.source,
            }),
            limits: LimitsView {
                min: c.limits.min,
                max: c.limits.max,
            },
            interlocks: self
                .record
                .interlocks
                .in_force(c.now)
                .map(|interlock| InterlockView {
                    cause: interlock.cause.as_str(),
                    most: interlock.most,
                    until: interlock.until,
                    text: interlock.cause.to_string(),
                })
                .collect(),
            quiet: c.is_quiet,
            verdict: self.verdict.clone(),
            command: self.command.as_ref().map(|command| CommandView {
                command_id: command.command_id.clone(),
                position: command.position,
                origin: command.origin.as_str(),
                state: command.state,
                at: command.at,
                reason: command.reason.clone(),
                cause: command.cause.clone(),
            }),
        }
    }

    /// Whether a move by itself is one too many within a minute; it is counted.
    pub(super) const fn answers(&mut self, steady_ms: i64) -> bool {
        if steady_ms - self.answers.0 >= 60_000 {
            self.answers = (steady_ms, 0);
        }
        self.answers.1 = self.answers.1.saturating_add(1);
        self.answers.1 <= ANSWERS
    }

    /// Whether an interlock may be said again; it is counted. Ten times at once, and then once a second.
    pub(super) const fn insists(&mut self, steady_ms: i64) -> bool {
        if self.insisted_until - steady_ms > (INSISTENCE - 1) * INSISTENCE_PAUSE_MS {
            return false;
        }
        if self.insisted_until < steady_ms {
            self.insisted_until = steady_ms;
        }
        self.insisted_until += INSISTENCE_PAUSE_MS;
        true
    }

    /// Whether the least time between two commands is not over.
    pub(super) fn waits(&self, c: &Circumstances) -> bool {
        self.record.commanded.is_some_and(|(_, at)| {
            let elapsed = c.now.millis_since(at);
            (0..c.options.min_interval_ms).contains(&elapsed)
        })
    }

    /// Takes that the clock was set forwards by `ms`: spans of time end when they would have ended.
    pub(super) fn shift(&mut self, ms: i64) {
        self.record.interlocks.shift(ms);
        if let Some((_, at)) = &mut self.record.commanded {
            *at = at.shifted(ms);
        }
        if let Some(holder) = &mut self.holder
            && holder.is_span
            && let Some(hold) = &mut self.record.hold
        {
            holder.since = holder.since.shifted(ms);
            hold.until = hold.until.map(|until| until.shifted(ms));
        }
    }
}

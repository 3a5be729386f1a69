//! A look at the schedules of one device.

use domain::{DeviceId, Quantity, Room, Standing, Wish, Wisher};

use super::{Memory, Rules, compiled::Compiled, look::Sight};
use crate::windows::Scheduled;

/// When a wish that was kept is said again: soon where the window has just moved, later where something else keeps it.
const SOON_MS: i64 = 2_000;
const LATER_MS: i64 = 60_000;

impl Rules {
    /// Tells a window where its schedules want it. Returns whether anything has changed that is to survive a restart.
    pub(super) fn schedule(
        &self,
        device_id: &DeviceId,
        compiled: &Compiled,
        memory: &mut Memory,
        sight: &Sight<'_>,
    ) -> bool {
        let Some(almanac) = compiled.almanac.as_ref().filter(|_| !compiled.is_retired) else {
            let has_changed = memory.planner != domain::Planner::default();
            memory.planner = domain::Planner::default();
            if memory.decides_until.take().is_some() {
                self.windows.scheduled(device_id, None);
            }
            return has_changed;
        };
        let Some(view) = self.windows.view(device_id) else {
            return false;
        };
        let of = |quantity| sight.newest(device_id, quantity);
        let outdoor = compiled.outdoor.as_ref();
        let room = Room {
            indoor: of(Quantity::Temperature),
            humidity: of(Quantity::Humidity),
            co2: of(Quantity::Co2),
            outdoor: outdoor.and_then(|sensor| sight.newest(sensor, Quantity::Temperature)),
        };
        let window = Standing {
            position: view.target.or(view.position),
            is_held: view.hold.is_some(),
            is_limited: view
                .interlocks
                .iter()
                .any(|interlock| interlock.cause != "child_lock"),
        };
        let before = memory.planner.clone();
        let planned = memory
            .planner
            .next(&compiled.schedules, almanac, &room, window, sight.wall);
        let until = planned.as_ref().map(|plan| plan.until);
        if memory.decides_until != until {
            self.windows.scheduled(device_id, until);
            memory.decides_until = until;
        }
        let Some(plan) = planned else {
            memory.wished = None;
            return before != memory.planner;
        };
        let steady = sight.steady.as_millis();
        let is_due = memory
            .wished
            .is_none_or(|(position, again)| position != plan.position || steady >= again);
        if window.position != Some(plan.position) && is_due {
            let wish = Wish {
                position: plan.position,
                of: Wisher::Schedule,
            };
            let of = Scheduled {
                name: &plan.name,
                reason: &plan.reason,
            };
            self.windows.wish(device_id, wish, of);
            let verdict = self.windows.view(device_id).and_then(|view| view.verdict);
            let is_too_soon = verdict.is_some_and(|verdict| verdict.why == "too_soon");
            let pause = if is_too_soon { SOON_MS } else { LATER_MS };
            memory.wished = Some((plan.position, steady + pause));
        }
        before != memory.planner
    }
}

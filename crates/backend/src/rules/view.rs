//! Schedules as API and page show them.

use domain::{DeviceId, ScheduleKind, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Rules;
use crate::clock::now;

/// A schedule of one device: whether it is on, and when it comes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScheduleView {
    /// Whose window it moves.
    pub device_id: DeviceId,
    /// Its name.
    pub name: String,
    /// What kind it is.
    pub kind: ScheduleKind,
    /// Where the window goes, % open.
    pub position: f64,
    /// Whether it is on.
    pub active: bool,
    /// Until when it is on, at the latest; `null` where it is not.
    pub until: Option<Timestamp>,
    /// When it may begin next; `null` where that depends on a reading alone, or where it never begins.
    pub next: Option<Timestamp>,
    /// Why it is on, or what it needs to begin.
    pub text: Option<String>,
}

impl Rules {
    /// The schedules of every device, by device and name.
    pub fn schedules(&self) -> Vec<ScheduleView> {
        let mut state = self.state.lock();
        self.compile(&mut state);
        let now = now();
        let mut views = Vec::new();
        for (device_id, compiled) in &state.compiled {
            let Some(almanac) = compiled.almanac.as_ref().filter(|_| !compiled.is_retired) else {
                continue;
            };
            let none = domain::Planner::default();
            let planner = state
                .memory
                .get(device_id)
                .map_or(&none, |memory| &memory.planner);
            for one in planner.outlook(&compiled.schedules, almanac, now) {
                let schedule = &compiled.schedules[&one.name];
                let needs_the_sun = (schedule.needs_the_sun() && !almanac.knows_the_sun())
                    .then(|| "it needs latitude and longitude to know the sun".to_owned());
                views.push(ScheduleView {
                    device_id: device_id.clone(),
                    position: schedule.target().percent(),
                    kind: one.kind,
                    active: one.active,
                    until: one.until,
                    next: one.next,
                    text: one.reason.or(needs_the_sun),
                    name: one.name,
                });
            }
        }
        views.sort_by(|a, b| (&a.device_id, &a.name).cmp(&(&b.device_id, &b.name)));
        views
    }
}

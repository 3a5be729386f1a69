//! What limits a window now, and whether a model can move it at all.
//!
//! In: windows as they are, a time. Out: limits and interlocks, in the form that each asker needs. Nothing changes here.

use domain::{ContextInterlock, DeviceId, Keep, WindowContext};

use super::{
    Windows,
    view::ControlView,
    window::{Window, circumstances},
};

impl Windows {
    /// What limits the window of a device that has none so far, as far as anybody heard; `None` where nothing does.
    pub fn limits(&self, device_id: &DeviceId) -> Option<ControlView> {
        let setup = self.setups.of(device_id);
        let mut windows = self.by_id.lock();
        let c = circumstances(&setup.window, self.now(&mut windows).wall);
        let view = match windows.get(device_id) {
            Some(window) => window.view(&c),
            None => Window::default().view(&c),
        };
        let is_limited = view.limits.min > 0.0 || view.limits.max < 100.0 || !view.interlocks.is_empty();
        (is_limited || view.quiet).then_some(view)
    }

    /// The interlocks in force of every window that has any, also of those that nobody has heard of so far.
    pub(crate) fn interlocks(&self) -> Vec<(DeviceId, Vec<ContextInterlock>)> {
        let mut windows = self.by_id.lock();
        let now = self.now(&mut windows).wall;
        let in_force = |window: &Window| window.record.interlocks.in_force(now).collect::<Vec<_>>();
        let all = windows
            .iter()
            .map(|(device_id, window)| (device_id.clone(), in_force(window)));
        all.filter(|(_, interlocks)| !interlocks.is_empty()).collect()
    }

    /// What the law looks at, as it travels in requests.
    pub fn context(&self, device_id: &DeviceId) -> WindowContext {
        let setup = self.setups.of(device_id);
        let mut windows = self.by_id.lock();
        let c = circumstances(&setup.window, self.now(&mut windows).wall);
        match windows.get(device_id) {
            Some(window) => window.context(&c),
            None => Window::default().context(&c),
        }
    }

    /// Why a model can move a window nowhere now, whatever it wants; `None` where it can. What only limits the window leaves it
    /// room: what it wants beyond that is answered.
    pub(crate) fn withholds(&self, device_id: &DeviceId) -> Option<String> {
        let setup = self.setups.of(device_id);
        let mut windows = self.by_id.lock();
        let now = self.now(&mut windows).wall;
        let c = circumstances(&setup.window, now);
        let quiet = || c.is_quiet.then(|| Keep::Quiet.to_string());
        let Some(window) = windows.get(device_id) else {
            return quiet();
        };
        let mut interlocks = window.record.interlocks.in_force(now);
        if let Some(shut) = interlocks.find(|interlock| interlock.most.percent() <= c.limits.min) {
            return Some(shut.cause.to_string());
        }
        if let Some(hold) = window.hold(now) {
            return Some(Keep::Override(hold.until).to_string());
        }
        let until = window.record.schedule_until.filter(|until| now < *until);
        until
            .map(|until| Keep::Schedule(until).to_string())
            .or_else(quiet)
    }
}

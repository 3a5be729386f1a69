//! Devices as the API shows them: their latest state, with what people have set up laid over it.
//!
//! What was just changed is shown at once, and a device that was set up is there before it is heard of.

use backend::DeviceView;
use domain::DeviceId;
use registry::{Book, Entry, Revision};

use crate::Parts;

/// Every device, in the order of ids.
pub(crate) fn all(parts: &Parts) -> impl Iterator<Item = DeviceView> + '_ {
    let (mut views, book) = (parts.views.devices().snapshot(), parts.views.registry().book());
    for (device_id, entry) in book.devices() {
        let view = views
            .entry(device_id.clone())
            .or_insert_with(|| never_seen(device_id, &book));
        lay_over(view, entry);
    }
    views.into_values().map(|view| controlled(parts, view))
}

/// One device.
pub(super) fn one(parts: &Parts, device_id: &DeviceId) -> Option<DeviceView> {
    let book = parts.views.registry().book();
    let (view, entry) = (parts.views.devices().get(device_id), book.device(device_id));
    let mut view = match (view, entry) {
        (Some(view), _) => view,
        (None, Some(_)) => never_seen(device_id, &book),
        (None, None) => return None,
    };
    if let Some(entry) = entry {
        lay_over(&mut view, entry);
    }
    Some(controlled(parts, view))
}

/// The number of the last change of what people have set up for a device.
pub(super) fn revision(parts: &Parts, device_id: &DeviceId) -> Revision {
    let book = parts.views.registry().book();
    book.device(device_id).map_or(0, |entry| entry.revision)
}

/// The device with what is known of its window.
fn controlled(parts: &Parts, mut view: DeviceView) -> DeviceView {
    let windows = parts.views.windows();
    view.control = windows
        .view(&view.device_id)
        .or_else(|| windows.limits(&view.device_id));
    view
}

fn lay_over(view: &mut DeviceView, entry: &Entry) {
    if entry.name.is_empty() {
        view.name = view.device_id.to_string();
    } else {
        view.name.clone_from(&entry.name);
    }
    view.location.clone_from(&entry.location);
    view.retired = entry.retired;
}

fn never_seen(device_id: &DeviceId, book: &Book) -> DeviceView {
    let location = book.device(device_id).map_or("", |entry| &entry.location);
    DeviceView::never_seen(device_id, book.effective(device_id, location).revision)
}

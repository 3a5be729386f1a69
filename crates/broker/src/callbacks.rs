//! Whom a broker asks and tells.

use std::sync::Arc;

use crate::{Access, Observer, PublishHook};

/// Whom a broker asks and tells.
pub struct Callbacks {
    /// Asked before a publish is acknowledged.
    pub hook: Arc<dyn PublishHook>,
    /// Told what happens at the door.
    pub observer: Option<Arc<dyn Observer>>,
    /// Asked who may enter. Without it everybody may, from this host.
    pub access: Option<Arc<dyn Access>>,
}

impl Callbacks {
    /// A hook alone.
    pub fn new(hook: Arc<dyn PublishHook>) -> Self {
        Self {
            hook,
            observer: None,
            access: None,
        }
    }
}

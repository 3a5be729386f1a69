//! What holds where no level says anything: the service's own configuration. It is kept nowhere.

use domain::Settings;

use super::Book;

impl Book {
    /// The same over what holds where no level says anything.
    #[must_use]
    pub fn on(self, base: Settings) -> Self {
        Self { base, ..self }
    }

    /// What holds where no level says anything.
    pub const fn base(&self) -> &Settings {
        &self.base
    }
}

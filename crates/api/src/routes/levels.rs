//! What groups and the defaults share: settings that a merge patch changes.

use domain::Settings;
use registry::{ChangeError, Level};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::devices::within;
use crate::merge::patched;

/// What changes of a level (RFC 7396): what is not named stays, `null` removes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read as a merge")]
pub(super) struct SettingsPatch {
    /// What is set.
    settings: Option<Settings>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Editable {
    settings: Settings,
}

/// The settings of `present` with `patch` applied.
pub(super) fn merged(present: &Level, patch: &Value) -> Result<Settings, ChangeError> {
    let before = Editable {
        settings: present.settings.clone(),
    };
    let after = patched(&before, patch).map_err(|wrong| ChangeError::Invalid(vec![wrong]))?;
    let wrong = within("settings", after.settings.problems());
    if wrong.is_empty() {
        Ok(after.settings)
    } else {
        Err(ChangeError::Invalid(wrong))
    }
}

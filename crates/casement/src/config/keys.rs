//! Configuration keys: which ones exist, and which one was probably meant.

use serde_json::Value;

use super::ConfigError;

/// Refuses the first key of `layer` that is not in `known`, the shape of the defaults.
pub(super) fn check(layer: &Value, known: &Value, origin: &str) -> Result<(), ConfigError> {
    let Some(key) = unknown(layer, known, "") else {
        return Ok(());
    };
    Err(ConfigError::UnknownKey {
        suggestion: nearest(&key, known),
        origin: origin.to_owned(),
        key,
    })
}

/// Returns the value at a dotted key.
pub(super) fn lookup<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}

/// Returns the place of the value at a dotted key.
pub(super) fn lookup_mut<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    key.split('.').try_fold(value, |value, part| value.get_mut(part))
}

fn unknown(layer: &Value, known: &Value, path: &str) -> Option<String> {
    let (Value::Object(layer), Value::Object(known)) = (layer, known) else {
        return None;
    };
    // What has no keys of its own by default is named by people, or known to its type alone.
    if known.is_empty() {
        return None;
    }
    layer.iter().find_map(|(key, value)| {
        let path = join(path, key);
        match known.get(key) {
            Some(inner) => unknown(value, inner, &path),
            None => Some(path),
        }
    })
}

/// Returns the known key most similar to `key`, compared as a whole and by its last part alone (right key, wrong
/// section).
fn nearest(key: &str, known: &Value) -> Option<String> {
    let mut paths = Vec::new();
    collect_paths(known, "", &mut paths);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |path: &String| {
        strsim::jaro_winkler(key, path).max(strsim::jaro_winkler(&last(key), &last(path)) - 0.02)
    };
    paths
        .into_iter()
        .map(|path| (likeness(&path), path))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, path)| path)
}

fn collect_paths(value: &Value, path: &str, paths: &mut Vec<String>) {
    let Value::Object(map) = value else { return };
    for (key, inner) in map {
        let path = join(path, key);
        collect_paths(inner, &path, paths);
        paths.push(path);
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

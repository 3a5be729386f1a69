//! Paths as people write them: `~` is their home directory, and nothing else is expanded.
//!
//! In: a path of a key or a flag. Out: the path, or why it cannot be meant. A shell expands `~` and `$HOME` before we see
//! them; a file, a variable and `--flag=~/…` do not, and a directory named `~` or `$HOME` is never wanted.

use std::path::PathBuf;

/// The keys that name a file or a directory.
pub(super) const PATHS: [&str; 21] = [
    "accounts.path",
    "audio.storage_path",
    "backup.path",
    "broker.path",
    "clickhouse.ca_file",
    "clickhouse.password_file",
    "engine.backups",
    "engine.library",
    "engine.password_file",
    "engine.path",
    "engine.reader_password_file",
    "journal.path",
    "model.onnx_runtime",
    "model.path",
    "model.shadow",
    "mqtt.ca_file",
    "mqtt.password_file",
    "registry.path",
    "tls.certificate_file",
    "tls.client_ca_file",
    "tls.key_file",
];

/// Reads the path of a flag.
pub fn parse(text: &str) -> Result<PathBuf, String> {
    expand(text, std::env::var("HOME").ok().as_deref()).map(PathBuf::from)
}

/// Returns `text` with the home directory in place of a leading `~`.
pub(super) fn expand(text: &str, home: Option<&str>) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the path is empty: name one, or leave it out".into());
    }
    if text.contains('\0') {
        return Err("a path holds no NUL".into());
    }
    if let Some(variable) = variable(text) {
        return Err(format!(
            "'{text}': {variable} is not expanded here; write the path in full, or begin it with ~/ for your home directory"
        ));
    }
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(text.to_owned());
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        let user = rest.split('/').next().unwrap_or_default();
        return Err(format!(
            "'{text}': the home directory of {user} is not looked up; write the path in full"
        ));
    }
    match home.filter(|home| !home.is_empty()) {
        Some(home) => Ok(format!("{}{rest}", home.trim_end_matches('/'))),
        None => Err(format!(
            "'{text}': ~ is your home directory, and the variable HOME does not say where that is; write the path in full"
        )),
    }
}

/// Returns the first `$NAME` or `${NAME}`.
fn variable(text: &str) -> Option<&str> {
    let (at, _) = text.match_indices('$').find(|(at, _)| {
        let next = text[at + 1..].chars().next();
        next.is_some_and(|c| c == '{' || c == '_' || c.is_ascii_alphabetic())
    })?;
    let rest = &text[at + 1..];
    let end = match rest.strip_prefix('{') {
        Some(name) => name.find('}').map_or(rest.len(), |end| end + 2),
        None => rest
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len()),
    };
    Some(&text[at..=at + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_home() {
        for (text, path) in [
            ("~", "/home/ada"),
            ("~/data", "/home/ada/data"),
            ("./a~/b", "./a~/b"),
            ("/srv/c$", "/srv/c$"),
            ("/srv/$1", "/srv/$1"),
        ] {
            assert_eq!(expand(text, Some("/home/ada/")).unwrap(), path);
        }
    }

    #[test]
    fn what_is_not_expanded_is_refused_with_a_remedy() {
        for (text, said) in [
            ("$HOME/data", "'$HOME/data': $HOME is not expanded here"),
            ("/srv/${DATA}/x", "'/srv/${DATA}/x': ${DATA} is not expanded here"),
            ("${DATA", "${DATA is not expanded"),
            (
                "~ada/data",
                "'~ada/data': the home directory of ada is not looked up",
            ),
            ("", "the path is empty"),
            ("a\0b", "NUL"),
        ] {
            let error = expand(text, Some("/home/ada")).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(expand("~/x", None).unwrap_err().contains("HOME"));
        assert!(expand("~/x", Some("")).is_err());
    }
}

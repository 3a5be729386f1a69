//! The configuration file: its bytes, its text, its YAML.
//!
//! In: a path. Out: a mapping, or what is wrong with the file, where, and what to do, in the words of the file's author.
//! A file is bounded before it is parsed.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde_json::{Map, Value};
use serde_saphyr::{Error as YamlError, UserMessageFormatter};

use super::ConfigError;

/// The annotated file with every key has a hundredth of it.
const LARGEST: u64 = 1 << 20;

/// Beyond the parser's limits.
const TOO_DEEP: &str = "it is nested or repeated beyond what a configuration needs; write it plainly";

/// Reads the mapping in the file at `path`.
pub(super) fn read(path: &Path) -> Result<Value, ConfigError> {
    let bytes = bytes(path).map_err(|reason| ConfigError::Read {
        path: path.into(),
        reason,
    })?;
    text(&bytes)
        .and_then(mapping)
        .map_err(|reason| ConfigError::Syntax {
            path: path.into(),
            reason,
        })
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read.map_err(|error| (error.kind(), error)) {
        Ok(size) if size as u64 > LARGEST => Err("it has more than 1 MiB; name a configuration file".into()),
        Ok(_) => Ok(bytes),
        Err((io::ErrorKind::NotFound, _)) => Err("there is no such file; check the path".into()),
        Err((io::ErrorKind::PermissionDenied, _)) => {
            Err("this user may not read it; check its permissions and those of its folders".into())
        }
        Err((io::ErrorKind::IsADirectory, _)) => Err("it is a directory; name a file".into()),
        Err((_, error)) => Err(error.to_string()),
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let nul = bytes.iter().position(|byte| *byte == 0);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || nul.is_some_and(|at| at < 4) {
        return Err("it is UTF-16 or UTF-32; save it as UTF-8".into());
    }
    if nul.is_some() {
        return Err("it is not a text; name a configuration file".into());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        let byte = bytes[error.valid_up_to()];
        format!("line {line} is not UTF-8 (byte 0x{byte:02X}); save the file as UTF-8")
    })
}

fn mapping(text: &str) -> Result<Value, String> {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_blank) {
        return Ok(Value::Object(Map::new()));
    }
    let value: Value = serde_saphyr::from_str(text).map_err(|error| explain(&error, text))?;
    match value {
        Value::Object(_) => Ok(value),
        // `---` or `null` alone.
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Array(_) => Err("it holds a list; write sections, such as 'mqtt:' with keys below it".into()),
        _ => {
            Err("it holds no sections; write 'mqtt:' with keys below it, and a space after each colon".into())
        }
    }
}

/// What is wrong with the YAML and where, in one line.
fn explain(error: &YamlError, text: &str) -> String {
    let error = error.without_snippet();
    let line = error.location().map(|at| at.line());
    let at = line.map_or_else(String::new, |line| format!("line {line}: "));
    if let Some(tab) = indenting_tab(text, line) {
        return format!("line {tab} is indented by a tab; YAML is indented by spaces");
    }
    let reason = match error {
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!(
                "the key '{key}' stands there a second time; put what belongs together below one '{key}:'"
            )
        }
        YamlError::DuplicateMappingKey { .. } => {
            "a key stands there a second time; remove one of the two".into()
        }
        YamlError::MultipleDocuments { .. } => {
            "a second document begins; remove the line '---' before it, or the document".into()
        }
        YamlError::Eof { .. } => "the file ends within a value; close the bracket or quotation mark".into(),
        YamlError::UnknownAnchor { .. } => {
            "there is no anchor for this '*'; put quotation marks around a value that begins with it".into()
        }
        YamlError::Budget { .. }
        | YamlError::AliasReplayCounterOverflow { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => TOO_DEEP.into(),
        YamlError::NonFiniteFloat { value, .. } => format!("{value} is no finite number; write one"),
        other => syntax(other),
    };
    format!("{at}{reason}")
}

/// The parser's own words about the shape of the text, without its places, which are of no other use.
fn syntax(error: &YamlError) -> String {
    let message = error.render_with_formatter(&UserMessageFormatter);
    let words = message
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let words = words.trim().trim_start_matches("error: ");
    let words = words.split(" at line ").next().unwrap_or(words);
    if words.contains("recursion limit") {
        return TOO_DEEP.into();
    }
    format!("the YAML cannot be read ({words}); check its indentation, colons, brackets and quotation marks")
}

/// Returns the last line up to `line` that a tab indents.
fn indenting_tab(text: &str, line: Option<u64>) -> Option<usize> {
    let lines = text.lines().enumerate().take(usize::try_from(line?).ok()?);
    let indented = lines.filter(|(_, line)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        indent.contains('\t')
    });
    indented.last().map(|(number, _)| number + 1)
}

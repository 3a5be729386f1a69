//! Payloads that are almost right: forgiven where only one thing can be meant, otherwise refused with the field.
//!
//! In: a payload that is not of its typed form. Out: the same message as JSON with exactly the names and types of its
//! fields, or a refusal. Forgiven are a byte order mark, whatever follows a NUL, other letter case of keys, numbers in
//! texts, and times since 1970. One pass over a payload of bounded size.

use domain::{Refusal, RefusalReason};
use serde_json::{Map, Value};

use super::{
    explain,
    field::{self, Field, Kind},
    hints, number, object, time,
};

/// Returns the payload with the names and types of `fields`.
#[cold]
pub(super) fn repair(payload: &[u8], fields: &[Field]) -> Result<Vec<u8>, Refusal> {
    let text = framed(payload);
    let mut map = match object::parse(text, |key| fields.iter().any(|field| field.is_named(key))) {
        Ok(object::Parsed::Object(map)) => map,
        Ok(object::Parsed::Twice(key)) => {
            let detail = format!("'{key}' stands twice in the payload");
            return Err(Refusal::new(RefusalReason::NotJson, detail));
        }
        Ok(object::Parsed::Other(value)) => {
            let detail = hints::no_object(&value, only_number(fields));
            return Err(Refusal::new(RefusalReason::WrongType, detail));
        }
        Err(error) => return Err(explain::explain(text, &error)),
    };
    for field in fields {
        settle(&mut map, *field)?;
    }
    Ok(serde_json::to_vec(&map).expect("a map of JSON values is JSON"))
}

/// The field that a bare number may be meant for: the only one that the message must have beside its time.
fn only_number(fields: &[Field]) -> Option<&'static str> {
    let mut required = fields
        .iter()
        .filter(|field| field.is_required() && field.kind() != Kind::Time);
    let first = required.next()?;
    (required.next().is_none() && first.kind() == Kind::Number).then(|| first.path())
}

/// The payload without a byte order mark before it, and without a NUL and what stands behind it: a C string ends there,
/// and JSON has none. UTF-16 stays whole, for the explanation.
pub(super) fn framed(payload: &[u8]) -> &[u8] {
    let text = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let is_utf16 = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    match text.iter().position(|b| *b == 0) {
        Some(end) if end > 1 && !is_utf16 => &text[..end],
        _ => text,
    }
}

/// Gives one field its name and type. The fields of an absent object are not checked.
fn settle(map: &mut Map<String, Value>, field: Field) -> Result<(), Refusal> {
    let mut level = map;
    let mut names = field.path().split('.').peekable();
    while let Some(name) = names.next() {
        rename(level, name, field)?;
        let is_last = names.peek().is_none();
        if level.get(name).is_none_or(Value::is_null) {
            return if is_last && field.is_required() {
                let detail = hints::missing(field.path(), name, level);
                Err(Refusal::new(RefusalReason::MissingField, detail))
            } else {
                Ok(())
            };
        }
        let found = level.get_mut(name).expect("it was found above");
        if is_last {
            return convert(found, field);
        }
        match found {
            Value::Object(inner) => level = inner,
            // The object's own line of the table refuses it.
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Gives the key that means `name` this name. The exact spelling wins over others.
fn rename(level: &mut Map<String, Value>, name: &str, field: Field) -> Result<(), Refusal> {
    if level.contains_key(name) {
        return Ok(());
    }
    let mut meant = level.keys().filter(|key| field::means(name, key));
    let (first, second) = (meant.next().cloned(), meant.next());
    if let (Some(first), Some(second)) = (&first, second) {
        let detail = format!(
            "'{first}' and '{second}' may both mean '{}': send one",
            field.path()
        );
        return Err(Refusal::new(RefusalReason::NotJson, detail));
    }
    if let Some(value) = first.and_then(|key| level.remove(&key)) {
        level.insert(name.to_owned(), value);
    }
    Ok(())
}

fn convert(value: &mut Value, field: Field) -> Result<(), Refusal> {
    let path = field.path();
    match (field.kind(), &*value) {
        (Kind::Number, Value::String(text)) => *value = number::parse(path, text)?.into(),
        (Kind::Time, Value::Number(number)) => {
            let since = number.as_f64().unwrap_or(f64::NAN);
            *value = time::since_1970(path, since)?.to_string().into();
        }
        (kind, value) if !kind.holds(value) => {
            let detail = format!("'{path}' is {}, not {}", hints::name_of(value), kind.as_str());
            return Err(Refusal::new(RefusalReason::WrongType, detail));
        }
        _ => {}
    }
    Ok(())
}

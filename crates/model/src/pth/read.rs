//! Reading the tensors of the one model in a `.pth` file.
//!
//! The crate `pytorch-reader` reads the formats. What it does not check is checked here: entries that are not tensors,
//! several models in one file, element types, and sizes before any bytes are read.

use std::{borrow::Cow, fs::File, io::Read as _, path::Path};

use pytorch_reader::{DType, PickleValue, PytorchError, PytorchReader, Tensor};

use super::{
    NamedTensor,
    container::{self, MAX_FILE_BYTES},
    objects::{Objects, Place},
    stack::Fault,
    unpickle,
};
use crate::{LoadError, error::shown};

/// The tensor by which a model is found.
const ANCHOR: &str = "feature_mean";
/// The last part of a name of `BatchNorm`.
const COUNTER: &str = ".num_batches_tracked";
/// The versions of the modules, an attribute of `state_dict()` that the reader returns as an entry.
const METADATA: &str = "_metadata";

/// What a file holds of its model.
#[derive(Debug)]
pub(crate) struct Contents {
    /// The tensors, by their names in the model's state dict.
    pub(crate) tensors: Vec<NamedTensor>,
    /// Everything else that the pickle states.
    pub(crate) objects: Objects,
    /// Where the model stands in it.
    pub(crate) place: Place,
}

/// Returns the bytes of the file at `path` and the model in it.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, Contents), LoadError> {
    let bytes = read_limited(path)?;
    let checked = container::check(&bytes)?;
    let contents = match &checked.plain {
        Cow::Borrowed(_) => read_checked(path, &checked.pickle)?,
        Cow::Owned(plain) => read_temporary(plain, &checked.pickle)?,
    };
    drop(checked);
    // The reader opens the path itself; it must have read what was checked.
    if read_limited(path)? != bytes {
        return Err(LoadError::Changed);
    }
    Ok((bytes, contents))
}

/// Returns the model in `bytes`.
pub(crate) fn read_bytes(bytes: &[u8]) -> Result<Contents, LoadError> {
    let checked = container::check(bytes)?;
    read_temporary(&checked.plain, &checked.pickle)
}

/// Writes the bytes to a temporary file, because the reader needs a path.
fn read_temporary(bytes: &[u8], pickle: &[u8]) -> Result<Contents, LoadError> {
    use std::io::Write as _;
    let temporary = |source| LoadError::Read {
        path: std::env::temp_dir(),
        source,
    };
    let mut file = tempfile::NamedTempFile::new().map_err(temporary)?;
    file.write_all(bytes)
        .and_then(|()| file.flush())
        .map_err(temporary)?;
    read_checked(file.path(), pickle)
}

/// Returns the bytes of a file, at most one more than the limit.
pub(crate) fn read_limited(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    // Said before it is read: only then is the true size known.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_file() && metadata.len() > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge {
            bytes: metadata.len(),
            limit: MAX_FILE_BYTES,
        });
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

fn read_checked(path: &Path, pickle: &[u8]) -> Result<Contents, LoadError> {
    let refused = |error: PytorchError| LoadError::Reader(words(&error.to_string()));
    let tensors = PytorchReader::new(path).map_err(refused)?.into_tensors();
    let objects = unpickle::read(pickle)
        .map_err(|Fault(problem)| LoadError::Container(format!("the pickle cannot be read: {problem}")))?;
    let prefix = find_model(tensors.keys().map(String::as_str), &objects)?;
    let entries = PytorchReader::read_pickle_data(path, None).map_err(refused)?;
    refuse_foreign(&entries, "", &prefix)?;
    let place = objects
        .locate(&prefix, ANCHOR)
        .ok_or_else(|| LoadError::Container(format!("nothing known holds its tensor '{prefix}{ANCHOR}'")))?;
    let named = tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor)));
    Ok(Contents {
        tensors: all_values(named.collect())?,
        objects,
        place,
    })
}

/// What the reader refuses, for people who know PyTorch. Its message repeats its causes and quotes the file at any length.
fn words(error: &str) -> String {
    let unsupported = error
        .split_once("unsupported Python type '")
        .and_then(|(_, rest)| rest.split_once('\''));
    let Some((class, _)) = unsupported else {
        return error.chars().take(300).collect();
    };
    let class: String = class.chars().take(80).collect();
    let kind = if class.contains("sparse") {
        "a sparse tensor; save it as tensor.to_dense()"
    } else if class.contains("Complex") {
        "complex numbers, which no model here has"
    } else if class.contains("QInt") || class.contains("QUInt") || class.contains("qtensor") {
        "a quantized tensor; save the model before it is quantized"
    } else {
        "no plain tensor; save the weights alone: torch.save(model.state_dict(), PATH)"
    };
    format!("it holds {class}: {kind}")
}

/// Returns the elements of all tensors, which together must be no more than a file may hold.
fn all_values(mut named: Vec<(String, Tensor)>) -> Result<Vec<NamedTensor>, LoadError> {
    // BatchNorm counts its batches in an integer, which no evaluation reads.
    named.retain(|(name, tensor)| !(name.ends_with(COUNTER) && tensor.shape().is_empty()));
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let bytes = named.iter().fold(0_u64, |sum, (_, tensor)| {
        sum.saturating_add(tensor.byte_len() as u64)
    });
    if bytes > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge {
            bytes,
            limit: MAX_FILE_BYTES,
        });
    }
    named
        .into_iter()
        .map(|(name, tensor)| values(name, &tensor))
        .collect()
}

/// Returns the prefix of `feature_mean`: nothing in a state dict, `model_state_dict.` in a checkpoint, and so on.
fn find_model<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    objects: &Objects,
) -> Result<String, LoadError> {
    let is_level = |prefix: &&str| prefix.is_empty() || prefix.ends_with('.');
    let mut prefixes: Vec<&str> = names
        .clone()
        .filter_map(|name| name.strip_suffix(ANCHOR))
        .filter(is_level)
        .collect();
    prefixes.sort_unstable();
    match prefixes.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let mut found: Vec<&str> = names.collect();
            found.sort_unstable();
            found.truncate(5);
            let found = if found.is_empty() {
                "no tensors at all".to_owned()
            } else {
                found
                    .iter()
                    .map(|name| shown(name))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            Err(objects
                .module(objects.root())
                .map_or(LoadError::NoModel { found: found.clone() }, |class| {
                    LoadError::OtherModule {
                        class: shown(class),
                        found,
                    }
                }))
        }
        several => {
            let shown: Vec<String> = several
                .iter()
                .take(5)
                .map(|prefix| format!("'{prefix}{ANCHOR}'"))
                .collect();
            Err(LoadError::SeveralModels(shown.join(", ")))
        }
    }
}

/// Refuses entries in the model's part of the file that are neither a tensor nor a level that holds tensors.
fn refuse_foreign(value: &PickleValue, name: &str, prefix: &str) -> Result<(), LoadError> {
    let level = if name.is_empty() {
        String::new()
    } else {
        format!("{name}.")
    };
    if !level.starts_with(prefix) && !prefix.starts_with(&level) {
        return Ok(());
    }
    let kind = match value {
        PickleValue::Dict(_) if name.strip_prefix(prefix) == Some(METADATA) => return Ok(()),
        PickleValue::Dict(entries) => {
            return entries
                .iter()
                .try_for_each(|(key, entry)| refuse_foreign(entry, &format!("{level}{key}"), prefix));
        }
        PickleValue::Unsupported(kind) if kind == "torch.Tensor" => return Ok(()),
        // A sibling of the model in a checkpoint, such as the epoch.
        _ if !name.starts_with(prefix) => return Ok(()),
        PickleValue::Unsupported(kind) => kind.clone(),
        PickleValue::None => "None".into(),
        PickleValue::Bool(_) => "bool".into(),
        PickleValue::Int(_) => "int".into(),
        PickleValue::Float(_) => "float".into(),
        PickleValue::String(_) => "str".into(),
        PickleValue::List(_) => "list".into(),
        PickleValue::Bytes(_) => "bytes".into(),
    };
    Err(LoadError::Unexpected {
        entry: name.strip_prefix(prefix).unwrap_or(name).to_owned(),
        kind,
    })
}

fn values(name: String, tensor: &Tensor) -> Result<NamedTensor, LoadError> {
    let dtype = tensor.dtype();
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(LoadError::WrongType {
            tensor: name,
            found: format!("{dtype:?}"),
        });
    }
    let bytes = match tensor.read() {
        Ok(bytes) => bytes,
        Err(source) => return Err(LoadError::Bytes { tensor: name, source }),
    };
    // The reader returns the machine's byte order.
    let values = if dtype == DType::F32 {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_ne_bytes(*bytes))
            .collect()
    } else {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f64::from_ne_bytes(*bytes) as f32)
            .collect()
    };
    Ok(NamedTensor {
        name,
        shape: tensor.shape().to_vec(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reader_does_not_know_is_told_in_words_of_pytorch() {
        let told = |class: &str| {
            words(&format!(
                "pickle: unsupported Python type '{class}'. The file holds tensor data."
            ))
        };
        for (class, word) in [
            ("torch._utils._rebuild_sparse_tensor", "to_dense()"),
            ("torch.ComplexFloatStorage", "complex numbers"),
            ("torch.QUInt8Storage", "before it is quantized"),
            ("torch._utils._rebuild_other", "state_dict()"),
        ] {
            let told = told(class);
            assert!(
                told.contains(word) && told.contains(class) && !told.contains("Python type"),
                "{told}"
            );
        }
        assert_eq!(words("something else"), "something else");
        assert_eq!(words(&"x".repeat(1_000)).len(), 300);
    }
}

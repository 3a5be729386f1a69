//! `.env`: variables in a file of the working directory, under those of the process.
//!
//! In: the file, if it is there. Out: its `CASEMENT__` variables, and what people should know of it. Other tools' variables in
//! it are left alone. It is not read where somebody else could have written it, and the process's own variables never change.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use super::{
    ConfigError,
    layers::{ENV_PREFIX, SECRETS, variable},
};

/// The file in the working directory.
pub(super) const FILE: &str = ".env";
/// A configuration has a hundredth of it.
const LARGEST: u64 = 1 << 20;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_READ: u32 = 0o044;

/// What the file holds.
#[derive(Debug, Default)]
pub(super) struct Dotenv {
    /// Names and values.
    pub(super) variables: Vec<(String, String)>,
    /// What people should know.
    pub(super) notes: Vec<String>,
}

/// Reads the file at `path`; nothing, where there is none.
pub(super) fn read(path: &Path) -> Result<Dotenv, ConfigError> {
    let refused = |reason: &str| Dotenv {
        variables: Vec::new(),
        notes: vec![format!("{} is not read: {reason}", path.display())],
    };
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Dotenv::default()),
        Err(error) => return Ok(refused(&error.to_string())),
    };
    // A directory of that name is an environment of Python's.
    if !metadata.is_file() {
        return Ok(Dotenv::default());
    }
    if let Some(reason) = fault(path, &metadata) {
        return Ok(refused(reason));
    }
    let unreadable = |reason: String| ConfigError::Read {
        path: path.into(),
        reason,
    };
    let mut text = String::new();
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable("it has more than 1 MiB; name fewer variables".into()));
    }
    let variables = parse(&text).map_err(|line| ConfigError::Syntax {
        path: path.into(),
        reason: format!(
            "line {line} is not NAME=VALUE; put single quotes around a value with spaces or signs such as $ and #"
        ),
    })?;
    let notes = shown_password(path, &metadata, &variables);
    Ok(Dotenv {
        variables,
        notes: notes.into_iter().collect(),
    })
}

/// Says why the file may be somebody else's word.
fn fault(path: &Path, file: &Metadata) -> Option<&'static str> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(directory) = fs::metadata(directory.unwrap_or(Path::new("."))) else {
        return Some("its directory cannot be looked at");
    };
    let user = rustix::process::geteuid().as_raw();
    let is_ours = |metadata: &Metadata| [0, user].contains(&metadata.uid());
    if !is_ours(file) {
        Some("it belongs to another user; make it yours with chown")
    } else if file.mode() & OTHERS_WRITE != 0 {
        Some("every user may write it; close it with chmod o-w")
    } else if !is_ours(&directory) {
        Some("its directory belongs to another user; start elsewhere")
    } else if directory.mode() & OTHERS_WRITE != 0 {
        Some("every user may write to its directory; close that with chmod o-w, or start elsewhere")
    } else {
        None
    }
}

/// Reads the lines. Returns the number of one of ours that cannot be read, and never its text: it may hold a password.
fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    let mut is_whole = true;
    for read in dotenvy::from_read_iter(text.as_bytes()) {
        match read {
            Ok((name, value)) if name.starts_with(ENV_PREFIX) => variables.push((name, value)),
            Ok(_) => {}
            Err(_) => is_whole = false,
        }
    }
    // Lines that other tools understand are theirs.
    let is_faulty = |line: &str| {
        line.contains(ENV_PREFIX) && dotenvy::from_read_iter(line.as_bytes()).any(|read| read.is_err())
    };
    match text.lines().position(is_faulty) {
        Some(at) if !is_whole => Err(at + 1),
        _ => Ok(variables),
    }
}

fn shown_password(path: &Path, file: &Metadata, variables: &[(String, String)]) -> Option<String> {
    let is_secret = |name: &str| SECRETS.iter().any(|key| variable(key) == name);
    let (name, _) = variables.iter().find(|(name, _)| is_secret(name))?;
    let path = path.display();
    (file.mode() & OTHERS_READ != 0)
        .then(|| format!("other users can read {path}, which holds {name}; close it with: chmod 600 {path}"))
}

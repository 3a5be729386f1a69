//! One statement on one connection: settings, locks, execution. Runs on a blocking thread.
//!
//! In: an [`Ask`], a connection, and for inserts a source of bytes. Out: through a [`Sink`], the answer in pieces.

use crate::{
    access::Policy,
    exception::{BAD_ARGUMENTS, Exception},
    ffi::{Connection, Counters},
    format::{Joiner, Joining, joining},
    options::Limits,
    request::{Ask, quote, quote_name},
    running::{Kill, Running},
    sql::{Statement, tokens},
    users::User,
};

const DEFAULT_FORMAT: &str = "TabSeparated";

/// Where an answer goes.
pub(crate) trait Sink {
    /// Called once, before any piece.
    fn begin(&mut self, format: &str) -> bool;
    /// Gives `false` when the client is gone.
    fn piece(&mut self, bytes: Vec<u8>) -> bool;
}

/// The state that a request asks its connection to be in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    database: Option<String>,
    settings: Vec<String>,
    /// Locked at the end: a reader's.
    readonly: bool,
}

impl Setup {
    pub(crate) fn new(ask: &Ask, limits: &Limits) -> Self {
        Self {
            database: ask.database.clone(),
            settings: ask.user.settings(ask, limits),
            readonly: ask.user == User::Reader,
        }
    }

    /// Brings a connection into this state, and names it, so that its statements are found.
    pub(crate) fn apply(&self, connection: &mut Connection) -> Result<(), Exception> {
        let name = format!("log_comment = {}", quote(connection.name()));
        let mut run = |sql: String| connection.query(&sql, "Null", &[]).map(drop);
        if let Some(database) = &self.database {
            run(format!("USE {}", quote_name(database)))?;
        }
        run(format!("SET {}, {name}", self.settings.join(", ")))?;
        if self.readonly {
            run("SET readonly = 1".into())?;
        }
        Ok(())
    }
}

/// Whether a statement that succeeded leaves its connection as it was.
pub(crate) fn leaves_no_trace(ask: &Ask, statement: &Statement) -> bool {
    let words = tokens(&ask.query);
    let alone = words.iter().rev().skip(1).all(|word| word.text != ";");
    let unchanged = match statement {
        Statement::Select { format } => joining(&format_of(ask, format.as_deref()), ask.protocol).is_some(),
        Statement::Insert { format, .. } => !format
            .as_deref()
            .unwrap_or(DEFAULT_FORMAT)
            .eq_ignore_ascii_case("values"),
        Statement::Other { .. } => false,
    };
    alone && unchanged && ask.parameters.is_empty() && Kill::parse(&ask.query).is_none()
}

fn format_of(ask: &Ask, format: Option<&str>) -> String {
    let format = format.or(ask.default_format.as_deref());
    format.unwrap_or(DEFAULT_FORMAT).to_owned()
}

/// Runs a statement that is no insert with data.
pub(crate) fn execute(
    connection: &mut Connection,
    ask: &Ask,
    statement: &Statement,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Counters, Exception> {
    let (format, streams) = match statement {
        Statement::Select { format } => (format, true),
        Statement::Other { format } => (format, false),
        Statement::Insert { .. } => {
            return Err(Exception::new(
                BAD_ARGUMENTS,
                "BAD_ARGUMENTS",
                "an insert needs its data",
            ));
        }
    };
    let format = &format_of(ask, format.as_deref());
    let joining = joining(format, ask.protocol);
    if let Some(joining) = joining.filter(|_| streams) {
        return stream(connection, ask, format, joining, sink);
    }
    if streams && ask.user == User::Default {
        // What cannot be streamed is held in memory: it has a limit. A reader's connection is locked by now.
        connection.query(
            &format!("SET max_result_bytes = {}", limits.buffered_bytes),
            "Null",
            &[],
        )?;
    }
    let (bytes, counters) = connection.query(&ask.query, format, &ask.parameters)?;
    let bytes = match joining {
        Some(joining) if !bytes.is_empty() => Joiner::new(joining).push(bytes)?,
        _ => bytes,
    };
    if sink.begin(format) && !bytes.is_empty() {
        sink.piece(bytes);
    }
    Ok(counters)
}

fn stream(
    connection: &mut Connection,
    ask: &Ask,
    format: &str,
    joining: Joining,
    sink: &mut dyn Sink,
) -> Result<Counters, Exception> {
    let mut joiner = Joiner::new(joining);
    let mut begun = false;
    let mut counters = connection.stream(&ask.query, format, &ask.parameters, |chunk| {
        // Joined before the answer begins: a first block that cannot be sent is an error with a status of its own.
        let piece = joiner.push(chunk)?;
        if !std::mem::replace(&mut begun, true) && !sink.begin(format) {
            return Ok(false);
        }
        Ok(sink.piece(piece))
    })?;
    if !begun {
        // Without rows a stream has no header; the same statement in one piece has.
        let bytes = if joining == Joining::Plain {
            Vec::new()
        } else {
            let (bytes, again) = connection.query(&ask.query, format, &ask.parameters)?;
            counters = again;
            if bytes.is_empty() {
                bytes
            } else {
                joiner.push(bytes)?
            }
        };
        if sink.begin(format) && !bytes.is_empty() {
            sink.piece(bytes);
        }
    }
    Ok(counters)
}

/// Runs a `KILL QUERY`.
pub(crate) fn kill(
    connection: &mut Connection,
    ask: &Ask,
    kill: &Kill,
    running: &Running,
    sink: &mut dyn Sink,
) -> Result<Counters, Exception> {
    let format = format_of(ask, kill.format.as_deref());
    let bytes = kill.run(running, connection, &format)?;
    if sink.begin(&format) {
        sink.piece(bytes);
    }
    Ok(Counters::default())
}

/// `VALUES` of this size are looked at as a whole, and evaluated where they may be; larger ones hold plain values.
const LOOKED_AT: usize = 1 << 20;

/// Runs an insert whose data comes from `next`: pieces until `None`.
pub(crate) fn insert(
    connection: &mut Connection,
    policy: &Policy,
    head: &str,
    format: &str,
    mut next: impl FnMut() -> Result<Option<Vec<u8>>, Exception>,
) -> Result<Counters, Exception> {
    let mut first = Vec::new();
    if format.eq_ignore_ascii_case("values") {
        let mut ended = false;
        while !ended && first.len() <= LOOKED_AT {
            match next()? {
                Some(piece) => first.extend(piece),
                None => ended = true,
            }
        }
        if ended && policy.may_evaluate(&first) {
            connection.query("SET input_format_values_interpret_expressions = 1", "Null", &[])?;
        }
    }
    let mut insert = connection.insert(head, format)?;
    if !first.is_empty() {
        insert.append(&first)?;
    }
    while let Some(piece) = next()? {
        if !piece.is_empty() {
            insert.append(&piece)?;
        }
    }
    insert.finish()
}

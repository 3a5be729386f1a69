//! One statement on one connection: settings, locks, execution. Runs on a blocking thread.
//!
//! In: an [`Ask`], a connection, and for inserts a source of bytes. Out: through a [`Sink`], the answer in pieces.

use crate::{
    access::Policy,
    exception::{BAD_ARGUMENTS, Exception},
    ffi::{Connection, Counters},
    format::{Joiner, Joining, joining},
    options::Limits,
    request::{Ask, quote_name},
    running::Kill,
    sql::Statement,
    users::User,
};

const DEFAULT_FORMAT: &str = "TabSeparated";

/// Where an answer goes.
pub(crate) trait Sink {
    /// Called once, before any piece.
    fn begin(&mut self, format: &str, counters: Option<Counters>) -> bool;
    /// Gives `false` when the client is gone.
    fn piece(&mut self, bytes: Vec<u8>) -> bool;
}

/// Brings a connection into the state that the request asks for; a reader's is locked from then on.
pub(crate) fn prepare(connection: &mut Connection, ask: &Ask, limits: &Limits) -> Result<(), Exception> {
    let mut run = |sql: String| connection.query(&sql, "Null", &[]).map(drop);
    if let Some(database) = &ask.database {
        run(format!("USE {}", quote_name(database)))?;
    }
    let settings = ask.user.settings(ask, limits);
    run(format!("SET {}", settings.join(", ")))?;
    if ask.user == User::Reader {
        run("SET readonly = 1".into())?;
    }
    Ok(())
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
    let format = format
        .as_deref()
        .or(ask.default_format.as_deref())
        .unwrap_or(DEFAULT_FORMAT);
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
    if sink.begin(format, Some(counters)) && !bytes.is_empty() {
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
        if !std::mem::replace(&mut begun, true) && !sink.begin(format, None) {
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
        if sink.begin(format, Some(counters)) && !bytes.is_empty() {
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
    sink: &mut dyn Sink,
) -> Result<Counters, Exception> {
    let format = kill.format.as_deref().or(ask.default_format.as_deref());
    let format = format.unwrap_or(DEFAULT_FORMAT);
    let bytes = kill.run(connection, format)?;
    if sink.begin(format, None) {
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

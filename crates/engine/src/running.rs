//! The statements that run now: ids that must not repeat, clients that go away, and `KILL QUERY` by a client's own id.
//!
//! In: statements as they start and end. Out: their cancellation. The engine gives every statement an id of its own and
//! knows one user; who asked and under which id stands in the statement's `log_comment`, and a view shows it in its place.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    exception::Exception,
    ffi::{Connection, Engine},
    request::quote,
    session::connect,
    sql::{Token, tokens},
};

/// `system.processes` with the ids and users of our clients.
const VIEW: &str = "system.casement_processes";

/// The ids in use.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running {
    ids: Arc<Mutex<HashSet<String>>>,
}

/// An id's place while its statement runs.
#[derive(Debug)]
pub(crate) struct Place {
    running: Running,
    id: String,
}

impl Running {
    /// Takes the id, as ClickHouse does: refused while another statement has it.
    pub(crate) fn enter(&self, id: &str) -> Result<Place, Exception> {
        if self.ids.lock().insert(id.to_owned()) {
            return Ok(Place {
                running: self.clone(),
                id: id.to_owned(),
            });
        }
        Err(Exception::new(
            216,
            "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
            format_args!("Query with id = {id} is already running"),
        ))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.ids.lock().remove(&self.id);
    }
}

/// Cancels a statement when it is dropped before the statement has ended: its client is gone.
pub(crate) struct Watch {
    engine: Engine,
    marker: String,
    ended: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn new(engine: Engine, marker: String) -> Self {
        Self {
            engine,
            marker,
            ended: Arc::default(),
        }
    }

    /// To be set when the statement has ended.
    pub(crate) fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        let (engine, marker) = (self.engine.clone(), std::mem::take(&mut self.marker));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn_blocking(move || {
            let kill = format!(
                "KILL QUERY WHERE Settings['log_comment'] = {} ASYNC",
                quote(&marker)
            );
            let killed = connect(&engine).and_then(|mut connection| connection.query(&kill, "Null", &[]));
            match killed {
                Ok(_) => tracing::debug!(query = marker, "cancelled: its client is gone"),
                Err(error) => tracing::warn!(%error, query = marker, "not cancelled"),
            }
        });
    }
}

/// Makes the view of the running statements.
pub(crate) fn install(connection: &mut Connection) -> Result<(), Exception> {
    let part = |index: u32| format!("splitByChar(' ', Settings['log_comment'], 2)[{index}]");
    // In two steps: within one list, an alias would hide the engine's own id.
    let create = format!(
        "CREATE OR REPLACE VIEW {VIEW} AS SELECT * REPLACE (\
         if(Settings['log_comment'] = '', query_id, {id}) AS query_id, \
         if(Settings['log_comment'] = '', initial_query_id, {id}) AS initial_query_id, \
         if(Settings['log_comment'] = '', user, {user}) AS user, \
         if(Settings['log_comment'] = '', initial_user, {user}) AS initial_user) \
         FROM (SELECT *, query_id AS engine_query_id FROM system.processes)",
        id = part(2),
        user = part(1),
    );
    connection.query(&create, "Null", &[]).map(drop)
}

/// The statement as the engine is to see it: `system.processes` and `SHOW PROCESSLIST` speak of our clients.
pub(crate) fn with_our_names(sql: &str) -> String {
    let words = tokens(sql);
    if matches!(&words[..], [show, list, ..] if show.is("show") && list.is("processlist")) {
        let rest = &sql[words[1].end..];
        return format!("SELECT * EXCEPT engine_query_id FROM {VIEW} ORDER BY elapsed DESC{rest}");
    }
    let mut out = String::with_capacity(sql.len());
    let mut copied = 0;
    let names = |token: &Token<'_>, name: &str| token.name().is_some_and(|n| n.eq_ignore_ascii_case(name));
    for three in words.windows(3) {
        if names(&three[0], "system") && three[1].text == "." && names(&three[2], "processes") {
            out.push_str(&sql[copied..three[0].start]);
            out.push_str(VIEW);
            copied = three[2].end;
        }
    }
    out.push_str(&sql[copied..]);
    out
}

/// A `KILL QUERY`: what it chooses, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    condition: String,
    mode: &'static str,
    pub(crate) format: Option<String>,
}

impl Kill {
    /// `None` for any other statement.
    pub(crate) fn parse(sql: &str) -> Option<Self> {
        let words = tokens(sql);
        if !(words.first()?.is("kill") && words.get(1)?.is("query")) {
            return None;
        }
        let begin = words.iter().position(|token| token.is("where"))?;
        let mut end = sql.len();
        let (mut mode, mut format) = ("ASYNC", None);
        for (index, token) in words.iter().enumerate().skip(begin) {
            let found = [("sync", "SYNC"), ("async", "ASYNC"), ("test", "TEST")]
                .into_iter()
                .find(|(word, _)| token.is(word));
            let last = words.len() - index <= 4;
            if let Some((_, found)) = found.filter(|_| last) {
                mode = found;
            } else if token.is("format") && last {
                format = words.get(index + 1).map(|token| token.text.to_owned());
            } else if token.text != ";" {
                continue;
            }
            end = end.min(token.start);
        }
        Some(Self {
            condition: sql[words[begin].end..end].trim().to_owned(),
            mode,
            format,
        })
    }

    /// Finds the statements meant, and cancels them; gives their list as ClickHouse does.
    pub(crate) fn run(&self, connection: &mut Connection, format: &str) -> Result<Vec<u8>, Exception> {
        let status = if self.mode == "SYNC" {
            "finished"
        } else {
            "waiting"
        };
        let meant = format!(
            "FROM {VIEW} WHERE ({}) AND engine_query_id != queryID()",
            self.condition
        );
        let list = format!("SELECT '{status}' AS kill_status, query_id, user, query {meant}");
        let ids = format!("SELECT arrayStringConcat(groupArray(engine_query_id), ',') {meant}");
        let (list, _) = connection.query(&list, format, &[])?;
        let (ids, _) = connection.query(&ids, "TSVRaw", &[])?;
        let ids = String::from_utf8_lossy(&ids).trim().to_owned();
        if self.mode != "TEST" && !ids.is_empty() {
            let ids: Vec<String> = ids.split(',').map(quote).collect();
            let kill = format!("KILL QUERY WHERE query_id IN ({}) {}", ids.join(", "), self.mode);
            connection.query(&kill, "Null", &[])?;
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_runs_once_at_a_time() {
        let running = Running::default();
        let place = running.enter("a").unwrap();
        assert_eq!(running.enter("a").unwrap_err().code, 216);
        assert!(running.enter("b").is_ok());
        drop(place);
        assert!(running.enter("a").is_ok());
    }

    #[test]
    fn our_names_replace_the_engines() {
        assert_eq!(
            with_our_names(
                "SELECT query_id FROM system . processes AS p, `system`.processes -- system.processes"
            ),
            "SELECT query_id FROM system.casement_processes AS p, system.casement_processes -- system.processes"
        );
        assert_eq!(
            with_our_names("SELECT 'system.processes'"),
            "SELECT 'system.processes'"
        );
        assert!(
            with_our_names("SHOW PROCESSLIST FORMAT JSON").ends_with("ORDER BY elapsed DESC FORMAT JSON")
        );
    }

    #[test]
    fn a_kill_is_read() {
        let kill = Kill::parse("KILL QUERY WHERE query_id = 'sync' SYNC FORMAT JSON;").unwrap();
        assert_eq!(
            (kill.condition.as_str(), kill.mode, kill.format.as_deref()),
            ("query_id = 'sync'", "SYNC", Some("JSON"))
        );
        let kill = Kill::parse("kill query where user = 'reader' test").unwrap();
        assert_eq!((kill.condition.as_str(), kill.mode), ("user = 'reader'", "TEST"));
        assert_eq!(Kill::parse("KILL MUTATION WHERE 1"), None);
    }
}

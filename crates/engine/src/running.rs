//! The statements that run now: ids that must not repeat, clients that go away, and `KILL QUERY` by a client's own id.
//!
//! In: statements as they start and end. Out: their cancellation. The engine gives every statement an id of its own and
//! knows one user; each connection has a name in its `log_comment`, and here stands whose statement it runs now.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    exception::Exception,
    ffi::{Connection, Engine},
    request::quote,
    session::connect,
    sql::{Token, tokens},
    users::User,
};

/// The statements by their clients' ids.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running {
    statements: Arc<Mutex<HashMap<String, Statement>>>,
    last: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Statement {
    serial: u64,
    user: User,
    /// The name of its connection, as soon as it has one.
    connection: Option<String>,
    /// Its client is gone: it is being killed by its connection's name.
    doomed: bool,
}

/// A statement's place while it runs.
#[derive(Debug)]
pub(crate) struct Place {
    running: Running,
    id: String,
    serial: u64,
}

impl Running {
    /// Takes the id, as ClickHouse does: refused while another statement has it.
    pub(crate) fn enter(&self, id: &str, user: User) -> Result<Place, Exception> {
        let mut statements = self.statements.lock();
        if statements.contains_key(id) {
            return Err(Exception::new(
                216,
                "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                format_args!("Query with id = {id} is already running"),
            ));
        }
        let serial = self.last.fetch_add(1, Ordering::Relaxed);
        let statement = Statement {
            serial,
            user,
            connection: None,
            doomed: false,
        };
        statements.insert(id.to_owned(), statement);
        Ok(Place {
            running: self.clone(),
            id: id.to_owned(),
            serial,
        })
    }

    /// `system.processes` with the ids and users of our clients; the engine's own id stands in `engine_query_id`.
    fn processes(&self) -> String {
        let (mut names, mut ids, mut users) = (
            vec!["''".to_owned()],
            vec!["''".to_owned()],
            vec!["''".to_owned()],
        );
        for (id, statement) in &*self.statements.lock() {
            if let Some(name) = &statement.connection {
                names.push(quote(name));
                ids.push(quote(id));
                users.push(quote(statement.user.name()));
            }
        }
        let [names, ids, users] = [names, ids, users].map(|list| list.join(", "));
        let theirs = |list: &str, column: &str| {
            format!(
                "if(Settings['log_comment'] = '', {column}, \
                 transform(Settings['log_comment'], [{names}], [{list}], {column})) AS {column}"
            )
        };
        // In two steps: within one list, an alias would hide the engine's own id.
        format!(
            "(SELECT * REPLACE ({}, {}, {}, {}) FROM (SELECT *, query_id AS engine_query_id FROM system.processes))",
            theirs(&ids, "query_id"),
            theirs(&ids, "initial_query_id"),
            theirs(&users, "user"),
            theirs(&users, "initial_user"),
        )
    }

    /// The statement as the engine is to see it: `system.processes` and `SHOW PROCESSLIST` speak of our clients.
    pub(crate) fn with_our_names(&self, sql: &str) -> String {
        let words = tokens(sql);
        if matches!(&words[..], [show, list, ..] if show.is("show") && list.is("processlist")) {
            let rest = &sql[words[1].end..];
            let processes = self.processes();
            return format!("SELECT * EXCEPT engine_query_id FROM {processes} ORDER BY elapsed DESC{rest}");
        }
        let mut out = String::with_capacity(sql.len());
        let mut copied = 0;
        let names =
            |token: &Token<'_>, name: &str| token.name().is_some_and(|n| n.eq_ignore_ascii_case(name));
        for (index, three) in words.windows(3).enumerate() {
            let column = words.get(index + 3).is_some_and(|next| next.text == ".");
            if names(&three[0], "system") && three[1].text == "." && names(&three[2], "processes") && !column
            {
                out.push_str(&sql[copied..three[0].start]);
                out.push_str(&self.processes());
                copied = three[2].end;
            }
        }
        out.push_str(&sql[copied..]);
        out
    }
}

impl Place {
    /// Says on which connection the statement runs; refused where its client is gone already.
    pub(crate) fn runs_on(&self, connection: &str) -> Result<(), Exception> {
        let mut statements = self.running.statements.lock();
        let statement = statements.get_mut(&self.id).filter(|statement| !statement.doomed);
        let Some(statement) = statement else {
            return Err(Exception::new(394, "QUERY_WAS_CANCELLED", "the client is gone"));
        };
        statement.connection = Some(connection.to_owned());
        Ok(())
    }

    /// Ends the statement, once; tells whether nobody is about to kill what its connection runs. To be called before the
    /// answer ends: then nobody takes the end of the answer for the client's leaving.
    pub(crate) fn end(&self) -> bool {
        let mut statements = self.running.statements.lock();
        let this = statements
            .get(&self.id)
            .is_some_and(|statement| statement.serial == self.serial);
        this && statements
            .remove(&self.id)
            .is_some_and(|statement| !statement.doomed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end();
    }
}

/// Cancels a statement when it is dropped before the statement has ended: its client is gone.
pub(crate) struct Watch {
    engine: Engine,
    running: Running,
    id: String,
    serial: u64,
}

impl Watch {
    pub(crate) fn new(engine: Engine, place: &Place) -> Self {
        Self {
            engine,
            running: place.running.clone(),
            id: place.id.clone(),
            serial: place.serial,
        }
    }

    fn doom(&self) -> Option<String> {
        let mut statements = self.running.statements.lock();
        let statement = statements
            .get_mut(&self.id)
            .filter(|statement| statement.serial == self.serial)?;
        statement.doomed = true;
        statement.connection.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(connection) = self.doom() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let engine = self.engine.clone();
        runtime.spawn_blocking(move || {
            let kill = format!(
                "KILL QUERY WHERE Settings['log_comment'] = {} ASYNC",
                quote(&connection)
            );
            let killed = connect(&engine).and_then(|mut connection| connection.query(&kill, "Null", &[]));
            match killed {
                Ok(_) => tracing::debug!(connection, "cancelled: its client is gone"),
                Err(error) => tracing::warn!(%error, connection, "not cancelled"),
            }
        });
    }
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
    pub(crate) fn run(
        &self,
        running: &Running,
        connection: &mut Connection,
        format: &str,
    ) -> Result<Vec<u8>, Exception> {
        let status = if self.mode == "SYNC" {
            "finished"
        } else {
            "waiting"
        };
        let meant = format!(
            "FROM {} WHERE ({}) AND engine_query_id != queryID()",
            running.processes(),
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
        let place = running.enter("a", User::Default).unwrap();
        assert_eq!(running.enter("a", User::Reader).unwrap_err().code, 216);
        assert!(running.enter("b", User::Default).is_ok());
        drop(place);
        let place = running.enter("a", User::Default).unwrap();
        assert!(place.end(), "its connection may be used again");
        let next = running.enter("a", User::Default).unwrap();
        drop(place);
        assert!(
            running.enter("a", User::Default).is_err(),
            "the next one keeps its place"
        );
        drop(next);
    }

    #[test]
    fn a_doomed_statement_neither_starts_nor_gives_its_connection_back() {
        let running = Running::default();
        let place = running.enter("a", User::Default).unwrap();
        place.runs_on("c-1").unwrap();
        running.statements.lock().get_mut("a").unwrap().doomed = true;
        assert_eq!(place.runs_on("c-1").unwrap_err().code, 394);
        assert!(!place.end());
    }

    #[test]
    fn our_names_replace_the_engines() {
        let running = Running::default();
        let place = running.enter("it's", User::Reader).unwrap();
        place.runs_on("c-1").unwrap();
        let processes = running.processes();
        assert!(processes.contains("['', 'c-1'], ['', 'it\\'s']") && processes.contains("['', 'reader']"));
        assert_eq!(
            running.with_our_names(
                "SELECT query_id FROM system . processes AS p, `system`.processes -- system.processes"
            ),
            format!("SELECT query_id FROM {processes} AS p, {processes} -- system.processes")
        );
        assert_eq!(
            running.with_our_names("SELECT 'system.processes', system.processes.user"),
            "SELECT 'system.processes', system.processes.user"
        );
        let list = running.with_our_names("SHOW PROCESSLIST FORMAT JSON");
        assert!(list.ends_with("ORDER BY elapsed DESC FORMAT JSON"));
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

//! The statements that run now: ids that must not repeat, and clients that go away.
//!
//! In: statements as they start and end. Out: their cancellation, and `system.processes` with the clients' ids. The
//! engine gives every statement an id of its own and knows one user; each connection has a name in its `log_comment`,
//! by which its statement is found here.

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
    ffi::Engine,
    sql::{Sql, Statement, quote},
    users::User,
};

/// A statement in which the list of running statements stands as often as it is named is no longer.
const LONGEST_REPLACED: usize = 4 << 20;

/// The statements by their clients' ids.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running {
    statements: Arc<Mutex<HashMap<String, Entry>>>,
    last: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    user: User,
    /// The name of its connection, as soon as it has one.
    connection: Option<String>,
    /// Its client has left: it is being killed by its connection's name.
    cancelled: bool,
}

/// A statement's entry for as long as it runs.
#[derive(Debug)]
pub(crate) struct Registration {
    running: Running,
    id: String,
    serial: u64,
}

impl Running {
    /// How many statements run or wait.
    pub(crate) fn count(&self) -> usize {
        self.statements.lock().len()
    }

    /// Registers a statement. Its id is refused, as ClickHouse does, while another statement has it.
    pub(crate) fn register(&self, id: &str, user: User) -> Result<Registration, Exception> {
        let mut statements = self.statements.lock();
        if statements.contains_key(id) {
            return Err(Exception::new(
                216,
                "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                format_args!("Query with id = {id} is already running"),
            ));
        }
        let serial = self.last.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            serial,
            user,
            connection: None,
            cancelled: false,
        };
        statements.insert(id.to_owned(), entry);
        Ok(Registration {
            running: self.clone(),
            id: id.to_owned(),
            serial,
        })
    }

    /// Returns `system.processes` as a subquery with the ids and users of our clients; the engine's own id is
    /// `engine_query_id`.
    pub(crate) fn processes(&self) -> String {
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

    /// Returns the statement to run in place of one that names `system.processes` or is `SHOW PROCESSLIST`, with the
    /// ids and users of our clients; `None` for every other statement.
    pub(crate) fn with_client_ids(&self, statement: &Statement) -> Result<Option<Statement>, Exception> {
        let sql = statement.sql();
        // Almost every statement is told apart by this alone.
        if !sql.lower().contains("process") {
            return Ok(None);
        }
        let text = sql.text();
        if let (Some(show), Some(list)) = (sql.token(0), sql.token(1))
            && show.is("show")
            && list.is("processlist")
        {
            let (processes, rest) = (self.processes(), &text[list.end..]);
            return Ok(Some(Statement::parse(&format!(
                "SELECT * EXCEPT engine_query_id FROM {processes} ORDER BY elapsed DESC{rest}"
            ))));
        }
        let named = named_processes(sql);
        if named.is_empty() {
            return Ok(None);
        }
        let processes = self.processes();
        if text.len() + named.len() * processes.len() > LONGEST_REPLACED {
            return Err(Exception::bad_arguments(
                "the statement names system.processes too often",
            ));
        }
        let mut replaced = String::new();
        let mut copied = 0;
        for (start, end) in named {
            replaced.push_str(&text[copied..start]);
            replaced.push_str(&processes);
            copied = end;
        }
        replaced.push_str(&text[copied..]);
        Ok(Some(Statement::parse(&replaced)))
    }
}

/// Returns where a statement names `system.processes`.
fn named_processes(sql: &Sql) -> Vec<(usize, usize)> {
    let named = sql.tokens().enumerate().filter_map(|(index, database)| {
        let is_qualified = database.name() == Some("system") && sql.is_sign(index + 1, ".");
        // `system.processes.user` is a column.
        let is_column = sql.is_sign(index + 3, ".");
        let table = sql
            .token(index + 2)
            .filter(|table| table.name() == Some("processes") && is_qualified && !is_column)?;
        Some((database.start, table.end))
    });
    named.collect()
}

impl Registration {
    /// Notes on which connection the statement runs. Refused after its client has left.
    pub(crate) fn runs_on(&self, connection: &str) -> Result<(), Exception> {
        let mut statements = self.running.statements.lock();
        let statement = statements
            .get_mut(&self.id)
            .filter(|statement| !statement.cancelled);
        let Some(statement) = statement else {
            return Err(Exception::new(394, "QUERY_WAS_CANCELLED", "the client is gone"));
        };
        statement.connection = Some(connection.to_owned());
        Ok(())
    }

    /// Removes the entry, once. Returns whether nobody is about to kill what its connection runs. Called before the
    /// answer ends, so that the end of the answer is not taken for the client's leaving.
    pub(crate) fn end(&self) -> bool {
        let mut statements = self.running.statements.lock();
        let this = statements
            .get(&self.id)
            .is_some_and(|statement| statement.serial == self.serial);
        this && statements
            .remove(&self.id)
            .is_some_and(|statement| !statement.cancelled)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.end();
    }
}

/// Cancels a statement when it is dropped before the statement has ended: its client has left.
pub(crate) struct CancelOnDrop {
    engine: Engine,
    running: Running,
    id: String,
    serial: u64,
}

impl CancelOnDrop {
    pub(crate) fn new(engine: Engine, registration: &Registration) -> Self {
        Self {
            engine,
            running: registration.running.clone(),
            id: registration.id.clone(),
            serial: registration.serial,
        }
    }

    fn cancel(&self) -> Option<String> {
        let mut statements = self.running.statements.lock();
        let statement = statements
            .get_mut(&self.id)
            .filter(|statement| statement.serial == self.serial)?;
        statement.cancelled = true;
        statement.connection.clone()
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(connection) = self.cancel() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let engine = self.engine.clone();
        runtime.spawn_blocking(move || {
            let kill = format!(
                "KILL QUERY WHERE Settings['log_comment'] = {} ASYNC",
                quote(&connection)
            );
            let killed = engine
                .connect()
                .and_then(|mut connection| connection.query(&kill, "Null", &[]));
            match killed {
                Ok(_) => tracing::debug!(connection, "cancelled: its client is gone"),
                Err(error) => tracing::warn!(%error, connection, "not cancelled"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_runs_once_at_a_time() {
        let running = Running::default();
        let place = running.register("a", User::Default).unwrap();
        assert_eq!(running.register("a", User::Reader).unwrap_err().code, 216);
        assert!(running.register("b", User::Default).is_ok());
        drop(place);
        let place = running.register("a", User::Default).unwrap();
        assert!(place.end(), "its connection may be used again");
        let next = running.register("a", User::Default).unwrap();
        drop(place);
        assert!(
            running.register("a", User::Default).is_err(),
            "the next one keeps its place"
        );
        drop(next);
    }

    #[test]
    fn a_cancelled_statement_neither_starts_nor_gives_its_connection_back() {
        let running = Running::default();
        let place = running.register("a", User::Default).unwrap();
        place.runs_on("c-1").unwrap();
        running.statements.lock().get_mut("a").unwrap().cancelled = true;
        assert_eq!(place.runs_on("c-1").unwrap_err().code, 394);
        assert!(!place.end());
    }

    #[test]
    fn client_ids_replace_the_engines() {
        let running = Running::default();
        let place = running.register("it's", User::Reader).unwrap();
        place.runs_on("c-1").unwrap();
        let processes = running.processes();
        assert!(processes.contains("['', 'c-1'], ['', 'it\\'s']") && processes.contains("['', 'reader']"));
        let text = |sql: &str| {
            let replaced = running.with_client_ids(&Statement::parse(sql)).unwrap();
            replaced.map(|statement| statement.text().to_owned())
        };
        assert_eq!(
            text("SELECT query_id FROM system . processes AS p, `system`.processes -- system.processes"),
            Some(format!(
                "SELECT query_id FROM {processes} AS p, {processes} -- system.processes"
            ))
        );
        assert_eq!(text("SELECT 'system.processes', system.processes.user"), None);
        let list = text("SHOW PROCESSLIST FORMAT JSON").unwrap();
        assert!(list.ends_with("ORDER BY elapsed DESC FORMAT JSON"));
        let often = format!("SELECT 1 FROM {}", "system.processes, ".repeat(100_000));
        assert!(running.with_client_ids(&Statement::parse(&often)).is_err());
    }
}

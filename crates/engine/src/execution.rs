//! One statement on one connection, on a blocking thread: connection, both readings of the policy, execution.
//!
//! In: a [`Job`], whose statement our own reading permits. Out: through a [`Sink`], the answer in pieces.

use std::sync::Arc;

use axum::body::Bytes;

use crate::{
    access::{Confirmed, Permitted, Policy},
    body::InsertData,
    exception::Exception,
    external::{self, ExternalTable},
    ffi::{Connection, Counters},
    format::{Joiner, Joining, is_short, joining, with_statistics},
    kill,
    pool::{Lease, Wanted},
    request::QueryRequest,
    running::Registration,
    service::Service,
    settings::{ConnectionState, ResultLimit},
    sql::{Kind, Statement},
    users::User,
};

const DEFAULT_FORMAT: &str = "TabSeparated";
/// `VALUES` of this size are checked as a whole, and evaluated where they may be; larger ones hold plain values.
const LARGEST_CHECKED_VALUES: usize = 1 << 20;

/// Where an answer goes.
pub(crate) trait Sink {
    /// Begins the answer; called once, before any piece. Returns `false` when the client is gone.
    fn begin(&mut self, format: &str) -> bool;
    /// Takes a piece. Returns `false` when the client is gone.
    fn piece(&mut self, bytes: Vec<u8>) -> bool;
    /// Whether the client is gone.
    fn is_abandoned(&self) -> bool;
}

/// A statement that has been admitted.
pub(crate) struct Job {
    pub(crate) request: Arc<QueryRequest>,
    pub(crate) permitted: Permitted,
    /// An insert's data.
    pub(crate) data: Option<InsertData>,
    /// Tables that this statement alone sees.
    pub(crate) tables: Vec<ExternalTable>,
    pub(crate) registration: Registration,
}

impl Job {
    /// Runs the statement from its connection to its end.
    pub(crate) fn run(mut self, service: &Service, sink: &mut dyn Sink) -> Result<Counters, Exception> {
        let request = Arc::clone(&self.request);
        let tables = std::mem::take(&mut self.tables);
        if self.permitted.is_refused() {
            return Err(refusal(service, self.permitted));
        }
        let own = self.permitted.settings().to_vec();
        let settings = request.settings.iter().chain(&own);
        let limit = ResultLimit::new(request.user, settings.clone(), &service.limits);
        // The engine itself sets a writer's, whose connection is not locked.
        let given = settings.take(match request.user {
            User::Default => request.settings.len(),
            User::Reader => usize::MAX,
        });
        let state = ConnectionState::new(request.user, request.database.as_deref(), given, &service.limits);
        let sets = |wanted: &str| {
            own.iter()
                .chain(&request.settings)
                .any(|(name, _)| name == wanted)
        };
        let wanted = Wanted {
            user: request.user,
            session: request.session.as_ref(),
            state: &state,
            is_fresh: !tables.is_empty(),
        };
        let mut lease = service.pool.lease(&service.engine, &wanted)?;
        let is_ready = matches!(lease, Lease::Ready(_));
        let connection = lease.connection();
        if !is_ready {
            state.apply(connection)?;
        }
        self.registration.runs_on(connection.name())?;
        if !is_ready {
            external::make(&tables, connection, &service.policy)?;
            if sink.is_abandoned() {
                external::remove(&tables, connection);
                return Err(Exception::new(394, "QUERY_WAS_CANCELLED", "the client is gone"));
            }
            state.lock(connection)?;
        }
        let outcome = confirmed(service, &request, self.permitted, connection).and_then(|confirmed| {
            let execution = Execution {
                service,
                request: &request,
                confirmed: &confirmed,
                connection,
                limit,
                in_small_blocks: sets("max_block_size"),
                shows_more_rows: sets("output_format_pretty_max_rows"),
            };
            let keeps_state = execution.keeps_state() && tables.is_empty();
            Ok((execution.run(self.data, sink)?, keeps_state))
        });
        if matches!(lease, Lease::Session(_)) {
            external::remove(&tables, lease.connection());
        }
        let (counters, keeps_state) = outcome?;
        if keeps_state && !sink.is_abandoned() && self.registration.end() {
            service.pool.give_back(lease, state);
        }
        Ok(counters)
    }
}

/// Returns what a statement is refused with: the engine's syntax error where it cannot read it.
fn refusal(service: &Service, permitted: Permitted) -> Exception {
    let confirmed = service.engine.connect().and_then(|mut connection| {
        connection.query("SET implicit_select = 0", "Null", &[])?;
        service.policy.confirm(&mut connection, permitted)
    });
    confirmed
        .err()
        .unwrap_or_else(|| Exception::access_denied("the statement is refused"))
}

/// Returns the statement that is executed: with our clients' ids where it shows what runs, and checked as it is then.
fn confirmed(
    service: &Service,
    request: &QueryRequest,
    permitted: Permitted,
    connection: &mut Connection,
) -> Result<Confirmed, Exception> {
    let replaced = match permitted.statement().kind() {
        Kind::Select { .. } | Kind::Other => service.running.with_client_ids(permitted.statement())?,
        Kind::Insert | Kind::KillQuery(_) => None,
    };
    let permitted = match replaced {
        Some(statement) => {
            service
                .policy
                .permit(request.user, statement, &request.parameters, request.only_reads)?
        }
        None => permitted,
    };
    service.policy.confirm(connection, permitted)
}

/// A confirmed statement on its connection.
struct Execution<'a> {
    service: &'a Service,
    request: &'a QueryRequest,
    confirmed: &'a Confirmed,
    connection: &'a mut Connection,
    limit: Option<ResultLimit>,
    /// A few rows may be many blocks.
    in_small_blocks: bool,
    /// A format for people may show more than its first thousand rows.
    shows_more_rows: bool,
}

impl<'a> Execution<'a> {
    fn statement(&self) -> &'a Statement {
        self.confirmed.statement()
    }

    fn format(&self) -> &str {
        let default = self.request.default_format.as_deref();
        self.confirmed.format().or(default).unwrap_or(DEFAULT_FORMAT)
    }

    fn joining(&self) -> Option<Joining> {
        joining(self.format(), self.request.protocol)
    }

    /// Whether the statement, if it succeeds, leaves its connection as it was.
    fn keeps_state(&self) -> bool {
        let unchanged = match self.statement().kind() {
            Kind::Select { .. } => self.joining().is_some(),
            Kind::Insert => !self.format().eq_ignore_ascii_case("values"),
            Kind::KillQuery(_) | Kind::Other => false,
        };
        // A stream that was cut has been cancelled.
        let is_cut = self.limit.is_some_and(|limit| limit.is_cut);
        unchanged && !is_cut && self.statement().is_single() && self.request.parameters.is_empty()
    }

    fn run(self, data: Option<InsertData>, sink: &mut dyn Sink) -> Result<Counters, Exception> {
        match (self.statement().kind(), data, self.joining()) {
            (Kind::Insert, Some(mut data), _) => self.insert(|| data.next()),
            (Kind::Insert, None, _) => Err(Exception::bad_arguments("an insert needs its data")),
            (Kind::KillQuery(kill), ..) => {
                let format = self.format().to_owned();
                let Service { running, policy, .. } = self.service;
                let list = kill::run(kill, &format, running, policy, self.connection)?;
                send(sink, &format, list);
                Ok(Counters::default())
            }
            (Kind::Select { few_rows }, _, Some(joining)) if !few_rows || self.in_small_blocks => {
                self.stream(joining, sink)
            }
            (Kind::Select { .. }, _, None) if self.request.user == User::Default => {
                // What cannot be streamed is held in memory and has a limit; a reader's connection is locked with its
                // own.
                let limit = self.service.limits.buffered_bytes;
                self.connection
                    .query(&format!("SET max_result_bytes = {limit}"), "Null", &[])?;
                self.whole(sink)
            }
            (Kind::Select { few_rows }, _, None)
                if (!few_rows || self.in_small_blocks) && !is_short(self.format(), self.shows_more_rows) =>
            {
                self.measured(sink)
            }
            (Kind::Select { .. } | Kind::Other, ..) => self.whole(sink),
        }
    }

    fn check_size(&self, bytes: u64) -> Result<(), Exception> {
        match self.limit {
            Some(limit) if bytes > limit.bytes => Err(limit.exceeded(bytes)),
            _ => Ok(()),
        }
    }

    fn query(&mut self) -> Result<(Vec<u8>, Counters), Exception> {
        let format = self.format().to_owned();
        self.connection
            .query(self.statement().text(), &format, &self.request.parameters)
    }

    /// Runs the statement to its end before the answer begins. A stream would cost the engine a thread more.
    fn whole(mut self, sink: &mut dyn Sink) -> Result<Counters, Exception> {
        let (bytes, counters) = self.query()?;
        self.check_size(bytes.len() as u64)?;
        let bytes = match self.joining() {
            Some(joining) if !bytes.is_empty() => Joiner::new(joining).push(bytes)?,
            _ => bytes,
        };
        send(sink, self.format(), bytes);
        Ok(counters)
    }

    /// Runs a statement whose format is written in one piece: block by block first, each of which is a whole answer, so
    /// that no more of them than one is in memory before their size is known. One block is the answer.
    fn measured(self, sink: &mut dyn Sink) -> Result<Counters, Exception> {
        let format = self.format().to_owned();
        let (text, parameters) = (self.confirmed.statement().text(), &self.request.parameters);
        let (mut first, mut blocks, mut bytes) = (Vec::new(), 0_u64, 0_u64);
        let limit = self.limit;
        let counters = self.connection.stream(text, &format, parameters, |chunk| {
            blocks += 1;
            bytes += chunk.len() as u64;
            if let Some(limit) = limit.filter(|limit| bytes > limit.bytes) {
                return Err(limit.exceeded(bytes));
            }
            first = if blocks == 1 { chunk } else { Vec::new() };
            Ok(!sink.is_abandoned())
        })?;
        if blocks == 1 && !has_more_than_rows(self.statement()) {
            send(sink, &format, with_statistics(first, &format, counters));
            return Ok(counters);
        }
        drop(first);
        self.whole(sink)
    }

    /// Hands the answer on as it comes.
    fn stream(mut self, joining: Joining, sink: &mut dyn Sink) -> Result<Counters, Exception> {
        let format = self.format().to_owned();
        let mut joiner = Joiner::new(joining);
        let mut begun = false;
        let (text, parameters) = (self.statement().text(), &self.request.parameters);
        let (limit, mut sent) = (self.limit, 0_u64);
        let counters = self.connection.stream(text, &format, parameters, |chunk| {
            // Joined before the answer begins: a first block that cannot be sent is an error with a status of its own.
            let piece = joiner.push(chunk)?;
            sent += piece.len() as u64;
            let exceeded = limit.filter(|limit| sent > limit.bytes);
            if let Some(limit) = exceeded.filter(|limit| !limit.is_cut) {
                return Err(limit.exceeded(sent));
            }
            if !std::mem::replace(&mut begun, true) && !sink.begin(&format) {
                return Ok(false);
            }
            Ok(exceeded.is_none() && sink.piece(piece))
        })?;
        if begun {
            return Ok(counters);
        }
        if joining == Joining::Plain {
            send(sink, &format, Vec::new());
            return Ok(counters);
        }
        // Without rows a stream has no header; the same statement in one piece has.
        let (bytes, counters) = self.query()?;
        let bytes = if bytes.is_empty() {
            bytes
        } else {
            joiner.push(bytes)?
        };
        send(sink, &format, bytes);
        Ok(counters)
    }

    /// Inserts what comes from `next`: pieces until `None`.
    fn insert(
        mut self,
        mut next: impl FnMut() -> Result<Option<Bytes>, Exception>,
    ) -> Result<Counters, Exception> {
        let format = self.format().to_owned();
        let mut first = Vec::new();
        if format.eq_ignore_ascii_case("values") {
            let mut ended = false;
            while !ended && first.len() <= LARGEST_CHECKED_VALUES {
                match next()? {
                    Some(piece) => first.extend_from_slice(&piece),
                    None => ended = true,
                }
            }
            if ended {
                self.evaluate_values(&self.service.policy, &first)?;
            }
        }
        let mut insert = self.connection.insert(self.statement().text(), &format)?;
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

    /// Lets the engine evaluate rows in which nothing reaches out.
    fn evaluate_values(&mut self, policy: &Policy, rows: &[u8]) -> Result<(), Exception> {
        if policy.may_evaluate(rows) {
            self.connection
                .query("SET input_format_values_interpret_expressions = 1", "Null", &[])?;
        }
        Ok(())
    }
}

/// Whether an answer may hold more than its rows, which a single block of it does not: totals, extremes, and the number
/// of rows before a limit.
fn has_more_than_rows(statement: &Statement) -> bool {
    let text = statement.sql().lower();
    ["totals", "extremes", "limit", "offset"]
        .iter()
        .any(|word| text.contains(word))
}

/// Sends an answer that is all there.
fn send(sink: &mut dyn Sink, format: &str, bytes: Vec<u8>) {
    if sink.begin(format) && !bytes.is_empty() {
        sink.piece(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::running::Running;

    /// Ids are the clients' texts: whatever they hold, what shows them is still permitted.
    #[test]
    fn what_shows_running_statements_is_permitted_as_it_is_executed() {
        let running = Running::default();
        let registered: Vec<Registration> =
            ["it's", "a\u{b}\0b", "', file('/p'), '", "x -- /*", "$a$ ` \" é"]
                .iter()
                .enumerate()
                .map(|(index, id)| {
                    let registration = running.register(id, User::Reader).unwrap();
                    registration.runs_on(&format!("connection-{index}")).unwrap();
                    registration
                })
                .collect();
        let policy = Policy::new(false, false, &[], &crate::Limits::default());
        for sql in [
            "SHOW PROCESSLIST",
            "SELECT query_id, user FROM system.processes, system.one WHERE user = 'reader'",
            "SELECT count() FROM system.processes FORMAT JSON",
        ] {
            let replaced = running.with_client_ids(&Statement::parse(sql)).unwrap().unwrap();
            assert!(
                policy.permit(User::Reader, replaced, &[], true).is_ok(),
                "{sql}: {registered:?}"
            );
        }
    }
}

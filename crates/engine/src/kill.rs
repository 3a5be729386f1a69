//! `KILL QUERY` by a client's own ids: the statements are found by the list of those that run here.

use crate::{
    access::Policy,
    exception::Exception,
    ffi::Connection,
    running::Running,
    sql::{KillQuery, Statement, quote},
    users::User,
};

/// Cancels the statements that `kill` chooses. Returns their list, as ClickHouse does.
pub(crate) fn run(
    kill: &KillQuery,
    format: &str,
    running: &Running,
    policy: &Policy,
    connection: &mut Connection,
) -> Result<Vec<u8>, Exception> {
    let status = if kill.mode == "SYNC" {
        "finished"
    } else {
        "waiting"
    };
    let chosen = format!(
        "FROM {} WHERE ({}) AND engine_query_id != queryID()",
        running.processes(),
        kill.condition
    );
    // The condition is the client's, so the statements made of it are checked as they are executed.
    let mut query = |sql: String, format: &str| {
        let permitted = policy.permit(User::Default, Statement::parse(&sql), &[], false)?;
        let confirmed = policy.confirm(connection, permitted)?;
        let (bytes, _) = connection.query(confirmed.statement().text(), format, &[])?;
        Ok(bytes)
    };
    let list = query(
        format!("SELECT '{status}' AS kill_status, query_id, user, query {chosen}"),
        format,
    )?;
    let ids = query(
        format!("SELECT arrayStringConcat(groupArray(engine_query_id), ',') {chosen}"),
        "TSVRaw",
    )?;
    let ids = String::from_utf8_lossy(&ids).trim().to_owned();
    if kill.mode != "TEST" && !ids.is_empty() {
        let ids: Vec<String> = ids.split(',').map(quote).collect();
        let kill = format!("KILL QUERY WHERE query_id IN ({}) {}", ids.join(", "), kill.mode);
        connection.query(&kill, "Null", &[])?;
    }
    Ok(list)
}

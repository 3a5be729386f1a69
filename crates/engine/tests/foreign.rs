//! Clients that others wrote, for tools that Casement itself does not need: clickhouse-go where Go is, the official
//! client for Node.js where Node.js is, the official JDBC driver where a JDK and Maven are. Where a tool is missing, its
//! test is listed as ignored.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Failed, Trial};
use support::Engine;

/// The oldest Go that builds the client.
const GO: u32 = 26;
/// The oldest Node.js that the client runs on.
const NODE: u32 = 20;
/// The oldest Java that runs a source file as it is.
const JAVA: u32 = 11;

fn main() {
    let go = number(&["go", "env", "GOVERSION"], "go1.").is_some_and(|minor| minor >= GO);
    let node = number(&["node", "--version"], "v").is_some_and(|major| major >= NODE);
    let java = number(&["javac", "--version"], "javac ").is_some_and(|major| major >= JAVA)
        && number(&["mvn", "--version"], "Apache Maven ").is_some();
    let trials = vec![
        Trial::test("clickhouse_go", clickhouse_go).with_ignored_flag(!go),
        Trial::test("clickhouse_client_for_node", clickhouse_client_for_node).with_ignored_flag(!node),
        Trial::test("clickhouse_jdbc", clickhouse_jdbc).with_ignored_flag(!java),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The number behind `before` in what a command prints; `None` where it cannot be run.
fn number(command: &[&str], before: &str) -> Option<u32> {
    let output = Command::new(command[0]).args(&command[1..]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = text.split_once(before)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Runs a client against an engine of its own, whose port is its last argument.
fn succeeds(command: &mut Command) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let engine = Engine::start(dir.path());
    let output = command.arg(engine.addr.port().to_string()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Err(format!("{out}{err}").into())
}

fn clickhouse_go() -> Result<(), Failed> {
    succeeds(Command::new("go").args(["run", "."]).current_dir(folder("go")))
}

fn clickhouse_client_for_node() -> Result<(), Failed> {
    let folder = folder("node");
    is_prepared(&folder.join("node_modules"))?;
    succeeds(Command::new("node").arg("clients.mjs").current_dir(folder))
}

fn clickhouse_jdbc() -> Result<(), Failed> {
    let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/jdbc");
    is_prepared(&jars)?;
    succeeds(
        Command::new("java")
            .arg("-cp")
            .arg(jars.join("*"))
            .arg("Clients.java")
            .current_dir(folder("jdbc")),
    )
}

fn is_prepared(path: &Path) -> Result<(), Failed> {
    if path.exists() {
        return Ok(());
    }
    Err(format!("{} is missing: run scripts/clients.sh", path.display()).into())
}

//! Schemathesis: requests made from the description, right ones and wrong ones, as nobody, as a reader, as an operator and
//! as an admin. No answer is an error of the service, is missing in the description, or has another form than it says.

use std::{path::PathBuf, process::Command};

use crate::{support::root, world::World};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,\
    allow_header_conformance,ignored_auth";
/// What takes the account's own token away.
const SAWING: [&str; 3] = ["rotate_account", "forget_account", "revoke_token"];

fn program() -> PathBuf {
    let program = root().join("target/python/bin/schemathesis");
    assert!(program.exists(), "run scripts/python-env.sh");
    program
}

/// What a precondition refuses was not looked at any further.
const CONFIG: &str = "[checks.negative_data_rejection]\nexpected-statuses = [\"4xx\"]\n";

fn run(world: &World, who: &str, headers: &[String], phases: &str, chosen: &[&str]) {
    let mut command = Command::new(program());
    command
        .arg("run")
        .args(["openapi.json", "--url"])
        .arg(format!("http://{}", world.http()))
        .args([
            "--checks",
            CHECKS,
            "--phases",
            phases,
            "--seed",
            "1",
            "--workers",
            "1",
        ])
        .args(["--max-examples", "5", "--request-timeout", "10"])
        .args([
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
            "--no-color",
            "--no-shrink",
        ])
        .args(chosen)
        .current_dir(world.data.path())
        .env("HOME", world.data.path());
    for header in headers {
        command.args(["--header", header]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{who}:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!text.contains("No API operations"), "{text}");
}

#[test]
fn the_description_is_what_the_service_does() {
    let world = World::start(&[
        "--simulate",
        "1",
        "--config",
        "crates/casement/tests/api/many-requests.yaml",
    ]);
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    let (reader, operator) = (
        world.account("only-reads", "reader"),
        world.account("operates", "operator"),
    );
    let document = world.get("/api/v1/openapi.json").body;
    std::fs::write(world.data.path().join("openapi.json"), document.to_string()).unwrap();
    std::fs::write(world.data.path().join("schemathesis.toml"), CONFIG).unwrap();
    // A stream has no end.
    let mut most = vec!["--exclude-operation-id", "listen"];
    // A proxy asks for somebody who is not on this machine, and has no account.
    run(
        &world,
        "nobody",
        &["X-Forwarded-For: 192.0.2.1".into()],
        "examples",
        &most,
    );
    run(&world, "a reader", &[bearer(&reader)], "examples,fuzzing", &most);
    run(
        &world,
        "an operator",
        &[bearer(&operator)],
        "examples,fuzzing",
        &most,
    );
    most.extend(SAWING.iter().flat_map(|id| ["--exclude-operation-id", *id]));
    run(
        &world,
        "an admin",
        &[bearer(&world.token)],
        "examples,coverage,fuzzing,stateful",
        &most,
    );
    assert_eq!(
        world.get("/api/v1/accounts").status,
        200,
        "an admin has asked, and no stranger"
    );
    let rest: Vec<&str> = SAWING
        .iter()
        .flat_map(|id| ["--include-operation-id", *id])
        .collect();
    let second = world.account("second", "admin");
    run(
        &world,
        "another admin",
        &[bearer(&second)],
        "examples,fuzzing",
        &rest,
    );
    assert_eq!(world.bare("GET", "/health", &[], b"").status, 200);
    assert!(
        !world.process.output().contains("panicked"),
        "{}",
        world.process.output()
    );
}

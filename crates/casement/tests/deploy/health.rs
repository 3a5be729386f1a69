//! The health checks of the Compose files, by their own command lines: each fails while the thing is broken, and passes again
//! afterwards. Mosquitto's and ClickHouse's are tried in `stack`.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
    thread,
};

use serde_json::Value;
use testkit::{Process, Signal, children, free_addr, signal, wait_until_blocking};

use crate::{
    support::{END, casement},
    world::{World, succeeds},
};

/// Backend and ML service of `compose.yaml` as plain processes, with what they need.
struct Stack {
    world: World,
    project: Value,
    mosquitto: Option<Process>,
    engine: Process,
    clickhouse: SocketAddr,
    page: SocketAddr,
    page_tls: SocketAddr,
    ml: SocketAddr,
}

impl Stack {
    /// Broker and ClickHouse; `None` without Go, which reads the Compose file.
    fn new() -> Option<Self> {
        let world = World::new();
        let project = world.place.project(&["compose.yaml"], "")?;
        world.accounts();
        let mosquitto = Some(world.mosquitto());
        let clickhouse = free_addr();
        let data = world.volume("engine").display().to_string();
        let password = [(
            "CASEMENT__ENGINE__PASSWORD",
            world.place.secret("clickhouse-writer"),
        )];
        let address = clickhouse.to_string();
        let engine = ["engine", "--data", &data, "--clickhouse", &address];
        let mut engine = casement().start_with(&engine, &password).unwrap();
        engine.wait_for_line("casement engine is running").unwrap();
        Some(Self {
            world,
            project,
            mosquitto,
            engine,
            clickhouse,
            page: free_addr(),
            page_tls: free_addr(),
            ml: free_addr(),
        })
    }

    /// What of a service's variables is this test's own.
    fn own(&self, name: &str) -> Vec<(&'static str, String)> {
        if name == "ml" {
            return vec![("CASEMENT__ML__ADDR", self.ml.to_string())];
        }
        let listeners = self.project["services"][name]["environment"]["CASEMENT__HTTP__LISTENERS"]
            .as_str()
            .unwrap()
            .replace(":8080", &format!(":{}", self.page.port()))
            .replace(":8443", &format!(":{}", self.page_tls.port()));
        vec![
            ("CASEMENT__HTTP__LISTENERS", listeners),
            ("CASEMENT__CLICKHOUSE__ADDR", self.clickhouse.to_string()),
            ("CASEMENT__CLICKHOUSE__USER", "default".to_owned()),
        ]
    }

    fn start(&self, name: &str) -> Process {
        let mut process = self.world.start(&self.project, name, &self.own(name));
        process
            .wait_for_line(&format!("casement {name} is running"))
            .unwrap();
        process
    }

    fn checked(&self, name: &str) -> Output {
        self.world
            .checked(&self.project["services"][name], &self.own(name))
    }

    fn is_well(&self, name: &str) -> bool {
        self.checked(name).status.success()
    }

    fn becomes_well(&self, name: &str) {
        wait_until_blocking(&format!("{name} is well"), || self.is_well(name))
            .unwrap_or_else(|error| panic!("{error}\n{:?}", self.checked(name)));
    }

    /// The check fails, and what it says names `what`.
    fn fails(&self, name: &str, what: &str) {
        let output = self.checked(name);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{name} without {what}: {said}");
        assert!(said.contains("FAILED") && said.contains(what), "{name}: {said}");
    }
}

#[test]
fn backend_and_ml_service_are_well_only_while_what_they_need_is_there() {
    let Some(mut stack) = Stack::new() else {
        return;
    };
    stack.fails("backend", "no service answers");
    stack.fails("ml", "no service answers");
    let backend = stack.start("backend");
    let ml = stack.start("ml");
    stack.becomes_well("backend");
    stack.becomes_well("ml");

    // Each is told from the other: a check finds its own service.
    for (hangs, name, other) in [(&backend, "backend", "ml"), (&ml, "ml", "backend")] {
        signal(hangs.pid(), Signal::STOP).unwrap();
        assert!(!stack.is_well(name), "{name} hangs");
        stack.becomes_well(other);
        signal(hangs.pid(), Signal::CONT).unwrap();
        stack.becomes_well(name);
    }

    // Without its database only the backend is broken.
    signal(stack.engine.pid(), Signal::STOP).unwrap();
    stack.fails("backend", "clickhouse");
    stack.becomes_well("ml");
    signal(stack.engine.pid(), Signal::CONT).unwrap();
    stack.becomes_well("backend");

    // Without the broker both are.
    stack.mosquitto = None;
    stack.fails("backend", "broker");
    stack.fails("ml", "broker");
    stack.mosquitto = Some(stack.world.mosquitto());
    stack.becomes_well("backend");
    stack.becomes_well("ml");
}

#[test]
fn an_ml_service_without_a_model_that_loads_is_not_well() {
    let Some(stack) = Stack::new() else {
        return;
    };
    let models = stack.world.place.path().join("models");
    fs::create_dir(&models).unwrap();
    let model = models.join("window_regressor.pth");
    fs::write(&model, "no model").unwrap();
    let mut ml = stack.world.start(&stack.project, "ml", &stack.own("ml"));
    // It ends, and Compose starts it again and again; meanwhile the check says that nothing runs.
    assert!(!ml.wait(END).unwrap().success(), "{}", ml.output());
    assert!(ml.output().contains("window_regressor.pth"), "{}", ml.output());
    stack.fails("ml", "no service answers");
    fs::remove_file(&model).unwrap();
    let _ml = stack.start("ml");
    stack.becomes_well("ml");
}

#[test]
fn one_container_is_well_while_all_of_its_parts_are() {
    let world = World::new();
    let (mqtt, page, clickhouse) = (free_addr(), free_addr(), free_addr());
    let flags = format!("--simulate 1 --mqtt {mqtt} --http {page} --clickhouse {clickhouse}");
    let variables = [("CASEMENT_UP_FLAGS", flags.as_str())];
    let Some(project) = world.place.project_with(&["compose.single.yaml"], &variables) else {
        return;
    };
    let service = &project["services"]["casement"];
    let mut service = service.clone();
    for text in ["/command/0", "/healthcheck/test/1"] {
        let text = service.pointer_mut(text).unwrap();
        *text = world.here(text.as_str().unwrap()).into();
    }
    let is_well = || world.checked(&service, &[]).status.success();
    assert!(!is_well(), "nothing runs");
    let mut up = Command::new("sh");
    up.arg("-ec")
        .arg(service["command"][0].as_str().unwrap())
        .env("PATH", crate::world::path_with_casement())
        .current_dir(world.place.path());
    let mut up = Process::start("up", up).unwrap();
    up.wait_for_line("Casement is ready").unwrap();
    wait_until_blocking("the container is well", is_well)
        .unwrap_or_else(|error| panic!("{error}\n{:?}", world.checked(&service, &[])));
    let engine = children(up.pid());
    assert_eq!(engine.len(), 1, "the engine is a process of its own");
    for pid in [engine[0], up.pid()] {
        signal(pid, Signal::STOP).unwrap();
        assert!(!is_well(), "a part hangs");
        signal(pid, Signal::CONT).unwrap();
        wait_until_blocking("the container is well again", is_well).unwrap();
    }
    up.terminate(END).unwrap();
    assert!(!is_well(), "it has ended");
}

/// Answers as Grafana's `/api/health` does: well, and while its own database is away.
fn answer_as_grafana(listener: &TcpListener, answers: &[&str]) {
    for status in answers {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1_024];
        let size = stream.read(&mut request).unwrap();
        let path = String::from_utf8_lossy(&request[..size]).contains(" /api/health ");
        let status = if path { *status } else { "404 Not Found" };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

/// Grafana itself cannot run here: its check is tried at what answers as it does.
#[test]
fn grafanas_check_heeds_the_answer() {
    let world = World::new();
    let Some(project) = world.place.project(&["compose.yaml"], "") else {
        return;
    };
    let check = project["services"]["grafana"]["healthcheck"]["test"][1]
        .as_str()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    assert!(check.contains("127.0.0.1:3000"), "{check}");
    let check = check.replace("127.0.0.1:3000", &address.to_string());
    let answering = thread::spawn(move || {
        answer_as_grafana(&listener, &["200 OK", "503 Service Unavailable", "200 OK"]);
    });
    assert!(succeeds(&check));
    assert!(!succeeds(&check), "its database is away");
    assert!(succeeds(&check));
    answering.join().unwrap();
    assert!(!succeeds(&check), "nobody answers");
}

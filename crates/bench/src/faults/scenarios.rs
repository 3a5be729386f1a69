//! The table of faults.

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    BackendKilled,
    EngineKilled,
    MlKilled,
    BrokerKilled,
    AutosavingBrokerKilled,
    UpKilled,
    UpEngineKilled,
    DatabaseAway,
    NetworkCut,
    HalfOpen,
    JournalFull,
    DiskFull,
    DeviceClocksJump,
    BackendClockJumps,
    TwoBackends,
    Terminated,
    UpTerminated,
    BrokerSaturated,
    EditedBackendKilled,
    EditedUpKilled,
}

/// A row of the table before it is run.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) fault: Fault,
    /// Rounds of a full run.
    pub(super) rounds: u32,
    /// Whether each of them kills a process.
    pub(super) kills: bool,
    /// Nothing acknowledged may be lost.
    pub(super) promised: bool,
    /// The backend's MQTT version.
    pub(super) protocol: &'static str,
    /// The backend's keep-alive in seconds.
    pub(super) keep_alive_s: u32,
    /// Why it cannot run on a machine that lacks something.
    pub(super) needs: &'static str,
}

const fn scenario(name: &'static str, what: &'static str, fault: Fault, rounds: u32) -> Scenario {
    Scenario {
        name,
        what,
        fault,
        rounds,
        kills: false,
        promised: true,
        protocol: "auto",
        keep_alive_s: 5,
        needs: "",
    }
}

const fn saturation(
    name: &'static str,
    what: &'static str,
    protocol: &'static str,
    keep_alive_s: u32,
) -> Scenario {
    Scenario {
        protocol,
        keep_alive_s,
        ..scenario(name, what, Fault::BrokerSaturated, 1)
    }
}

const fn kill(name: &'static str, what: &'static str, fault: Fault, rounds: u32) -> Scenario {
    Scenario {
        kills: true,
        ..scenario(name, what, fault, rounds)
    }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    kill("backend", "kill -9 of the backend", Fault::BackendKilled, 25),
    Scenario {
        protocol: "3.1.1",
        ..kill(
            "backend-311",
            "… that speaks MQTT 3.1.1",
            Fault::BackendKilled,
            10,
        )
    },
    kill("engine", "kill -9 of the engine", Fault::EngineKilled, 20),
    kill("ml", "kill -9 of the ML service", Fault::MlKilled, 10),
    kill("up", "kill -9 of everything in one", Fault::UpKilled, 25),
    kill(
        "up-engine",
        "kill -9 of the engine under it",
        Fault::UpEngineKilled,
        20,
    ),
    kill(
        "settings",
        "kill -9 of the backend under PATCHes",
        Fault::EditedBackendKilled,
        25,
    ),
    kill("settings-up", "… of everything in one", Fault::EditedUpKilled, 25),
    Scenario {
        promised: false,
        ..kill("broker", "kill -9 of Mosquitto", Fault::BrokerKilled, 5)
    },
    Scenario {
        promised: false,
        ..kill(
            "broker-saved",
            "… that saves every second",
            Fault::AutosavingBrokerKilled,
            5,
        )
    },
    scenario("away", "ClickHouse away", Fault::DatabaseAway, 2),
    scenario("cut", "connections to the broker cut", Fault::NetworkCut, 10),
    Scenario {
        protocol: "3.1.1",
        ..scenario("cut-311", "… under MQTT 3.1.1", Fault::NetworkCut, 5)
    },
    saturation("saturated", "150,000 messages outstanding", "auto", 5),
    saturation("saturated-30", "… keep-alive 30 s", "auto", 30),
    saturation("saturated-311", "… under MQTT 3.1.1", "3.1.1", 5),
    scenario("half-open", "connections that carry nothing", Fault::HalfOpen, 2),
    scenario("journal-full", "the journal at its bound", Fault::JournalFull, 2),
    Scenario {
        needs: "mounting a small disk is not allowed here",
        ..scenario("disk-full", "no space left for the journal", Fault::DiskFull, 1)
    },
    scenario("clocks", "device clocks that jump", Fault::DeviceClocksJump, 1),
    Scenario {
        needs: "libfaketime is not installed; on Debian: apt-get install faketime",
        ..scenario(
            "clock",
            "the backend's own clock jumps",
            Fault::BackendClockJumps,
            4,
        )
    },
    scenario("two", "a second backend on the same data", Fault::TwoBackends, 3),
    scenario("term", "SIGTERM of the backend", Fault::Terminated, 5),
    scenario("up-term", "SIGTERM of everything in one", Fault::UpTerminated, 5),
];

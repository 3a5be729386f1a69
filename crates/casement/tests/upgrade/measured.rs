//! `casement bench upgrade`, in small.

use std::process::Command;

use serde_json::Value;
use store::SCHEMA_VERSION;

#[test]
fn an_upgrade_is_measured_step_by_step() {
    let measured = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["bench", "upgrade", "--rows", "5000", "--days", "40", "--json"])
        .output()
        .unwrap();
    assert!(measured.status.success(), "{measured:?}");
    let figures: Value = serde_json::from_slice(&measured.stdout).unwrap();
    // Shares and months are rounded down.
    let rows = figures["rows"].as_u64().unwrap();
    assert!((4_980..=5_000).contains(&rows), "{figures}");
    assert_eq!(
        (&figures["from"], &figures["to"]),
        (&Value::from(11), &Value::from(SCHEMA_VERSION))
    );
    let steps = figures["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert!(names.contains(&"0012_readings_by_time"), "{names:?}");
    assert!(names.contains(&"rows of before in readings_by_time"), "{names:?}");
    let took: u64 = steps.iter().map(|step| step["ms"].as_u64().unwrap()).sum();
    assert!(took <= figures["ms"].as_u64().unwrap(), "{figures}");
    assert!(figures["peak_mib"].as_f64().unwrap() > 50.0, "{figures}");
}

//! Models, for those who may.

use serde_json::Value;
use testkit::{Casement, Up};

use crate::{get, get_with, send, support::root, token};

#[test]
fn models_are_uploaded_promoted_and_removed_by_those_who_may() {
    let data = tempfile::tempdir().unwrap();
    // Elsewhere, so that the models are its own.
    let casement = Casement::new(env!("CARGO_BIN_EXE_casement")).in_directory(data.path());
    let up = Up::start(casement, data.path(), &[]).unwrap();
    let (operator, reader) = (
        token(&up, data.path(), "olga", "operator"),
        token(&up, data.path(), "rita", "reader"),
    );
    let file = std::fs::read(root().join("models/window_regressor.pth")).unwrap();
    let first = get(&up, "/models");
    let built_in = first.json()[0].clone();
    assert_eq!(
        (&built_in["serves"], &built_in["built_in"]),
        (&true.into(), &true.into())
    );
    let before = built_in["version"].as_str().unwrap().to_owned();

    send(&up, "POST", "/models?version=v9", &reader, &file).is_problem(403, "");
    send(&up, "POST", "/models?version=v9", "cas_nobody", &file).is_problem(401, "");
    for (path, body, status, wrong) in [
        ("/models", &file[..], 400, "query"),
        ("/models?version=../x", &file[..], 400, "version"),
        ("/models?version=v9", b"", 400, "body"),
        ("/models?version=v9", b"no model at all", 400, "body"),
        (
            "/models?version=v9&output_scale=0-7",
            &file[..],
            400,
            "output_scale",
        ),
        ("/models?version=v9", &vec![0; (16 << 20) + 1], 413, ""),
    ] {
        send(&up, "POST", path, &operator, body).is_problem(status, wrong);
    }
    // A megabyte is the limit of every other body.
    send(&up, "POST", "/models/rollback", &operator, &vec![0; 2 << 20]).is_problem(413, "");
    send(&up, "POST", "/models/rollback", &operator, b"").is_problem(409, "");

    let added = send(&up, "POST", "/models?version=v9", &operator, &file);
    assert_eq!(
        (added.status, added.header("location")),
        (201, "/api/v1/models/v9")
    );
    assert_eq!(
        send(&up, "POST", "/models?version=v9", &operator, &file).status,
        201,
        "the same again"
    );
    let tag = first.header("etag").to_owned();
    let now = get_with(&up, "/models", "If-None-Match", &tag);
    assert_eq!((now.status, now.json().as_array().unwrap().len()), (200, 2));
    assert_eq!(
        get_with(&up, "/models", "If-None-Match", now.header("etag")).status,
        304
    );

    send(&up, "POST", "/models/nosuch/promote", &operator, b"").is_problem(404, "");
    send(&up, "POST", "/models/..%2f..%2fx/promote", &operator, b"").is_problem(400, "version");
    let candidate = send(&up, "POST", "/models/v9/shadow", &operator, b"");
    assert_eq!(
        (candidate.status, &candidate.json()["shadows"]),
        (200, &true.into())
    );
    send(&up, "DELETE", "/models/v9", &operator, b"").is_problem(409, "");
    assert_eq!(
        send(&up, "DELETE", "/models/v9/shadow", &operator, b"").status,
        204
    );
    send(&up, "DELETE", "/models/v9/shadow", &operator, b"").is_problem(409, "");
    send(&up, "POST", "/models/v9/promote", &reader, b"").is_problem(403, "");
    let promoted = send(&up, "POST", "/models/v9/promote", &operator, b"");
    assert_eq!(
        (promoted.status, &promoted.json()["before"]),
        (200, &before.as_str().into())
    );
    assert_eq!(get(&up, "/models/v9").json()["serves"], true);
    let way_back = |up: &Up| get(up, &format!("/models/{before}")).json()["is_predecessor"].clone();
    assert_eq!(way_back(&up), true);
    send(&up, "DELETE", "/models/v9", &operator, b"").is_problem(409, "");
    let back = send(&up, "POST", "/models/rollback", &operator, b"");
    assert_eq!(back.json()["version"], before.as_str());
    assert_eq!(way_back(&up), false);
    assert_eq!(send(&up, "DELETE", "/models/v9", &operator, b"").status, 204);
    get(&up, "/models/v9").is_problem(404, "");

    // The versions are shown where nobody can say which one served before.
    let history = data.path().join("models/versions/history.jsonl");
    std::fs::rename(&history, history.with_extension("away")).unwrap();
    std::fs::create_dir(&history).unwrap();
    assert_eq!(get(&up, "/models").status, 200);
    assert_eq!(way_back(&up), false);
    std::fs::remove_dir(&history).unwrap();
    std::fs::rename(history.with_extension("away"), &history).unwrap();

    let compared = get(&up, "/models/compare?a=v1&b=v2").json();
    assert_eq!(
        (&compared["all"]["pairs"], &compared["all"]["agreement"]),
        (&0.into(), &Value::Null)
    );
    get(&up, "/models/compare?a=v1&b=v1").is_problem(400, "b");
    get(&up, "/models/compare?a=v1").is_problem(400, "query");
    up.wait_sql(
        "SELECT count() FROM iot.audit_log FINAL WHERE kind = 'model_promoted' AND account = 'olga' AND detail LIKE 'v9 %'",
        "1",
    )
    .unwrap();
}

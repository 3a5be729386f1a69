//! Page, API and ClickHouse on loopback answer this machine's own names, and no page of another site.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

#[test]
fn a_name_that_only_points_here_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let up = support::up(data.path(), &[]);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let status = |url: String, header: &str, value: &str| {
        let answer = agent.get(url).header(header, value).call().unwrap();
        answer.status().as_u16()
    };
    for path in ["/", "/api/v1/status", "/api/v1/devices", "/metrics"] {
        let url = format!("http://{}{path}", up.http);
        assert_eq!(status(url.clone(), "Host", "evil.example"), 403, "{path}");
        assert_eq!(
            status(url.clone(), "Origin", "http://evil.example"),
            403,
            "{path}"
        );
        assert_eq!(status(url.clone(), "Host", "localhost:8080"), 200, "{path}");
        assert_eq!(status(url, "Accept", "*/*"), 200, "{path}");
    }
    let clickhouse = format!("http://{}/?query=SELECT+1", up.clickhouse);
    assert_eq!(status(clickhouse.clone(), "Host", "evil.example"), 403);
    assert_eq!(status(clickhouse, "Host", "localhost:8123"), 200);
}

//! Everything in `ATTACKS.md`, against the real engine: no file read or written outside, no connection, no program.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use support::Engine;

const SECRET: &str = "honey-7f3a";

/// A file nobody may read, a folder nobody may write into, and a port nobody may connect to.
struct Bait {
    dir: tempfile::TempDir,
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Bait {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret.csv"), format!("{SECRET}\n")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&connections);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                seen.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        Self {
            dir,
            addr,
            connections,
        }
    }

    fn file(&self) -> String {
        self.dir.path().join("secret.csv").display().to_string()
    }

    fn written(&self) -> String {
        self.dir.path().join("written").display().to_string()
    }

    /// Fills `{file}`, `{out}` and `{addr}` in.
    fn set(&self, attack: &str) -> String {
        attack
            .replace("{file}", &self.file())
            .replace("{out}", &self.written())
            .replace("{addr}", &self.addr.to_string())
    }

    fn untouched(&self, context: &str) {
        let files: BTreeSet<PathBuf> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{context} wrote {files:?}");
        assert_eq!(fs::read_to_string(self.file()).unwrap(), format!("{SECRET}\n"));
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "{context} connected");
    }
}

fn encode(text: &str) -> String {
    let bytes = text.bytes().map(|b| format!("%{b:02X}"));
    bytes.collect::<Vec<_>>().concat()
}

/// Statements that reach out, whoever sends them.
const REACHING: &[&str] = &[
    "SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT * FROM FILE/**/('{file}', 'LineAsString')",
    "SELECT * FROM `file`('{file}', LineAsString)",
    "SELECT * FROM \"file\"('{file}', LineAsString)",
    "SELECT file('{file}')",
    "SELECT (SELECT (SELECT file('{file}')))",
    "WITH file('{file}') AS x SELECT x",
    "SELECT 1 WHERE file('{file}') != ''",
    "SELECT * FROM numbers(1) ORDER BY file('{file}')",
    "SELECT * FROM fileCluster('c', '{file}', 'LineAsString')",
    "SELECT * FROM filesystem('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM `{file}`",
    "SELECT * FROM default.`{file}`",
    "SELECT * FROM system.one, '{file}'",
    "SELECT * FROM (SELECT 1) AS a JOIN '{file}' AS b ON 1",
    "DESCRIBE TABLE file('{file}')",
    "DESCRIBE '{file}'",
    "EXPLAIN SELECT * FROM file('{file}', 'LineAsString')",
    "EXPLAIN ESTIMATE SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT * FROM view(SELECT * FROM file('{file}', 'LineAsString'))",
    "SELECT * FROM loop(file('{file}', 'LineAsString')) LIMIT 1",
    "SELECT * FROM sqlite('{file}', 't')",
    "SELECT * FROM icebergLocal('{file}')",
    "SELECT * FROM deltaLakeLocal('{file}')",
    // Read otherwise by one of the two.
    "SELECT file\u{b}('{file}')",
    "SELECT file\u{c}('{file}')",
    "SELECT file\u{a0}('{file}')",
    "SELECT file\u{3000}('{file}')",
    "SELECT `fil\\x65`('{file}')",
    "SELECT \u{2018}'\u{2019}, file('{file}') --'",
    "SELECT /* /* */ '*/' */ file('{file}') -- '",
    "SELECT 1 /* /* ' */ */ , file('{file}') /* ' */",
    "SELECT $a$ ' $a$, file('{file}') -- '",
    "SELECT $ ' $ x $ ' $, file('{file}') -- '",
    "SELECT $ -- $ x $ -- $, file('{file}')",
    "SELECT 1 AS $x$, $a$ -- $a$, file('{file}')",
    "SELECT '\\'', file('{file}') -- '",
    "SELECT 1 -- \\\n, file('{file}')",
    "SELECT 1 # x\n, file('{file}')",
    "\u{feff}SELECT file('{file}')",
    // In data and in text.
    "SELECT * FROM format(Values, 'a String', '(file(\\'{file}\\'))')",
    "SELECT * FROM format(Values, 'a String', $$(file('{file}'))$$)",
    "SELECT * FROM format('CSV', 'a String, b String DEFAULT file(''{file}'')', 'x')",
    "SELECT * FROM values('a String, b String DEFAULT file(''{file}'')', 'x')",
    "SELECT * FROM system.one SETTINGS additional_table_filters = {'system.one': 'file(\\'{file}\\') = 1'}",
    "SELECT * FROM system.one SETTINGS additional_result_filter = 'file(\\'{file}\\') = 1'",
    "SELECT * FROM eval('SELECT file(''{file}'')') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('{file}')))",
    "SELECT * FROM fuzzQuery('SELECT file(''{file}'')', 1, 1)",
    "SELECT 1 SETTINGS dialect = 'kusto', allow_experimental_kusto_dialect = 1",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{file}'",
    "SELECT 1 FORMAT Protobuf SETTINGS format_schema = '{file}:x'",
    "SELECT * FROM system.one SETTINGS additional_table_filters = {'system.one': 'dummy NOT IN (SELECT c1 FROM `{file}`)'}",
    "SELECT * FROM system.one SETTINGS additional_table_filters = {'system.one': 'dummy NOT IN `{file}`'}",
    "SELECT * FROM system.one SETTINGS `additional_table_filters` = {'system.one': $$dummy NOT IN (SELECT c1 FROM \"{file}\")$$}",
    "SELECT * FROM system.one SETTINGS additional_result_filter = 'dummy NOT IN (SELECT c1 FROM system.one, `{file}`)'",
    "SELECT * FROM (SELECT * FROM system.one SETTINGS additional_table_filters = {'system.one': '(SELECT file(\\'{file}\\')) = 1'})",
    "SELECT trim(BOTH 'x' FROM (SELECT * FROM '{file}'))",
    "SELECT extract((SELECT 1) UNION ALL SELECT * FROM '{file}')",
    "SELECT * FROM loop(default, `{file}`)",
    "SELECT * FROM system.one, `{file}` AS \"a/b\"",
    "SELECT 1 AS \"m/s\" FROM default.`{file}`",
    "SELECT 1 IN `{file}`",
    "EXISTS `{file}`",
    // Written.
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT 1 INTO/**/OUTFILE '{out}' FORMAT CSV",
    "(SELECT 1) INTO OUTFILE '{out}'",
    "SELECT 1 INTO OUTFILE $$", /* a heredoc for a name */
    "SELECT 1 INTO OUTFILE '{out}' TRUNCATE COMPRESSION 'gzip'",
    "SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '{out}' AND STDOUT",
    "SHOW TABLES INTO OUTFILE '{out}'",
    "DESCRIBE TABLE system.one INTO OUTFILE '{out}'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{out}'",
    "INSERT INTO FUNCTION file('{out}', 'CSV', 'a Int8') SELECT 1",
    "INSERT INTO TABLE FUNCTION file('{out}', 'CSV', 'a Int8') VALUES (1)",
    "INSERT INTO default.t FROM INFILE '{file}' FORMAT CSV",
    "CREATE TABLE default.x (a String) ENGINE = File(CSV, '{file}')",
    "CREATE TABLE default.x (a String) ENGINE File(CSV, '{file}')",
    "CREATE TABLE default.x (a String) ENGINE/**/=/**/`File`(CSV, '{file}')",
    "CREATE TABLE default.x AS file('{file}', 'CSV', 'a String')",
    "CREATE TABLE default.x (k String, v String) ENGINE = EmbeddedRocksDB(0, '{out}') PRIMARY KEY k",
    "ATTACH TABLE default.x FROM '{out}' (a Int8) ENGINE = MergeTree ORDER BY a",
    "CREATE DATABASE x ENGINE = Filesystem('{out}')",
    "CREATE DATABASE x ENGINE = SQLite('{out}')",
    "CREATE DATABASE x ENGINE = Backup('d', File('{out}'))",
    "BACKUP TABLE default.t TO File('{out}')",
    "BACKUP TABLE default.t TO File('../written')",
    "BACKUP TABLE default.t TO Disk('default', 'x')",
    "CREATE TABLE default.x (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '{out}/')",
    "CREATE TABLE default.x (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'x'",
    "CREATE VIEW default.x AS SELECT * FROM file('{file}', 'LineAsString')",
    "CREATE TABLE default.x (a Int8, b String DEFAULT file('{file}')) ENGINE = Memory",
    "CREATE TABLE default.x (a Int8, b String ALIAS file('{file}')) ENGINE = Memory",
    // Connected.
    "SELECT * FROM url('http://{addr}/', 'LineAsString')",
    "SELECT * FROM urlCluster('c', 'http://{addr}/', 'LineAsString')",
    "SELECT * FROM s3('http://{addr}/bucket/x', 'LineAsString')",
    "SELECT * FROM gcs('http://{addr}/bucket/x', 'LineAsString')",
    "SELECT * FROM remote('{addr}', system.one)",
    "SELECT * FROM remoteSecure('{addr}', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM mysql('{addr}', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('{addr}', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('{addr}', 'd', 't', 'u', 'p', 'a String')",
    "SELECT * FROM redis('{addr}', 'k', 'k String, v String')",
    "SELECT * FROM azureBlobStorage('http://{addr}/', 'c', 'p', 'n', 'a2V5')",
    "SELECT * FROM icebergS3('http://{addr}/bucket/x')",
    "SELECT * FROM deltaLake('http://{addr}/bucket/x')",
    "SELECT * FROM hdfs('hdfs://{addr}/x', 'CSV')",
    "SELECT * FROM jdbc('http://{addr}/', 't')",
    "SELECT * FROM ytsaurus('http://{addr}', '//t', 'x', 'a String')",
    "SELECT aiGenerate('http://{addr}/', 'x')",
    "INSERT INTO FUNCTION url('http://{addr}/', 'CSV', 'a Int8') SELECT 1",
    "CREATE TABLE default.x (a String) ENGINE = URL('http://{addr}/', CSV)",
    "CREATE TABLE default.x (a String) ENGINE = Distributed('c', 'd', 't')",
    "CREATE TABLE default.x (a String) ENGINE = Kafka('{addr}', 't', 'g', 'CSV')",
    "CREATE DATABASE x ENGINE = MySQL('{addr}', 'd', 'u', 'p')",
    "CREATE DATABASE x ENGINE = PostgreSQL('{addr}', 'd', 'u', 'p')",
    "CREATE DICTIONARY default.x (a Int) PRIMARY KEY a SOURCE(HTTP(URL 'http://{addr}/' FORMAT CSV)) LAYOUT(FLAT()) LIFETIME(1)",
    "BACKUP TABLE default.t TO S3('http://{addr}/bucket/x')",
    // Run.
    "SELECT * FROM executable('x.sh', 'TSV', 'a Int8')",
    "CREATE TABLE default.x (a Int8) ENGINE = Executable('x.sh', TSV)",
    "CREATE FUNCTION x AS (a) -> file('{file}')",
    "CREATE OR REPLACE FUNCTION x AS (a) -> a",
    "CREATE NAMED COLLECTION x AS url = 'http://{addr}/'",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SELECT 1; SYSTEM SHUTDOWN",
    "SELECT 1; SYSTEM /* x */ KILL; SELECT 2",
    "SELECT 1; SYSTEM SUSPEND FOR 1 SECOND",
    // In a condition that becomes part of another statement.
    "KILL QUERY WHERE query_id = file('{file}')",
    "KILL QUERY WHERE 1) OR (query_id IN (SELECT * FROM '{file}')",
    "KILL QUERY WHERE 1) INTO OUTFILE '{out}' -- ",
];

#[test]
fn nobody_reaches_out() {
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    let engine = Engine::start_with(dir.path(), &["--confined"]);
    engine.sql("CREATE TABLE default.t (a String) ENGINE = MergeTree ORDER BY a");
    for attack in REACHING {
        let sql = bait.set(attack);
        for user in ["", "user=reader", "session_id=s", "user=reader&session_id=s"] {
            let answer = engine.post(user, sql.as_bytes());
            assert_ne!(answer.status, 200, "{user} {sql}: {}", answer.text());
            assert!(!answer.text().contains(SECRET), "{user} {sql}: {}", answer.text());
            bait.untouched(&sql);
        }
        let get = engine.get(&format!("query={}", encode(&sql)));
        assert_ne!(get.status, 200, "GET {sql}: {}", get.text());
    }
    // It lives, and nothing was left behind.
    assert_eq!(engine.sql("SELECT count() FROM default.t"), "0");
    assert_eq!(engine.sql("SHOW TABLES FROM default"), "t");
}

#[test]
fn the_kernel_alone_keeps_files_and_network_closed() {
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    // No statement is refused for what it reaches: only the kernel stands between it and the machine.
    let engine = Engine::start_with(dir.path(), &["--confined", "--allow-outside"]);
    let (files, network) = engine.confinement();
    engine.sql("CREATE TABLE default.t (a String) ENGINE = MergeTree ORDER BY a");
    for attack in REACHING {
        // What ends the engine is its right here; some clients of networks try for a minute.
        let slow = [
            "SYSTEM",
            "url",
            "URL",
            "S3",
            "s3",
            "gcs",
            "jdbc",
            "azure",
            "deltaLake(",
            "Kafka",
            "hdfs",
            "ytsaurus",
        ];
        if slow.iter().any(|word| attack.contains(word))
            && attack != &"SELECT * FROM url('http://{addr}/', 'LineAsString')"
        {
            continue;
        }
        let sql = bait.set(attack);
        let answer = engine.post(
            "max_execution_time=5&http_max_tries=1&http_connection_timeout=1",
            sql.as_bytes(),
        );
        if files {
            assert!(!answer.text().contains(SECRET), "{sql}: {}", answer.text());
        }
        if files && network {
            bait.untouched(&sql);
        }
    }
    assert_eq!(engine.sql("SELECT count() >= 0 FROM default.t"), "1");
}

#[test]
fn values_are_evaluated_only_where_nothing_in_them_reaches_out() {
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    let engine = Engine::start_with(dir.path(), &[]);
    engine.sql("CREATE TABLE default.v (a String) ENGINE = MergeTree ORDER BY a");
    for rows in [
        "(file('{file}'))",
        "('x'), (`file`('{file}'))",
        "(concat('a', file('{file}')))",
        "((SELECT * FROM file('{file}', 'LineAsString')))",
        "(/* /* */ ' */ file('{file}') /* ' */)",
    ] {
        let rows = bait.set(rows);
        for (parameters, body) in [
            (String::new(), format!("INSERT INTO default.v VALUES {rows}")),
            (
                String::new(),
                format!("INSERT INTO default.v FORMAT Values {rows}"),
            ),
            ("query=INSERT+INTO+default.v+VALUES".to_owned(), rows.clone()),
            (
                "session_id=v&query=INSERT+INTO+default.v+VALUES".to_owned(),
                rows.clone(),
            ),
            (
                "input_format_values_interpret_expressions=1&query=INSERT+INTO+default.v+VALUES".to_owned(),
                rows.clone(),
            ),
            (
                String::new(),
                format!(
                    "INSERT INTO default.v SETTINGS input_format_values_interpret_expressions = 1 VALUES {rows}"
                ),
            ),
            (
                "session_id=v".to_owned(),
                "SET input_format_values_interpret_expressions = 1".to_owned(),
            ),
        ] {
            let answer = engine.post(&parameters, body.as_bytes());
            assert_ne!(answer.status, 200, "{parameters} {body}: {}", answer.text());
        }
    }
    let stored = engine.sql("SELECT a FROM default.v");
    assert!(!stored.contains(SECRET), "{stored}");
    engine.sql("INSERT INTO default.v VALUES (concat('a', 'b')), ('file(x)'), (toString(1 + 1))");
    assert!(
        engine
            .sql("SELECT a FROM default.v ORDER BY a")
            .starts_with("2\nab\nfile(x)")
    );
    assert_eq!(
        engine
            .sql("SELECT * FROM format(Values, 'a String', '(upper(\\'x\\'))') SETTINGS max_threads = 1")
            .len(),
        1
    );
}

#[test]
fn settings_and_parameters_open_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    let engine = Engine::start_with(dir.path(), &[]);
    let file = encode(&bait.file());
    for parameters in [
        format!(
            "additional_table_filters={}",
            encode(&bait.set("{'system.one': 'file(\\'{file}\\') = 1'}"))
        ),
        format!(
            "additional_result_filter={}",
            encode(&bait.set("1 = $ -- $ x $ -- $ OR file('{file}') = 1"))
        ),
        format!(
            "additional_result_filter={}",
            encode(&bait.set("file('{file}') = 1"))
        ),
        format!("format_schema={file}"),
        format!("format_template_row={file}"),
        "dialect=kusto".to_owned(),
        format!("default_format={}", encode(&bait.set("CSV INTO OUTFILE '{out}'"))),
        "readonly=0".to_owned(),
        format!("input_format_record_errors_file_path={}", encode(&bait.written())),
    ] {
        for user in ["user=default", "user=reader"] {
            let answer = engine.post(&format!("{user}&{parameters}"), b"SELECT * FROM system.one");
            assert_ne!(answer.status, 200, "{user}&{parameters}");
            bait.untouched(&parameters);
        }
    }
    // A filter's text that is a parameter.
    for filter in ["dummy NOT IN (SELECT c1 FROM `{file}`)", "file(\\'{file}\\') = 1"] {
        let filter = encode(&bait.set(&format!("{{'system.one':'{filter}'}}")));
        for user in ["user=default", "user=reader"] {
            let answer = engine.post(
                &format!("{user}&param_f={filter}"),
                b"SELECT * FROM system.one SETTINGS additional_table_filters = {f:Map(String, String)}",
            );
            assert_ne!(answer.status, 200, "{user} {filter}: {}", answer.text());
            let answer = engine.post(
                &format!("{user}&additional_table_filters={filter}"),
                b"SELECT * FROM system.one",
            );
            assert_ne!(answer.status, 200, "{user} {filter}: {}", answer.text());
        }
    }
    for name in [file.as_str(), "x.csv", "..%2Fx"] {
        let answer = engine.post(
            &format!("user=reader&param_t={name}"),
            b"SELECT * FROM {t:Identifier}",
        );
        assert_ne!(answer.status, 200, "{name}");
    }
    let answer = engine.post(
        "user=reader&param_t=one&database=system",
        b"SELECT * FROM {t:Identifier}",
    );
    assert_eq!(answer.text(), "0");
}

/// Names, structures, formats and data of external tables, as form and as URL.
#[test]
fn external_tables_open_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    // Without the kernel's lock: the others have to hold by themselves.
    let engine = Engine::start_with(dir.path(), &[]);
    engine.sql("CREATE TABLE default.t (a UInt32) ENGINE = MergeTree ORDER BY a");
    for (name, more, data) in [
        ("x", "x_structure=a String DEFAULT file('{file}')", ""),
        ("x", "x_structure=a String MATERIALIZED file('{file}')", "1\n"),
        ("x", "x_structure=a String ALIAS file('{file}')", "1\n"),
        ("x", "x_structure=a String) ENGINE = File(CSV, '{file}'", "1\n"),
        ("x", "x_structure=a String) AS SELECT file('{file}') --", "1\n"),
        (
            "x",
            "x_structure=a String /* /* */ DEFAULT file('{file}') */",
            "1\n",
        ),
        ("x", "x_structure=a file('{file}')", "1\n"),
        ("x", "x_structure=a Array(file('{file}'))", "1\n"),
        (
            "x",
            "x_structure=a $ ' $ String $ ' $ DEFAULT file('{file}')",
            "1\n",
        ),
        ("x", "x_types=String DEFAULT file('{file}')", "1\n"),
        ("x", "x_structure=a String&x_format=Values", "(file('{file}'))"),
        (
            "x",
            "x_structure=a String&x_format=Values",
            "((SELECT file('{file}')))",
        ),
        ("x", "x_structure=a String&x_format=CSV FROM INFILE '{file}'", ""),
        (
            "x",
            "x_structure=a String&x_format=Template&format_template_row={file}",
            "1\n",
        ),
        (
            "x",
            "x_structure=a String&x_format=Protobuf&format_schema={file}:x",
            "1\n",
        ),
        (
            "x` (a String) ENGINE = File(CSV, '{file}') --",
            "x_structure=a String",
            "1\n",
        ),
        ("{file}", "{file}_structure=a String", "1\n"),
        ("t", "t_structure=a UInt32&query=DROP TABLE default.t", "1\n"),
    ] {
        for user in ["default", "reader"] {
            let mut pairs = vec![format!("user={user}")];
            for pair in bait.set(more).split('&') {
                let (key, value) = pair.split_once('=').unwrap();
                pairs.push(format!("{}={}", encode(key), encode(value)));
            }
            if !more.contains("query=") {
                pairs.push("query=SELECT+*+FROM+x".to_owned());
            }
            let parameters = pairs.join("&");
            let (name, data) = (bait.set(name), bait.set(data));
            let (content_type, body) = support::form(&[(&name, true, data.as_bytes())]);
            let answer = engine.post_with(&parameters, &body, &[("Content-Type", &content_type)]);
            let context = format!("{user}, {name}, {more}: {}", answer.text());
            // What stands in a comment is no part of a structure, however comments nest.
            let is_harmless = more.contains("/*") || more.contains("DROP") && user == "default";
            assert!(answer.status != 200 || is_harmless, "{context}");
            assert!(!answer.text().contains(SECRET), "{context}");
            bait.untouched(&context);
            engine.sql("CREATE TABLE IF NOT EXISTS default.t (a UInt32) ENGINE = MergeTree ORDER BY a");
        }
    }
    // Who asks is who the URL or the headers name; a form changes nothing, as in ClickHouse's server.
    let write = b"CREATE TABLE default.f (a UInt8) ENGINE = Memory";
    let (content_type, body) = support::form(&[("user", false, b"default"), ("query", false, write)]);
    let answer = engine.post_with("user=reader", &body, &[("Content-Type", &content_type)]);
    assert_eq!(answer.code, "164", "{}", answer.text());
    let (content_type, body) = support::form(&[
        ("user", false, b"nobody"),
        ("password", false, b"x"),
        ("query", false, b"SELECT 1"),
    ]);
    let answer = engine.post_with("user=reader", &body, &[("Content-Type", &content_type)]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    // A reader's connection is locked after its tables were made.
    let (content_type, body) = support::form(&[("x", true, b"1\n")]);
    for query in [
        "DROP TABLE x",
        "INSERT INTO x VALUES (2)",
        "CREATE TEMPORARY TABLE y (a UInt8)",
        "SELECT 1 SETTINGS max_memory_usage = 0",
    ] {
        let parameters = format!("user=reader&x_types=UInt8&query={}", encode(query));
        let answer = engine.post_with(&parameters, &body, &[("Content-Type", &content_type)]);
        assert_eq!(answer.code, "164", "{query}: {}", answer.text());
    }
}

#[test]
fn a_reader_lifts_no_limit_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &[]);
    engine.sql("CREATE TABLE default.t (a UInt32) ENGINE = MergeTree ORDER BY a");
    for statement in [
        "INSERT INTO default.t VALUES (1)",
        "INSERT INTO default.t SELECT 1",
        "WITH 1 AS x INSERT INTO default.t SELECT x",
        "/* SELECT */ INSERT INTO default.t SELECT 1",
        "(SELECT 1); INSERT INTO default.t SELECT 1",
        "SELECT 1; DROP TABLE default.t",
        "EXPLAIN AST INSERT INTO default.t SELECT 1",
        "DROP TABLE default.t",
        "TRUNCATE TABLE default.t",
        "ALTER TABLE default.t ADD COLUMN b Int8",
        "ALTER TABLE default.t DELETE WHERE 1",
        "DELETE FROM default.t WHERE 1",
        "UPDATE default.t SET a = 1 WHERE 1",
        "CREATE TABLE default.x (a Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE x (a Int8)",
        "CREATE VIEW default.x AS SELECT 1",
        "CREATE DATABASE x",
        "RENAME TABLE default.t TO default.x",
        "EXCHANGE TABLES default.t AND default.t",
        "OPTIMIZE TABLE default.t FINAL",
        "DETACH TABLE default.t",
        "ATTACH TABLE default.t",
        "KILL QUERY WHERE 1",
        "KILL MUTATION WHERE 1",
        "SYSTEM FLUSH LOGS",
        "SYSTEM STOP MERGES",
        "SET readonly = 0",
        "SET max_memory_usage = 0",
        "USE system",
        "GRANT ALL ON *.* TO reader",
        "BACKUP TABLE default.t TO File('x')",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM (SELECT 1 SETTINGS readonly = 0) SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_result_bytes = 0",
        "SELECT 1 SETTINGS max_execution_time = 31",
        "SELECT 1 SETTINGS max_execution_time = -1",
        "SELECT 1 SETTINGS max_execution_time = 'inf'",
        "SELECT 1 SETTINGS max_execution_time = DEFAULT",
        "SELECT 1 SETTINGS readonly = 2",
        "select 1 /* x */ settings /* y */ `readonly` /* z */ = /**/ 0",
        "SELECT 1 SeTtInGs max_threads = 2, max_memory_usage = 0",
        "SELECT 1 SETTINGS max_threads = 2 FORMAT JSON SETTINGS readonly = 0",
        "SELECT 1 FORMAT JSON SETTINGS max_result_bytes = 1000000000000",
        "(SELECT 1 SETTINGS readonly = 0)",
        "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
        "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
        "SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)",
        "SELECT * FROM (SELECT * FROM (SELECT 1 SETTINGS max_threads = 1, max_result_bytes = 0))",
        "SELECT (SELECT 1 SETTINGS max_memory_usage = 0)",
        "WITH x AS (SELECT 1 SETTINGS max_memory_usage = 0) SELECT * FROM x",
        "SELECT 1 SETTINGS max_memory_usage = 0 UNION ALL SELECT 2",
        "SELECT 1 WHERE 1 IN (SELECT 1 SETTINGS max_memory_usage = 0)",
        "SELECT * FROM view(SELECT 1 SETTINGS max_memory_usage = 0)",
        "EXPLAIN SELECT 1 SETTINGS readonly = 0",
        "EXPLAIN SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
        "DESCRIBE (SELECT 1 SETTINGS max_memory_usage = 0)",
        "SELECT 1 SETTINGS max_execution_time = {x:UInt64}",
        "SELECT 1 SETTINGS max_threads = {x:UInt64}, max_memory_usage = 0",
        "SELECT * FROM (SELECT 1 SETTINGS max_threads = {x:UInt64}, max_memory_usage = 0)",
        "SELECT * FROM system.one SETTINGS additional_table_filters = {'system.one': '1 IN (SELECT 1 SETTINGS max_memory_usage = 0)'}",
        "SELECT 1 SETTINGS profile = 'default'",
        "SELECT 1 SETTINGS log_comment = 'connection-0'",
        "SELECT 1 PARALLEL WITH DROP TABLE default.t",
        "FROM default.t INSERT INTO default.t SELECT 1",
    ] {
        for parameters in [
            "user=reader",
            "user=reader&session_id=r",
            "user=reader&max_execution_time=5&param_x=0",
        ] {
            let answer = engine.post(parameters, statement.as_bytes());
            assert_ne!(answer.status, 200, "{parameters} {statement}: {}", answer.text());
        }
        if !statement.to_ascii_uppercase().contains("SETTINGS") {
            let get = engine.get(&format!("query={}", encode(statement)));
            assert_ne!(get.status, 200, "GET {statement}: {}", get.text());
        }
    }
    // What text of a filter sets reaches nobody who asks about it.
    let filter = encode("{'system.one': '1 IN (SELECT 1 SETTINGS max_memory_usage = 0)'}");
    let answer = engine.post(
        &format!("user=reader&additional_table_filters={filter}"),
        b"SELECT * FROM system.one",
    );
    assert_ne!(answer.status, 200, "{}", answer.text());
    for setting in [
        "readonly=0",
        "readonly=2",
        "max_memory_usage=0",
        "max_memory_usage_for_user=0",
    ] {
        let answer = engine.post(&format!("user=reader&{setting}"), b"SELECT 1");
        assert_ne!(answer.status, 200, "{setting}");
    }
    let in_effect = |parameters: &str, setting: &str| {
        let sql = format!("SELECT getSetting('{setting}')");
        engine
            .post(&format!("user=reader&{parameters}"), sql.as_bytes())
            .text()
    };
    assert_eq!(in_effect("max_execution_time=5", "max_execution_time"), "5");
    for more in ["0", "100000", "-1", "nan", "1e999", "30.5", ""] {
        assert_eq!(
            in_effect(&format!("max_execution_time={more}"), "max_execution_time"),
            "30",
            "{more}"
        );
    }
    assert_eq!(
        in_effect("max_result_bytes=0", "max_result_bytes"),
        (256 << 20).to_string()
    );
    assert_eq!(in_effect("max_result_bytes=1000", "max_result_bytes"), "1000");
    // What Grafana and clickhouse-go send.
    let filters = encode("{'system.numbers': 'number < 3'}");
    let answer = engine.post(
        &format!("user=reader&max_execution_time=20&additional_table_filters={filters}&date_time_output_format=iso&output_format_json_quote_64bit_integers=0&wait_end_of_query=1"),
        b"SELECT count() FROM (SELECT * FROM system.numbers LIMIT 3)",
    );
    assert_eq!(answer.text(), "3");
    assert_eq!(engine.sql("SELECT count() FROM default.t"), "0");
}

#[test]
fn a_password_is_asked_for_at_every_door() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--passwords", "w-pass", "r-pass"]);
    let by = |name: &str, key: &str| {
        let url = engine.post(
            &format!("user={}&password={}", encode(name), encode(key)),
            b"SELECT 1",
        );
        let headers = engine.post_with(
            "",
            b"SELECT 1",
            &[("X-ClickHouse-User", name), ("X-ClickHouse-Key", key)],
        );
        let basic = base64_simd::STANDARD.encode_to_string(format!("{name}:{key}"));
        let basic = engine.post_with("", b"SELECT 1", &[("Authorization", &format!("Basic {basic}"))]);
        assert_eq!(
            (url.status, headers.status),
            (basic.status, basic.status),
            "{name} {key}"
        );
        (basic.status, basic.code)
    };
    assert_eq!(by("default", "w-pass").0, 200);
    assert_eq!(by("reader", "r-pass").0, 200);
    for (name, key) in [
        ("default", ""),
        ("default", "r-pass"),
        ("default", "w-pas"),
        ("reader", "w-pass"),
        ("reader", ""),
        ("admin", "w-pass"),
        ("'; DROP", "x"),
        ("Default", "w-pass"),
    ] {
        assert_eq!(by(name, key), (403, "516".into()), "{name} {key}");
    }
    // A form's fields come after the door.
    let fields: [(&str, bool, &[u8]); 3] = [
        ("user", false, b"default"),
        ("password", false, b"w-pass"),
        ("query", false, b"SELECT 1"),
    ];
    let (content_type, body) = support::form(&fields);
    let in_form = engine.post_with("", &body, &[("Content-Type", &content_type)]);
    assert_eq!((in_form.status, in_form.code.as_str()), (403, "516"));
    let none = engine.post("", b"SELECT 1");
    assert_eq!((none.status, none.code.as_str()), (403, "516"));
    // A wrong header is not mended by a right URL.
    let both = engine.post_with(
        "user=default&password=w-pass",
        b"SELECT 1",
        &[("X-ClickHouse-User", "reader"), ("X-ClickHouse-Key", "x")],
    );
    assert_eq!(both.code, "516");
    // Passwords are nowhere in what the engine shows or keeps.
    let shown = engine
        .post(
            "user=default&password=w-pass",
            b"SELECT * FROM system.processes FORMAT JSON",
        )
        .text();
    assert!(!shown.contains("w-pass") && !shown.contains("r-pass"));
}

#[test]
fn nothing_in_the_engine_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &[]);
    for (table, file) in [
        ("table_functions", include_str!("known/table_functions.txt")),
        ("table_engines", include_str!("known/table_engines.txt")),
        ("database_engines", include_str!("known/database_engines.txt")),
        ("functions", include_str!("known/functions.txt")),
    ] {
        let known: BTreeSet<String> = file.lines().map(|line| line[2..].to_ascii_lowercase()).collect();
        let names = engine.sql(&format!("SELECT name FROM system.{table} FORMAT TSVRaw"));
        let unknown: Vec<&str> = names
            .lines()
            .filter(|name| !known.contains(&name.to_ascii_lowercase()))
            .collect();
        assert!(
            unknown.is_empty(),
            "this libchdb has {table} that nobody decided on: {unknown:?}; see tests/known and src/allowed.rs"
        );
    }
}

/// A small generator of its own, so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[(self.next() % from.len() as u64) as usize]
    }
}

const FRAGMENTS: &[&str] = &[
    "SELECT",
    "SELECT 1",
    "FROM",
    "WITH x AS (SELECT 1)",
    "UNION ALL",
    "INSERT INTO default.t",
    "INSERT INTO FUNCTION",
    "VALUES",
    "FORMAT CSV",
    "FORMAT Values",
    "INTO OUTFILE '{out}'",
    "INTO",
    "OUTFILE",
    "'{out}'",
    "'{file}'",
    "`{file}`",
    "\"{file}\"",
    "file('{file}')",
    "file('{file}', 'LineAsString')",
    "`file`('{file}')",
    "fi",
    "le('{file}')",
    "file",
    "FILE",
    "url",
    "url('http://{addr}/', 'LineAsString')",
    "('http://{addr}/', 'LineAsString')",
    "('{file}', 'LineAsString')",
    "remote('{addr}', system.one)",
    "mysql('{addr}', 'd', 't', 'u', 'p')",
    "s3('http://{addr}/b/x')",
    "executable('x', 'TSV', 'a Int8')",
    "CREATE TABLE default.x (a String)",
    "CREATE VIEW default.v AS",
    "ENGINE = File(CSV)",
    "ENGINE = URL('http://{addr}/')",
    "ENGINE =",
    "Memory",
    "AS",
    "system.one",
    "numbers(3)",
    "(",
    ")",
    ",",
    ";",
    "'",
    "\"",
    "`",
    "\\",
    "/*",
    "*/",
    "/* /* */",
    "--",
    "--\n",
    "# ",
    "#!",
    "\n",
    "\t",
    " ",
    "$$",
    "$a$",
    "\u{b}",
    "\u{a0}",
    "\u{2018}",
    "\u{2019}",
    "\0",
    "WHERE",
    "1 = 1",
    "ORDER BY 1",
    "JOIN",
    "ON 1",
    "LIMIT 1",
    "SETTINGS",
    "readonly = 0",
    "format_schema = '{file}'",
    "additional_table_filters = {'system.one': 'file(\\'{file}\\')'}",
    "additional_table_filters = {'system.one': 'dummy NOT IN (SELECT c1 FROM `{file}`)'}",
    "max_memory_usage = 0",
    "FORMAT",
    "SYSTEM",
    "SHUTDOWN",
    "trim(BOTH 'x' FROM",
    "PARALLEL WITH",
    "BACKUP TABLE default.t TO",
    "File('{out}')",
    "DESCRIBE",
    "EXPLAIN",
    "format(Values, 'a String', '(file(\\'{file}\\'))')",
    "values('a String', ",
    "eval('SELECT 1')",
    "x'66696c65'",
    "{t:Identifier}",
    "{s:String}",
    "identity(",
    "[",
    "]",
    "->",
    "::String",
    "*",
    "1",
];

/// How many statements the fuzzer sends in an ordinary run of the tests.
const ORDINARY: u64 = 400;

#[test]
fn fuzz_fragments_open_nothing() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (count, seed) = (
        setting("CASEMENT_FUZZ").unwrap_or(ORDINARY),
        setting("CASEMENT_FUZZ_SEED").unwrap_or(7),
    );
    println!("seed {seed}, {count} statements");
    let dir = tempfile::tempdir().unwrap();
    let bait = Bait::new();
    // Without the kernel's lock: the others have to hold by themselves.
    let engine = Engine::start_with(dir.path(), &[]);
    engine.sql("CREATE TABLE default.t (a String) ENGINE = MergeTree ORDER BY a");
    let mut dice = Dice(seed);
    let parameters = format!(
        "max_execution_time=2&param_t={0}&param_s={0}",
        encode(&bait.file())
    );
    for index in 0..count {
        let mut sql = String::new();
        if !dice.next().is_multiple_of(3) {
            sql.push_str(dice.pick(&[
                "SELECT ",
                "SELECT * FROM ",
                "INSERT INTO default.t ",
                "WITH ",
                "DESCRIBE ",
            ]));
        }
        for _ in 0..=dice.next() % 7 {
            sql.push_str(dice.pick(FRAGMENTS));
            sql.push_str(dice.pick(&[" ", "", " ", "/**/"]));
        }
        let sql = bait.set(&sql);
        let user = ["user=reader", "user=default", "user=default&session_id=f"][(index % 3) as usize];
        let answer = engine.post(&format!("{user}&{parameters}"), sql.as_bytes());
        // An error may repeat the statement, which names the file; what is in the file is another matter.
        assert!(
            !answer.text().contains(SECRET),
            "seed {seed}, statement {index} ({user}) read: {sql:?}: {}",
            answer.text()
        );
        bait.untouched(&format!("seed {seed}, statement {index} ({user}): {sql:?}"));
    }
    let tables = engine
        .sql("SELECT concat(database, '.', name, engine) FROM system.tables WHERE database = 'default'");
    assert!(!tables.contains("File") && !tables.contains("URL"), "{tables}");
    assert!(!engine.sql("SELECT * FROM default.t").contains(SECRET));
    assert!(Path::new(&bait.file()).exists());
}

//! What is refused, and what is not.

use super::*;

fn check(user: User, sql: &str) -> Result<(), Exception> {
    permit(
        &Policy::new(false, true, &["brandNew".to_owned()], &Limits::default()),
        user,
        sql,
        &[],
    )
}

fn permit(policy: &Policy, user: User, sql: &str, parameters: &[Parameter]) -> Result<(), Exception> {
    let permitted = policy.permit(user, Statement::parse(sql), parameters, false)?;
    permitted.refusal.map_or(Ok(()), Err)
}

#[test]
fn what_leaves_the_directory_is_refused_for_everybody() {
    for sql in [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM/**/FILE/* */('/etc/passwd')",
        "SELECT * FROM `file`('/etc/passwd')",
        "SELECT * FROM \"url\"('http://x')",
        "SELECT (SELECT count() FROM (SELECT * FROM s3('http://x')))",
        "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
        "CREATE TABLE t (a Int) ENGINE = URL('http://x')",
        "CREATE TABLE t (a Int) ENGINE File(CSV)",
        "CREATE TABLE t (a Int) ENGINE = MySQL('h', 'd', 't', 'u', 'p')",
        "CREATE DICTIONARY d (a Int) PRIMARY KEY a SOURCE(HTTP(URL 'http://x'))",
        "SELECT file\u{b}('/p')",
        "SELECT file\u{a0}('/p')",
        "SELECT `fil\\x65`('/p')",
        "SELECT \u{2018}'\u{2019}, file('/p') --'",
        "SELECT \u{2018}'\u{2019} INTO OUTFILE '/p' --'",
        "DESCRIBE TABLE url\u{b}('http://x')",
        "SELECT * FROM `/etc/passwd`",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT * FROM '/p/x.csv'",
        "SELECT * FROM `x.csv`",
        "SELECT * FROM system.one, '/p/x.csv'",
        "SELECT * FROM (SELECT 1) AS a, 'x.csv' WHERE 1",
        "SYSTEM SHUTDOWN",
        "CREATE DATABASE x ENGINE = Filesystem('/p')",
        "SELECT * FROM paimonS3Cluster('c', 'http://x')",
        "SELECT 1 SETTINGS format_template_resultset = '/p'",
        "SELECT * FROM executable('x', 'TSV', 'a Int')",
        "CREATE TABLE t (a Int) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'web')",
    ] {
        assert!(check(User::Default, sql).is_err(), "{sql}");
        assert!(check(User::Reader, sql).is_err(), "{sql}");
    }
}

#[test]
fn words_in_text_and_comments_are_no_calls() {
    for sql in [
        "SELECT 'file(x)'",
        "SELECT 1 -- url(",
        "SELECT file FROM t",
        "SELECT 1 AS url",
        "SELECT 1 AS \"Température °C\", `größe` FROM t",
    ] {
        assert_eq!(check(User::Reader, sql), Ok(()), "{sql}");
    }
}

#[test]
fn a_reader_reads_one_statement() {
    for sql in [
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "SET readonly = 0",
        "SELECT 1; DROP TABLE t",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT 1",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
        "",
        "USE x",
    ] {
        assert!(check(User::Reader, sql).is_err(), "{sql}");
    }
    for sql in [
        "SELECT 1;",
        "(SELECT 1)",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "DESCRIBE TABLE t",
        "WITH 1 AS x SELECT x",
    ] {
        assert_eq!(check(User::Reader, sql), Ok(()), "{sql}");
    }
}

#[test]
fn what_the_engine_has_and_nobody_looked_at_is_refused() {
    assert!(check(User::Default, "SELECT * FROM brandnew('x')").is_err());
    assert!(check(User::Default, "CREATE TABLE t (a Int) ENGINE = BrandNew").is_err());
    assert!(
        check(
            User::Default,
            "CREATE TABLE t (a Int) ENGINE ReplacingMergeTree ORDER BY a"
        )
        .is_ok()
    );
    assert!(check(User::Default, "CREATE VIEW v AS SELECT engine FROM system.tables").is_ok());
}

#[test]
fn a_word_is_what_its_place_makes_of_it() {
    for sql in [
        "SELECT disk, storage_policy FROM t WHERE disk = 'x' AND storage_policy = 'y' AND dialect = 'z'",
        "SELECT engine e, replace(a, 'b', 'c') FROM t WHERE engine = lower('X')",
        "SELECT 1 AS insert, 2 AS outfile, 3 AS infile FROM infile",
        "FROM t SELECT a",
        "SELECT settings, format_schema FROM t",
        "SELECT a AS \"km/h\", max(t.\"km/h\") FROM t GROUP BY \"km/h\"",
        "SELECT trim(BOTH 'x' FROM 'xax'), extract(YEAR FROM '2026-01-02') FROM t",
        "SELECT 'a' IN ('b', 'c') FROM t WHERE x IN ('/p', '/q')",
    ] {
        assert_eq!(check(User::Reader, sql), Ok(()), "{sql}");
    }
    for sql in [
        "INSERT INTO url (a) SELECT 1",
        "INSERT INTO TABLE db.file (a) SELECT 1",
        "CREATE TABLE IF NOT EXISTS db.remote (a UInt8) ENGINE = Memory",
        "INSERT INTO outfile SELECT 1",
    ] {
        assert_eq!(check(User::Default, sql), Ok(()), "{sql}");
    }
    for sql in [
        "SELECT 1 SETTINGS a = 1, dialect = 'kusto'",
        "SELECT 1 SETTINGS final, format_schema = 'x'",
        "ALTER TABLE t MODIFY SETTING storage_policy = 'x'",
        "SELECT 1; SYSTEM SHUTDOWN",
        "SELECT 1; SYSTEM /* x */ KILL",
        "INSERT INTO FUNCTION file('/p') SELECT 1",
        "INSERT INTO TABLE FUNCTION file('/p') SELECT 1",
        "SELECT * FROM a, `/p`",
        "SELECT * FROM loop(a, `/p`)",
        "SELECT \"km/h\" FROM db.\"/p\"",
        "SELECT trim((SELECT * FROM '/p'))",
        "SELECT trim(BOTH 'x' FROM (SELECT * FROM '/p'))",
        "SELECT extract((SELECT 1) UNION ALL SELECT * FROM '/p')",
    ] {
        assert!(check(User::Default, sql).is_err(), "{sql}");
    }
    assert!(check(User::Reader, "SELECT 1 PARALLEL WITH DROP TABLE t").is_err());
}

#[test]
fn sql_in_texts_is_looked_into() {
    for sql in [
        "SELECT * FROM format(Values, '(file(\\'/etc/passwd\\'))')",
        "SELECT * FROM values('a String, b String DEFAULT file(''/p'')', 'x')",
        "SELECT 1 SETTINGS additional_table_filters = {'t': 'a = file(\\'/p\\')'}",
        "SELECT 1 SETTINGS additional_table_filters = {'t': 'a = `fil\\\\x65`(1)'}",
    ] {
        assert!(check(User::Reader, sql).is_err(), "{sql}");
    }
    for sql in [
        "SELECT format('{} file', a), 'file(1)' AS b FROM t",
        "SELECT * FROM values('a String', 'it''s')",
    ] {
        let allowed = check(User::Reader, sql);
        assert_eq!(allowed.is_ok(), !sql.contains("file(1)"), "{sql}: {allowed:?}");
    }
    let policy = Policy::new(false, false, &[], &Limits::default());
    assert!(
        policy.check_value("x", "{'t': 'file(1) = 2'}").is_err()
            && policy.check_value("x", "{'t': 'a > 1'}").is_ok()
    );
}

#[test]
fn rows_are_evaluated_where_nothing_in_them_reaches_out() {
    let policy = Policy::new(false, false, &[], &Limits::default());
    assert!(policy.may_evaluate(b"(now(), 'file(x)', 1 + 2)"));
    for rows in [
        "(file('/p'))",
        "((SELECT 1))",
        "(`file`('/p'))",
        "(/* /* */ ' */ file('/p'))",
    ] {
        assert!(!policy.may_evaluate(rows.as_bytes()), "{rows}");
    }
    assert!(!policy.may_evaluate(b"('\xff')\xff"));
}

#[test]
fn a_backup_goes_into_its_folder_alone() {
    for sql in [
        "BACKUP DATABASE iot TO File('monday.zip')",
        "RESTORE TABLE iot.t AS iot.u FROM File('monday.zip') SETTINGS allow_non_empty_tables = 1",
        "BACKUP TABLE t TO File('b') SETTINGS base_backup = File('a')",
    ] {
        assert_eq!(check(User::Default, sql), Ok(()), "{sql}");
        assert!(check(User::Reader, sql).is_err(), "{sql}");
        assert!(
            permit(
                &Policy::new(false, false, &[], &Limits::default()),
                User::Default,
                sql,
                &[]
            )
            .is_err(),
            "{sql}"
        );
    }
    for sql in [
        "BACKUP DATABASE iot TO File('/tmp/x')",
        "BACKUP DATABASE iot TO File('../x')",
        "BACKUP DATABASE iot TO File('..')",
        "BACKUP DATABASE iot TO Disk('default', 'x')",
        "BACKUP DATABASE iot TO S3('http://x')",
        "BACKUP DATABASE iot TO File('a', 'b')",
        "SELECT * FROM File('x')",
    ] {
        assert!(check(User::Default, sql).is_err(), "{sql}");
    }
}

#[test]
fn a_name_in_a_parameter_is_a_name() {
    let policy = Policy::new(false, false, &[], &Limits::default());
    let with = |value: &str| {
        permit(
            &policy,
            User::Reader,
            "SELECT * FROM {t:Identifier}",
            &[("t".into(), value.into())],
        )
    };
    assert!(with("sensor_temperature").is_ok());
    for value in ["/etc/passwd", "x.csv", "fil\\x65", "../x"] {
        assert!(with(value).is_err(), "{value}");
        let elsewhere = [("t".to_owned(), value.to_owned())];
        for (sql, is_name) in [
            ("SELECT {t /* x */ : /* y */ Identifier}", true),
            ("SELECT {t:String} AS identifier", false),
            ("SELECT identifier FROM x WHERE y = {t:String}", false),
            ("SELECT {t:String}, {identifier:UInt8}", false),
        ] {
            let allowed = permit(&policy, User::Reader, sql, &elsewhere);
            assert_eq!(allowed.is_err(), is_name, "{sql} {value}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_statement_panics(sql in proptest::prelude::any::<String>()) {
        let _ = check(User::Default, &sql);
        let _ = Policy::new(false, false, &[], &Limits::default()).may_evaluate(sql.as_bytes());
    }

    /// Wherever it stands between comments, brackets and texts: a call of a refused function is refused.
    #[test]
    fn a_refused_call_is_found_anywhere(
        before in "(SELECT |\\(|/\\* /\\* \\*/ \\*/|'a''b', |-- x\n|`n`, ){0,5}",
        between in "( |\n|/\\*\\*/|-- y\n){0,3}",
    ) {
        let sql = format!("SELECT {before} FILE{between}('/p')");
        proptest::prop_assert!(check(User::Reader, &sql).is_err(), "{}", sql);
    }
}

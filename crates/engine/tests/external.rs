//! External tables, which travel with a statement as the files of a form.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io::Write as _;

use support::{Answer, Engine, form};

const TSV: &[u8] = b"1\ta\n2\tb\n";

fn post(engine: &Engine, parameters: &str, parts: &[(&str, bool, &[u8])]) -> Answer {
    let (content_type, body) = form(parts);
    engine.post_with(parameters, &body, &[("Content-Type", &content_type)])
}

#[test]
fn files_of_a_form_are_tables_of_one_statement() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(dir.path(), &["--confined"]);
    engine.sql("CREATE TABLE default.known (id UInt32) ENGINE = MergeTree ORDER BY id");
    engine.sql("INSERT INTO default.known VALUES (2), (3)");
    let csv: &[u8] = b"2,\"it's\"\n";
    for user in ["user=default", "user=reader"] {
        for (parameters, parts, expected) in [
            (
                "query=SELECT+sum(id)+FROM+t&t_structure=id+UInt32,+name+String",
                vec![("t", true, TSV)],
                "3",
            ),
            (
                "query=SELECT+sum(_1)+FROM+t&t_types=UInt32,String",
                vec![("t", true, TSV)],
                "3",
            ),
            (
                "query=SELECT+name+FROM+t&t_format=CSV&t_structure=id+UInt32,name+String",
                vec![("t", true, csv)],
                "it\\'s",
            ),
            // The statement and the structure as fields, and a parameter.
            (
                "",
                vec![
                    ("query", false, &b"SELECT name FROM t WHERE id = {id:UInt32}"[..]),
                    ("t_structure", false, b"id UInt32, name String"),
                    ("param_id", false, b"2"),
                    ("t", true, TSV),
                ],
                "b",
            ),
            (
                "query=SELECT+count()+FROM+t+WHERE+id+IN+(SELECT+id+FROM+default.known)+AND+id+IN+(SELECT+_1+FROM+u)&t_structure=id+UInt32,s+String&u_types=UInt8,String",
                vec![("t", true, TSV), ("u", true, TSV)],
                "1",
            ),
            (
                "query=SELECT+count()+FROM+_data&_data_types=UInt32,String",
                vec![("_data", true, TSV)],
                "2",
            ),
            (
                "query=SELECT+count()+FROM+t&t_types=UInt32",
                vec![("t", true, b"")],
                "0",
            ),
            (
                "query=SELECT+toTypeName(a)+FROM+t&t_structure=`a`+Enum8('(x,+'+%3D+1)",
                vec![("t", true, b"(x, \n")],
                "Enum8(\\'(x, \\' = 1)",
            ),
        ] {
            let answer = post(&engine, &format!("{user}&{parameters}"), &parts);
            assert_eq!(answer.text(), expected, "{user}&{parameters}");
        }
        // No later request sees them, whatever connection it gets.
        for _ in 0..3 {
            assert_eq!(engine.post(user, b"SELECT * FROM t").code, "60");
        }
    }
    // Written on, by the writer alone.
    let insert = "query=INSERT+INTO+default.known+SELECT+id+%2B+10+FROM+t&t_structure=id+UInt32,name+String";
    assert_eq!(post(&engine, insert, &[("t", true, TSV)]).status, 200);
    assert_eq!(engine.sql("SELECT count() FROM default.known"), "4");
    assert_eq!(
        post(&engine, &format!("user=reader&{insert}"), &[("t", true, TSV)]).code,
        "164"
    );
    assert_eq!(engine.sql("SELECT count() FROM default.known"), "4");
}

#[test]
fn a_session_keeps_its_own_tables_alone() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let count = "session_id=s&query=SELECT+count()+FROM+t&t_types=UInt32,String";
    assert_eq!(post(&engine, count, &[("t", true, TSV)]).text(), "2");
    assert_eq!(engine.post("session_id=s", b"SELECT * FROM t").code, "60");
    assert_eq!(post(&engine, count, &[("t", true, TSV)]).text(), "2", "again");
    // Its own table of that name stays, also when the second of two cannot be made.
    engine.post("session_id=s", b"CREATE TEMPORARY TABLE own (z UInt8)");
    let both = "session_id=s&query=SELECT+1&t_types=UInt32,String&own_types=UInt32,String";
    assert_eq!(
        post(&engine, both, &[("t", true, TSV), ("own", true, TSV)]).code,
        "57"
    );
    assert_eq!(
        engine.post("session_id=s", b"SELECT count() FROM own").text(),
        "0"
    );
    assert_eq!(engine.post("session_id=s", b"SELECT * FROM t").code, "60");
    // A file that cannot be read leaves nothing.
    let bad = post(&engine, count, &[("t", true, b"x\ty\n")]);
    assert_eq!(bad.code, "27", "{}", bad.text());
    assert_eq!(engine.post("session_id=s", b"SELECT * FROM t").code, "60");
}

#[test]
fn tables_are_bounded_before_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let refused = |parameters: &str, parts: &[(&str, bool, &[u8])]| {
        let answer = post(&engine, parameters, parts);
        assert_ne!(answer.status, 200, "{parameters}: {}", answer.text());
        (answer.code.clone(), answer.text())
    };
    let said = refused("query=SELECT+1", &[("t", true, TSV)]).1;
    assert!(said.contains("t_structure or t_types"), "{said}");
    assert_eq!(
        refused("query=SELECT+1&t_types=UInt8", &[("t.u", true, TSV)]).0,
        "36"
    );
    assert_eq!(
        refused("query=SELECT+1&t_types=Nope", &[("t", true, TSV)]).0,
        "50"
    );
    assert_eq!(
        refused("query=SELECT+1&t_types=UInt8&t_format=Nope", &[("t", true, TSV)]).0,
        "73"
    );
    let many = vec![("t", true, TSV); 17];
    assert_eq!(refused("query=SELECT+1&t_types=UInt32,String", &many).0, "36");
    let large = vec![b'1'; 33 << 20];
    let parameters = "query=SELECT+count()+FROM+t&t_types=String";
    let (code, said) = refused(parameters, &[("t", true, &large)]);
    assert!(code == "307" && said.contains("32 MiB"), "{said}");
    // Packed, it is as large.
    let (content_type, body) = form(&[("t", true, &large)]);
    let pack = |body: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    };
    let headers = [
        ("Content-Type", content_type.as_str()),
        ("Content-Encoding", "gzip"),
    ];
    assert_eq!(engine.post_with(parameters, &pack(&body), &headers).code, "307");
    let (_, body) = form(&[("t", true, TSV)]);
    assert_eq!(
        engine.post_with(parameters, &pack(&body), &headers).code,
        "27",
        "a column more than was said"
    );
    let two = "query=SELECT+count()+FROM+t&t_types=UInt8,String";
    assert_eq!(engine.post_with(two, &pack(&body), &headers).text(), "2");
}

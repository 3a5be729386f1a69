//! ClickHouse's own files: well-formed, and every setting in them is one that the engine knows.

use std::{collections::BTreeSet, fs};

use roxmltree::{Document, Node};
use testkit::{free_addr, sql};

use crate::{place::Place, place::deploy, support::casement};

/// Sections that are no settings of their own.
const SECTIONS: [&str; 6] = [
    "logger",
    "listen_host",
    "backups",
    "access_control_improvements",
    "query_log",
    "query_cache",
];

fn elements<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Node<'a, 'a> {
    let found = elements(node).find(|child| child.has_tag_name(name));
    found.unwrap_or_else(|| panic!("<{name}> is missing"))
}

fn text(path: &str) -> String {
    fs::read_to_string(deploy().join("clickhouse").join(path)).unwrap()
}

#[test]
fn every_setting_is_one_of_clickhouses() {
    let dir = tempfile::tempdir().unwrap();
    let address = free_addr();
    let mut engine = casement().engine(dir.path(), address).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let names = |table: &str| -> BTreeSet<String> {
        let statement = format!("SELECT name FROM system.{table}");
        sql(address, &statement)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    };
    let (server, merge_tree, settings) = (
        names("server_settings"),
        names("merge_tree_settings"),
        names("settings"),
    );

    let config = text("config.d/casement.xml");
    let config = Document::parse(&config).unwrap();
    let mut looked_at = 0;
    for element in elements(config.root_element()) {
        let name = element.tag_name().name();
        if element.attribute("remove").is_some() {
            assert!(name.ends_with("_log") || name.ends_with("_port"), "{name}");
        } else if name == "merge_tree" {
            for setting in elements(element) {
                assert!(merge_tree.contains(setting.tag_name().name()), "{setting:?}");
            }
        } else if !SECTIONS.contains(&name) {
            assert!(server.contains(name), "<{name}> is no setting of a server");
            assert!(element.text().unwrap().parse::<f64>().is_ok(), "{name}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 15);

    let users = text("users.d/casement.xml");
    let users = Document::parse(&users).unwrap();
    for grant in users.descendants().filter(|node| node.has_tag_name("query")) {
        // A file of users leaves out to whom.
        let statement = format!("SELECT formatQuery('{} TO someone')", grant.text().unwrap());
        sql(address, &statement).unwrap();
    }
    for profile in elements(child(users.root_element(), "profiles")) {
        for setting in elements(profile) {
            let name = setting.tag_name().name();
            if name == "constraints" {
                for constraint in elements(setting) {
                    assert!(settings.contains(constraint.tag_name().name()), "{constraint:?}");
                }
            } else if name != "profile" {
                assert!(settings.contains(name), "<{name}> is no setting");
            }
        }
    }
}

#[test]
fn memory_is_absolute_and_small() {
    let config = text("config.d/casement.xml");
    let config = Document::parse(&config).unwrap();
    let number = |name: &str| -> u64 {
        child(config.root_element(), name)
            .text()
            .unwrap()
            .parse()
            .unwrap()
    };
    // Below the container's two gigabytes, with room for what ClickHouse does not count.
    assert!(number("max_server_memory_usage") <= 1_700_000_000);
    assert_eq!(number("max_server_memory_usage_to_ram_ratio"), 0);
    let caches = [
        "mark_cache_size",
        "index_mark_cache_size",
        "uncompressed_cache_size",
    ];
    assert!(caches.map(number).iter().sum::<u64>() <= 128 << 20);
    // Logs of its own are off, or end by themselves.
    let query_log = child(config.root_element(), "query_log");
    assert!(child(query_log, "ttl").text().unwrap().contains("INTERVAL 3 DAY"));
}

#[test]
fn nobody_enters_without_a_password() {
    let users = text("users.d/casement.xml");
    let users = Document::parse(&users).unwrap();
    let users = child(users.root_element(), "users");
    let names: Vec<_> = elements(users)
        .map(|user| user.tag_name().name().to_owned())
        .collect();
    assert_eq!(names, ["default", "admin", "writer", "reader"]);
    assert_eq!(child(users, "default").attribute("remove"), Some("remove"));
    for user in elements(users).skip(1) {
        // No way in stands here, not even an empty one.
        for way in [
            "password",
            "no_password",
            "password_sha256_hex",
            "ssl_certificates",
        ] {
            assert!(!elements(user).any(|child| child.has_tag_name(way)), "{user:?}");
        }
    }
    let profile = child(child(users, "reader"), "profile").text();
    assert_eq!(profile, Some("casement_reader"));

    // Their passwords are those that setup.sh has made.
    let place = Place::new();
    let passwords = place.secret("clickhouse-passwords.xml");
    let passwords = Document::parse(&passwords).unwrap();
    let passwords = child(passwords.root_element(), "users");
    for name in &names[1..] {
        let digest = child(child(passwords, name), "password_sha256_hex")
            .text()
            .unwrap();
        let password = place.secret(&format!("clickhouse-{name}"));
        assert_eq!(digest, sha256(&password), "{name}");
    }
}

#[test]
fn the_reader_reads_and_grafana_may_set_what_its_plugin_sets() {
    let users = text("users.d/casement.xml");
    let users = Document::parse(&users).unwrap();
    let reader = child(child(users.root_element(), "profiles"), "casement_reader");
    assert_eq!(child(reader, "readonly").text(), Some("1"));
    for name in ["max_execution_time", "additional_table_filters"] {
        let constraint = child(child(reader, "constraints"), name);
        child(constraint, "changeable_in_readonly");
    }
    let config = text("config.d/casement.xml");
    let config = Document::parse(&config).unwrap();
    let improvements = child(config.root_element(), "access_control_improvements");
    let replaces = child(improvements, "settings_constraints_replace_previous");
    assert_eq!(replaces.text(), Some("true"));
    let grants = child(child(child(users.root_element(), "users"), "reader"), "grants");
    for grant in elements(grants) {
        let grant = grant.text().unwrap();
        assert!(grant.starts_with("GRANT SELECT"), "{grant}");
        assert!(!grant.contains("INSERT") && !grant.contains("*.*"), "{grant}");
    }
}

/// The tables of ClickHouse's own that texts below `folder` ask.
fn system_tables(folder: &str) -> BTreeSet<String> {
    let files = crate::lint::below(folder, |_| true);
    let mut names = BTreeSet::new();
    for file in files {
        let Ok(text) = fs::read_to_string(file) else {
            continue;
        };
        for keyword in ["FROM system.", "JOIN system."] {
            for part in text.split(keyword).skip(1) {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                names.insert(part[..end.unwrap_or(part.len())].to_owned());
            }
        }
    }
    names
}

#[test]
fn what_they_ask_of_clickhouse_itself_is_granted_and_nothing_more() {
    let users = text("users.d/casement.xml");
    let users = Document::parse(&users).unwrap();
    let users = child(users.root_element(), "users");
    for (name, folder) in [("writer", "crates/store/src"), ("reader", "deploy/grafana")] {
        let grants: BTreeSet<_> = elements(child(child(users, name), "grants"))
            .filter_map(|grant| Some(grant.text()?.strip_prefix("GRANT SELECT ON system.")?.to_owned()))
            .collect();
        let asked = system_tables(folder);
        assert!(
            !asked.is_empty() && asked.is_subset(&grants),
            "{name} asks {asked:?}"
        );
        assert!(!grants.contains("*"), "{name}");
    }
}

fn sha256(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("text");
    fs::write(&file, text).unwrap();
    let output = crate::support::output("sha256sum", &[file.to_str().unwrap()]);
    output.split(' ').next().unwrap().to_owned()
}

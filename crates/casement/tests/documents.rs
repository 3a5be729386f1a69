//! Completions and pages for `man`: every command is there, and their readers understand them.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, process::Command};

fn casement(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the commands, as help lists them.
fn commands() -> Vec<String> {
    let help = casement(&["--help"]);
    let list = help.split("Commands:").nth(1).unwrap();
    let list = list.split("Options:").next().unwrap();
    let names = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

#[test]
fn each_shell_completes_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = casement(&["completions", shell]);
        for name in commands() {
            assert!(script.contains(&name), "{shell}: {name}");
        }
    }
    // bash asks the script as it does when a person presses tab.
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("casement");
    fs::write(&script, casement(&["completions", "bash"])).unwrap();
    let ask = "source \"$0\"; COMP_WORDS=(casement prov) COMP_CWORD=1; _casement casement prov casement; \
               echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", ask])
        .arg(&script)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "provision",
        "{said}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(["completions", "ksh"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_command_has_its_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    casement(&["man", &pages.display().to_string()]);
    for name in commands() {
        let page = fs::read_to_string(pages.join(format!("casement-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
    let page = fs::read_to_string(pages.join("casement-devices-add.1")).unwrap();
    assert!(
        page.contains("casement\\-devices\\-add") || page.contains("casement-devices-add"),
        "{page}"
    );
    assert!(
        fs::read_to_string(pages.join("casement.1"))
            .unwrap()
            .contains(".TH casement 1")
    );
}

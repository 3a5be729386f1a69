//! Link options of the release binary: functions of the same code are kept once, and relocations are packed, where the linker can.
//!
//! Together they take 3 of 47 MB. Packed relocations need glibc 2.36, as the rest does. Rust promises no addresses of its own to
//! functions, and data keep theirs.

use std::{env, path::Path, process::Command};

const OPTIONS: [&str; 2] = ["-Wl,-z,pack-relative-relocs", "-Wl,--icf=all"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        return;
    }
    for option in OPTIONS
        .into_iter()
        .filter(|option| links(option).unwrap_or(false))
    {
        println!("cargo:rustc-link-arg-bins={option}");
    }
}

/// Whether an empty program can be linked with an option: by rust-lld it can, by older linkers it cannot.
fn links(option: &str) -> Option<bool> {
    let out = env::var_os("OUT_DIR")?;
    let source = Path::new(&out).join("empty.rs");
    std::fs::write(&source, "fn main() {}").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc
        .arg(&source)
        .arg("--out-dir")
        .arg(&out)
        .args(["--target", &env::var("TARGET").ok()?]);
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={}", linker.display()));
    }
    let output = rustc.arg("-C").arg(format!("link-arg={option}")).output().ok()?;
    Some(output.status.success())
}

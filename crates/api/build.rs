//! Puts the built page, `web/dist`, into the library: a table of its files, each as it is and packed.
//!
//! Without that folder a release is refused; other builds serve a text that says how to make it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const HOW: &str = "the page is not built: run scripts/page.sh (Node 18.19 or later), or make build";
const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Casement</title>\
    <p>This build has no page: run <code>scripts/page.sh</code>, and build again.</p></html>";

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    let out = PathBuf::from(variable("OUT_DIR")?);
    // A folder that is not there is looked for again at each build, which is how it is found once it is made.
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut names = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, "", &mut names)?;
        names.sort();
    } else if variable("PROFILE")? == "release" {
        println!("cargo::error={HOW}");
        return Ok(());
    } else {
        println!("cargo::warning={HOW}");
    }
    let copy = out.join("page");
    keep(&dist, &copy, &names)?;
    fs::write(out.join("page.rs"), table(&copy, &names))
}

/// The names of all files below a folder, but for those that begin with a dot.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), names)?;
        } else if !name.starts_with('.') {
            names.push(path);
        }
    }
    Ok(())
}

/// Copies the files to where nobody else changes them: the page may be built again while this is compiled.
fn keep(dist: &Path, copy: &Path, names: &[String]) -> io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    for name in names {
        let to = copy.join(name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(dist.join(name), to)?;
    }
    Ok(())
}

/// The table as source text. Packed files are in their plain one's row.
fn table(copy: &Path, names: &[String]) -> String {
    if names.is_empty() {
        return format!(
            "&[File {{ path: \"index.html\", plain: {MISSING:?}.as_bytes(), gzip: None, brotli: None }}]"
        );
    }
    let bytes = |name: &str| format!("include_bytes!({:?})", copy.join(name).display().to_string());
    let mut rows = String::from("&[\n");
    for name in names.iter().filter(|name| !is_packed(name)) {
        let packed = |end: &str| {
            let packed = format!("{name}{end}");
            if names.contains(&packed) {
                format!("Some({})", bytes(&packed))
            } else {
                "None".to_owned()
            }
        };
        let (plain, gzip, brotli) = (bytes(name), packed(".gz"), packed(".br"));
        let row = format!("File {{ path: {name:?}, plain: {plain}, gzip: {gzip}, brotli: {brotli} }},\n");
        rows.push_str(&row);
    }
    rows + "]"
}

fn is_packed(name: &str) -> bool {
    [".gz", ".br"].iter().any(|end| name.ends_with(end))
}

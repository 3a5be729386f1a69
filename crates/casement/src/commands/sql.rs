//! `casement sql`: one statement over ClickHouse's HTTP interface, with a streamed answer.
//!
//! In: a statement, or standard input. Out: the answer on standard output, or ClickHouse's error. It also works with
//! other servers.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal as _, Read, Write},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret;
use ureq::{
    SendBody,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
};

use crate::{
    assembly, cli,
    config::{ClickHouse, Reader, Sources},
    noted,
};

/// The mark of an error within an answer.
const MARK: &[u8] = b"\r\n__exception__\r\n";

/// Largest statement that is sent in the URL; larger ones are sent in the body.
const IN_URL: usize = 8 << 10;

/// ClickHouse cannot be reached.
#[derive(Debug)]
pub(super) struct Unreachable {
    addr: String,
    reason: String,
}

impl Unreachable {
    pub(super) const fn new(addr: String, reason: String) -> Self {
        Self { addr, reason }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClickHouse cannot be reached at {}: {}; start it with 'casement up' or 'casement engine', or name another with --clickhouse ADDR",
            self.addr, self.reason
        )
    }
}

impl std::error::Error for Unreachable {}

/// Returns the sources of a command that asks ClickHouse: with `--data` and no address, that of the service that ran there last.
pub(super) fn sources(server: cli::ClickHouse) -> anyhow::Result<Sources> {
    let sources = Sources::process(server.config)
        .data(server.data)
        .flag("clickhouse.addr", server.clickhouse);
    Ok(noted::with_clickhouse(sources)?
        .flag("clickhouse.user", server.user)
        .flag(
            "clickhouse.password_file",
            server.password_file.map(|path| path.display().to_string()),
        ))
}

pub(super) fn run(flags: cli::Sql) -> anyhow::Result<()> {
    let config = sources(flags.server)?.load_for(Reader::ClickHouse)?.clickhouse;
    let stdin = io::stdin();
    let format = flags.format.unwrap_or_else(|| {
        let table = if io::stdout().is_terminal() {
            "PrettyCompact"
        } else {
            "TabSeparated"
        };
        table.to_owned()
    });
    let mut parameters = vec![("default_format", format.as_str())];
    parameters.extend(flags.database.as_deref().map(|name| ("database", name)));
    let mut input = stdin.lock();
    let answer = match &flags.query {
        Some(query) if query.len() <= IN_URL => {
            parameters.push(("query", query));
            let data = takes_data(query) && !stdin.is_terminal();
            send(&config, &parameters, data.then_some(&mut input as &mut dyn Read))
        }
        Some(query) => send(&config, &parameters, Some(&mut query.as_bytes())),
        None if stdin.is_terminal() => {
            bail!("there is no statement; give one, or send one to standard input")
        }
        None => send(&config, &parameters, Some(&mut input)),
    }?;
    match print(answer, BufWriter::new(io::stdout().lock())) {
        // The reader of our output wants no more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error).context("the answer cannot be passed on"),
        Ok(Some(error)) => bail!(error),
        Ok(None) => Ok(()),
    }
}

/// Returns whether a statement is an INSERT without its data.
fn takes_data(query: &str) -> bool {
    let words: Vec<&str> = query
        .trim_end_matches([';', ' ', '\n', '\t'])
        .split_whitespace()
        .collect();
    let is = |word: Option<&&str>, text: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(text));
    let format = words.len() > 2 && is(words.get(words.len() - 2), "format");
    is(words.first(), "insert") && (format || is(words.last(), "values"))
}

fn send(
    config: &ClickHouse,
    parameters: &[(&str, &str)],
    body: Option<&mut dyn Read>,
) -> anyhow::Result<impl Read + use<>> {
    let password = config.password.as_ref().map_or("", ExposeSecret::expose_secret);
    let mut request = agent(config)?
        .post(format!("{}/", config.url()))
        .header("X-ClickHouse-User", &config.user)
        .header("X-ClickHouse-Key", password)
        .content_type("text/plain");
    if body.is_some() {
        // A server that refuses answers before it has read the data, and its answer is read.
        request = request.header("Expect", "100-continue");
    }
    for (name, value) in parameters {
        request = request.query(name, value);
    }
    let sent = match body {
        Some(reader) => request.send(SendBody::from_reader(reader)),
        None => request.send_empty(),
    };
    let response = sent.map_err(|error| match error {
        ureq::Error::Io(error)
            if [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset].contains(&error.kind()) =>
        {
            anyhow::anyhow!("ClickHouse ended the connection while it was sent data; it took none of it")
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            anyhow::anyhow!(
                "'{}' is no address; name one as 127.0.0.1:8123 with --clickhouse ADDR",
                config.url()
            )
        }
        other => Unreachable {
            addr: config.url(),
            reason: match other {
                ureq::Error::Io(error) => error.to_string(),
                other => other.to_string(),
            },
        }
        .into(),
    })?;
    let status = response.status();
    let mut reader = response.into_body().into_reader();
    if status.is_success() {
        return Ok(reader);
    }
    let mut text = Vec::new();
    reader.by_ref().take(1 << 20).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    if text.trim().is_empty() {
        bail!(
            "{} answers {status}: is this ClickHouse's HTTP interface?",
            config.url()
        );
    }
    bail!("{}", text.trim().to_owned());
}

/// Returns an HTTP client. For `https://`, it trusts the configured certificates or the system's.
fn agent(config: &ClickHouse) -> anyhow::Result<ureq::Agent> {
    let mut agent = ureq::Agent::config_builder().http_status_as_error(false);
    if config.url().starts_with("https://") {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&trusted(config)?));
        agent = agent.tls_config(tls.build());
    }
    Ok(agent.build().into())
}

fn trusted(config: &ClickHouse) -> anyhow::Result<Vec<Certificate<'static>>> {
    if let Some(pem) = assembly::store(config)?.trusted_certificates_pem {
        let certificates = parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        return Ok(certificates.collect());
    }
    let system = rustls_native_certs::load_native_certs().certs;
    Ok(system
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect())
}

/// Copies an answer. Returns the error at its end, if there is one.
fn print(mut answer: impl Read, mut out: impl Write) -> io::Result<Option<String>> {
    let mut held: Vec<u8> = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        // A server breaks off the stream after an error.
        let read = match answer.read(&mut piece) {
            Ok(read) => read,
            Err(_) if find(&held).is_some() => 0,
            Err(error) => return Err(error),
        };
        held.extend_from_slice(&piece[..read]);
        if let Some(at) = find(&held) {
            if read > 0 {
                continue;
            }
            out.write_all(&held[..at])?;
            out.flush()?;
            return Ok(Some(message(&held[at + MARK.len()..])));
        }
        // The mark may begin in this piece and end in the next one.
        let sure = if read == 0 {
            held.len()
        } else {
            held.len().saturating_sub(MARK.len())
        };
        out.write_all(&held[..sure])?;
        held.drain(..sure);
        if read == 0 {
            out.flush()?;
            return Ok(None);
        }
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MARK.len()).position(|window| window == MARK)
}

/// Returns the error between the line with the tag and the line with the length.
fn message(marked: &[u8]) -> String {
    let text = String::from_utf8_lossy(marked);
    let error: Vec<&str> = text.lines().filter(|line| line.contains("Code: ")).collect();
    if error.is_empty() {
        text.trim().to_owned()
    } else {
        error.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns its bytes one at a time, then fails if it is told to.
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return if self.1 {
                    Err(io::ErrorKind::UnexpectedEof.into())
                } else {
                    Ok(0)
                };
            };
            (into[0], self.0) = (*first, rest);
            Ok(1)
        }
    }

    #[test]
    fn an_answer_is_copied_and_an_error_at_its_end_is_told_apart() {
        let mut out = Vec::new();
        assert!(print(Drip(b"a\tb\r\n__exc", false), &mut out).unwrap().is_none());
        assert_eq!(out, b"a\tb\r\n__exc");
        let broken = b"1\n2\n\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 395. DB::Exception: no. (X)\n36 abcdefghijklmnop\r\n__exception__\r\n";
        let mut out = Vec::new();
        let error = print(Drip(broken, true), &mut out).unwrap();
        assert_eq!(
            (out.as_slice(), error.as_deref()),
            (b"1\n2\n".as_slice(), Some("Code: 395. DB::Exception: no. (X)"))
        );
        assert!(print(Drip(b"1\n", true), Vec::new()).is_err());
    }

    #[test]
    fn data_follows_an_insert_that_ends_without() {
        assert!(takes_data("INSERT INTO t FORMAT CSV;") && takes_data("insert into t values"));
        assert!(
            !takes_data("INSERT INTO t VALUES (1)") && !takes_data("SELECT 1 FORMAT CSV") && !takes_data("")
        );
    }
}

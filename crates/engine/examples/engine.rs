//! An engine as a process of its own, for this crate's tests:
//! `engine DIR ADDR [--supervised] [--confined] [--allow-outside] [--passwords WRITER READER] [--backups DIR]
//! [--memory BYTES] [--reader-queries N] [--queue-ms N] [--reader-result-bytes N]`.

use std::{process::ExitCode, time::Duration};

use engine::{EngineError, Options, Password, confine, serve};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let (Some(dir), Some(Ok(addr))) = (args.get(1), args.get(2).map(|addr| addr.parse())) else {
        eprintln!("usage: engine DIR ADDR [--supervised]");
        return ExitCode::from(2);
    };
    let mut options = Options::new(dir, addr);
    let flag = |name: &str| args.iter().position(|arg| arg == name);
    options.stop_with_parent = flag("--supervised").is_some();
    options.allow_outside = flag("--allow-outside").is_some();
    if let Some(at) = flag("--passwords") {
        options.users.default = args.get(at + 1).and_then(|text| Password::new(text));
        options.users.reader = args.get(at + 2).and_then(|text| Password::new(text));
    }
    options.backups = flag("--backups").and_then(|at| args.get(at + 1)).map(Into::into);
    let number = |name: &str| args.get(flag(name)? + 1)?.parse::<u64>().ok();
    let limits = &mut options.limits;
    limits.memory_bytes = number("--memory").unwrap_or(limits.memory_bytes);
    limits.reader_result_bytes = number("--reader-result-bytes").unwrap_or(limits.reader_result_bytes);
    limits.reader_queries = number("--reader-queries").map_or(limits.reader_queries, |n| n as usize);
    limits.queue_time = number("--queue-ms").map_or(limits.queue_time, Duration::from_millis);
    match run(options, flag("--confined").is_some()) {
        Ok(()) => engine::leave(0),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options, confined: bool) -> Result<(), EngineError> {
    if confined {
        let confinement = confine(&options)?;
        println!(
            "confined: files {}, network {}",
            confinement.files, confinement.network
        );
    }
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    runtime.block_on(serve(options, CancellationToken::new(), |addr| {
        println!("ready at {addr}");
    }))
}

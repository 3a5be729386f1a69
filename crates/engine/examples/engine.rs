//! An engine as a process of its own, for this crate's tests:
//! `engine DIR ADDR [--supervised] [--reader-queries N] [--queue-ms N]`.

use std::{process::ExitCode, time::Duration};

use engine::{Options, serve};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let (Some(dir), Some(Ok(addr))) = (args.get(1), args.get(2).map(|addr| addr.parse())) else {
        eprintln!("usage: engine DIR ADDR [--supervised]");
        return ExitCode::from(2);
    };
    let mut options = Options::new(dir, addr);
    options.stop_with_parent = args.iter().any(|arg| arg == "--supervised");
    let number = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag)?;
        args.get(at + 1)?.parse::<u64>().ok()
    };
    if let Some(queries) = number("--reader-queries") {
        options.limits.reader_queries = queries as usize;
    }
    if let Some(wait) = number("--queue-ms") {
        options.limits.queue_time = Duration::from_millis(wait);
    }
    match serve(options, CancellationToken::new(), |addr| {
        println!("ready at {addr}");
    })
    .await
    {
        Ok(()) => engine::leave(0),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

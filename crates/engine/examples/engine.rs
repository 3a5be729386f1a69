//! An engine as a process of its own, for this crate's tests: `engine DIR ADDR [--supervised]`.

use std::process::ExitCode;

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

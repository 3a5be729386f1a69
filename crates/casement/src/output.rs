//! Standard output: a reader that has enough, as `head` has, ends a command quietly, and a service not at all.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Prints a line. Where nobody reads any more the process ends, as a success: what was asked for has been given.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.write_all(b"\n"));
    let Err(error) = written.and_then(|()| out.flush()) else {
        return;
    };
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("error: standard output cannot be written: {error}");
    std::process::exit(1);
}

/// Prints a line of a service, which goes on whether anybody reads it or not.
pub fn news(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _ = out
        .write_fmt(text)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
}

/// `println!` by [`news()`].
macro_rules! announce {
    ($($text:tt)*) => {
        $crate::output::news(format_args!($($text)*))
    };
}
pub(crate) use announce;

/// `println!` by [`line()`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}
pub(crate) use say;

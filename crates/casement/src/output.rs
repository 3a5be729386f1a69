//! Standard output. When its reader closes it, as `head` does, a command ends without an error and a service continues.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::telemetry::stream;

/// Prints a line. If the reader has closed the output, the process ends successfully: the reader wants no more.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.write_all(b"\n"));
    let Err(error) = written.and_then(|()| out.flush()) else {
        return;
    };
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    stream::ERR.write(&format!("error: standard output cannot be written: {error}\n"));
    std::process::exit(1);
}

/// Prints a line of a service, which goes on whether anybody reads it or not.
pub fn service_line(text: fmt::Arguments<'_>) {
    stream::OUT.write(&format!("{text}\n"));
}

/// `println!` by [`service_line()`].
macro_rules! announce {
    ($($text:tt)*) => {
        $crate::output::service_line(format_args!($($text)*))
    };
}
pub(crate) use announce;

/// `eprintln!` of a tool: progress, and errors that do not end it.
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::telemetry::stream::ERR.write(&format!("{}\n", format_args!($($text)*)))
    };
}
pub(crate) use tell;

/// `println!` by [`line()`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}
pub(crate) use say;

//! Standard output. When its reader closes it, as `head` does, a command ends without an error and a service continues.

use std::{
    fmt,
    io::{self, Write as _},
};

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
    eprintln!("error: standard output cannot be written: {error}");
    std::process::exit(1);
}

/// Prints a line of a service, which continues if the reader has closed the output.
pub fn service_line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _ = out
        .write_fmt(text)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
}

/// `println!` by [`service_line()`].
macro_rules! announce {
    ($($text:tt)*) => {
        $crate::output::service_line(format_args!($($text)*))
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

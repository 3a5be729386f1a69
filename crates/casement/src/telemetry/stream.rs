//! Standard output and standard error of a service, each written by a thread of its own.
//!
//! In: lines. Out: the stream, without secrets. Handing a line over never waits and never fails: while nobody reads, a
//! bounded number of lines is held, the rest is dropped and counted, and the log tells how many when the reader is back.
//! `tracing-appender` does the same, but prints to standard output when it ends with a full queue, and so waits for the
//! reader after all.

use std::{
    fs::File,
    io::{self, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{io::dup, stdio};
use serde_json::json;

use super::redaction::redact;

/// Lines that are held while nobody reads.
const HELD: usize = 2_048;
/// Longer lines are cut.
const LONGEST: usize = 16 << 10;
/// Pause before a stream that somebody made non-blocking is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Standard output.
pub static OUT: Stream = Stream::new(false);
/// Standard error.
pub static ERR: Stream = Stream::new(true);

/// One of the two streams.
#[derive(Debug)]
pub struct Stream {
    is_error: bool,
    /// Whether the notice of dropped lines is a JSON object.
    json: AtomicBool,
    lines: OnceLock<SyncSender<String>>,
    handed: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
}

impl Stream {
    const fn new(is_error: bool) -> Self {
        Self {
            is_error,
            json: AtomicBool::new(false),
            lines: OnceLock::new(),
            handed: AtomicU64::new(0),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    pub(super) fn notices_as_json(&self, json: bool) {
        self.json.store(json, SeqCst);
    }

    /// From here on a thread writes.
    pub(super) fn start(&'static self) -> io::Result<()> {
        // A handle of our own, because the standard library's is locked by whoever waits in a write.
        self.start_on(File::from(dup(if self.is_error {
            stdio::stderr()
        } else {
            stdio::stdout()
        })?))
    }

    fn start_on(&'static self, file: File) -> io::Result<()> {
        let (sender, receiver) = sync_channel(HELD);
        if self.lines.set(sender).is_ok() {
            let name = if self.is_error { "stderr" } else { "stdout" };
            thread::Builder::new()
                .name(name.into())
                .spawn(move || self.work(&receiver, file))?;
        }
        Ok(())
    }

    /// Hands over a line that ends in a line break. Before `Stream::start` it is written at once.
    pub fn write(&self, line: &str) {
        let Some(lines) = self.lines.get() else {
            let line = redact(line);
            // A reader that is gone wants no line.
            let _ = if self.is_error {
                io::stderr().write_all(line.as_bytes())
            } else {
                io::stdout().write_all(line.as_bytes())
            };
            return;
        };
        let line = if line.len() > LONGEST {
            format!("{}…\n", &line[..line.floor_char_boundary(LONGEST)])
        } else {
            line.to_owned()
        };
        if lines.try_send(line).is_ok() {
            self.handed.fetch_add(1, SeqCst);
        } else {
            self.dropped.fetch_add(1, SeqCst);
        }
    }

    /// Waits until everything that was handed over has been written, for at most `patience`.
    pub fn flush(&self, patience: Duration) {
        let (started, goal) = (Instant::now(), self.handed.load(SeqCst));
        while self.written.load(SeqCst) < goal && started.elapsed() < patience {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn work(&self, lines: &Receiver<String>, mut file: File) {
        let mut since_drop = 0;
        loop {
            let line = match lines.try_recv() {
                Ok(line) => line,
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    self.tell_dropped(&mut file);
                    let Ok(line) = lines.recv() else { return };
                    line
                }
            };
            put(&mut file, redact(&line).as_bytes());
            self.written.fetch_add(1, SeqCst);
            since_drop = if self.dropped.load(SeqCst) > 0 {
                since_drop + 1
            } else {
                0
            };
            // Even if the queue never becomes empty.
            if since_drop > HELD {
                self.tell_dropped(&mut file);
            }
        }
    }

    fn tell_dropped(&self, file: &mut File) {
        let dropped = self.dropped.swap(0, SeqCst);
        if dropped > 0 && self.is_error {
            let text = format!("{dropped} lines of the log were dropped: nobody read them in time");
            put(file, notice(&text, "WARN", self.json.load(SeqCst)).as_bytes());
        }
    }

    /// Hands over a line of our own in the format of the log. It never panics, so that a panic hook can call it.
    pub(super) fn notice(&self, text: &str, level: &str) {
        self.write(&notice(text, level, self.json.load(SeqCst)));
    }
}

/// A line in the format of the log, without the subscriber.
fn notice(text: &str, level: &str, as_json: bool) -> String {
    let now = jiff::Timestamp::now();
    if as_json {
        let line = json!({"timestamp": now.to_string(), "level": level, "fields": {"message": text}, "target": "casement::telemetry"});
        return format!("{line}\n");
    }
    format!("{now:.6} {level:>5} casement::telemetry: {text}\n")
}

/// Writes all of `bytes`, however long nobody reads. A stream that is closed takes nothing, and nobody is told.
fn put(file: &mut File, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return,
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;

    #[test]
    fn what_nobody_reads_is_dropped_counted_and_told() {
        let (reader, writer) = io::pipe().unwrap();
        let stream: &'static Stream = Box::leak(Box::new(Stream::new(true)));
        stream
            .start_on(File::from(std::os::fd::OwnedFd::from(writer)))
            .unwrap();
        // More than the pipe and the queue take; nothing here waits.
        let lines = 3 * HELD;
        let text = "x".repeat(100);
        for number in 0..lines {
            stream.write(&format!("{number} {text}\n"));
        }
        stream.write(&"y".repeat(2 * LONGEST));
        stream.flush(Duration::from_millis(10));
        let (mut read, mut dropped) = (0, 0);
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            assert!(line.len() < LONGEST + 8, "a line of {} bytes", line.len());
            match line.split_once(" lines of the log were dropped") {
                Some((before, _)) => {
                    dropped += before.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
                }
                None => read += 1,
            }
            if read + dropped == lines + 1 {
                break;
            }
        }
        assert!(dropped > 0 && read > 0, "{read} read, {dropped} dropped");
        assert_eq!(read + dropped, lines + 1);
    }

    #[test]
    fn notices_have_the_format_of_the_log() {
        let line = notice("text", "WARN", false);
        assert!(line.ends_with("Z  WARN casement::telemetry: text\n"), "{line}");
        let line = notice("a \"b\"\n", "ERROR", true);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&object["level"], &object["fields"]["message"]),
            (&json!("ERROR"), &json!("a \"b\"\n"))
        );
        assert_eq!(line.lines().count(), 1);
    }
}

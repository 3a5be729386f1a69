//! The event loop of a connection, the same for every version of MQTT.
//!
//! Everything that may be sent is encoded and written at once, and everything that was read is handled at once, so that
//! acknowledgements never fall behind a broker that does not stop at the receive maximum.

use std::{pin::Pin, time::Duration};

use tokio::{
    select,
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    super::{ConnectionOptions, link::Shared},
    packet::{Failure, LineEvent, Outgoing, Received, Terms, Unsupported, Version},
    socket::{Progress, Socket},
    words,
};

/// Time for a connection and the answer to our CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of pings without any sign of life at which the next one ends the connection.
const MAX_UNANSWERED: u32 = 1;

pub(in super::super) struct Line {
    options: ConnectionOptions,
    client_id: String,
    version: Version,
    socket: Option<Socket>,
    events: Vec<LineEvent>,
    keep_alive: Duration,
    ping: Pin<Box<Sleep>>,
    /// Number of pings since something arrived.
    unanswered: u32,
    /// Whether the last step wrote something, so that it is time to read.
    has_written: bool,
    /// Whether our DISCONNECT is on its way.
    is_ending: bool,
    /// Number of our messages at `QoS` 0 that may not be written yet.
    unwritten_qos0: u64,
}

impl Line {
    /// Creates a line that is not connected yet.
    pub(in super::super) fn new(options: &ConnectionOptions, version: Version) -> Self {
        Self {
            client_id: options.effective_client_id(),
            version,
            socket: None,
            events: Vec::new(),
            keep_alive: options.keep_alive(),
            ping: Box::pin(sleep(options.keep_alive())),
            unanswered: 0,
            has_written: false,
            is_ending: false,
            unwritten_qos0: 0,
            options: options.clone(),
        }
    }

    pub(in super::super) const fn version(&self) -> Version {
        self.version
    }

    /// Sets the version of the next connection.
    pub(in super::super) fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Returns whether our DISCONNECT is on its way: nothing follows it, and the broker closes the connection.
    pub(in super::super) const fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Moves the events of the last step, or of an ended connection, to `events`.
    pub(in super::super) fn take_events(&mut self, events: &mut Vec<LineEvent>) {
        events.append(&mut self.events);
    }

    /// Connects unless connected; otherwise writes or reads what can be written or read now, or waits for it. Without
    /// `reads` nothing is read.
    ///
    /// Whatever arrives is a sign of life: the connection ends when nothing at all arrives for two keep-alive
    /// intervals in which it is read. A busy broker answers pings late.
    pub(in super::super) async fn step(&mut self, shared: &Shared, reads: bool) -> Result<(), Failure> {
        if self.socket.is_none() {
            return self.connect().await;
        }
        let only_reads = std::mem::take(&mut self.has_written);
        if !only_reads {
            self.fill(shared).map_err(Failure::new)?;
        }
        if !reads {
            self.unanswered = 0;
        }
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        select! {
            biased;
            // First, or a broker that sends without a pause would never be pinged.
            () = &mut self.ping => self.ping(),
            progress = socket.progress(reads) => match progress {
                Ok(Progress::Written) => {
                    self.has_written = true;
                    self.unwritten_qos0 = 0;
                    Ok(())
                }
                Ok(Progress::Read) => self.read(),
                Err(error) => Err(words::io_error(&error)),
            },
            () = shared.wake.notified() => Ok(()),
            // What did not fit before may follow now.
            () = std::future::ready(()), if only_reads => Ok(()),
        }
        .map_err(Failure::new)
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let connecting = connect(&self.options, self.version, &self.client_id);
        let (socket, terms) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .unwrap_or_else(|_| Err(Failure::new("the broker did not answer in time")))?;
        self.socket = Some(socket);
        self.keep_alive = terms.keep_alive.unwrap_or_else(|| self.options.keep_alive());
        self.ping.as_mut().reset(Instant::now() + self.keep_alive);
        self.unanswered = 0;
        self.events.push(LineEvent::Connected(terms));
        // What the broker sent right behind its answer.
        self.read().map_err(Failure::new)
    }

    /// Encodes what the link has to send, as far as there is room for it.
    fn fill(&mut self, shared: &Shared) -> Result<(), String> {
        let Some(socket) = self.socket.as_mut().filter(|socket| socket.has_room()) else {
            return Ok(());
        };
        let mut link = shared.link.lock();
        let waiting = link.outbox.waiting();
        while socket.has_room()
            && let Some(packet) = link.next_packet()
        {
            match packet {
                Outgoing::Publish { packet_id: 0, .. } => self.unwritten_qos0 += 1,
                Outgoing::Disconnect => self.is_ending = true,
                _ => {}
            }
            socket.add(self.version, packet)?;
        }
        let has_room = link.outbox.waiting() < waiting;
        drop(link);
        if has_room {
            shared.room.notify_waiters();
        }
        Ok(())
    }

    /// Takes every packet that was read.
    fn read(&mut self) -> Result<(), String> {
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        while let Some(received) = socket.packet(self.version)? {
            self.unanswered = 0;
            match received {
                Received::Event(event) => self.events.push(event),
                Received::Disconnect(reason) => {
                    return Err(format!("the broker closed the connection: {reason}"));
                }
                Received::Answer(_) | Received::Other => {}
            }
        }
        Ok(())
    }

    fn ping(&mut self) -> Result<(), String> {
        if self.unanswered >= MAX_UNANSWERED {
            return Err("nothing came from the broker, not even the answer to a ping".to_owned());
        }
        self.unanswered += 1;
        self.ping.as_mut().reset(Instant::now() + self.keep_alive);
        let socket = self.socket.as_mut().ok_or("not connected")?;
        socket.add(self.version, Outgoing::Ping)
    }

    /// Discards everything of an ended connection. Returns the number of our messages at `QoS` 0 that were lost with it.
    pub(in super::super) fn discard(&mut self) -> u64 {
        self.socket = None;
        self.events.clear();
        self.has_written = false;
        self.is_ending = false;
        std::mem::take(&mut self.unwritten_qos0)
    }
}

/// Connects, sends CONNECT and returns the broker's terms.
async fn connect(
    options: &ConnectionOptions,
    version: Version,
    client_id: &str,
) -> Result<(Socket, Terms), Failure> {
    let tls = options.broker.tls();
    let mut socket = Socket::connect(options)
        .await
        .map_err(|error| Failure::new(words::early(&error, tls)))?;
    // A refusal in the format of MQTT 3.1.1 is too short for the codec of MQTT 5, which then waits for more until the
    // broker hangs up. If there is no answer at all, the broker is more likely to be absent.
    let unreadable = |reason: String| Failure {
        reason,
        unsupported: Unsupported::Perhaps,
    };
    socket.greet(options, version, client_id).map_err(Failure::new)?;
    loop {
        if let Some(foreign) = words::foreign(socket.unread()) {
            return Err(Failure::new(foreign.to_owned()));
        }
        match socket.packet(version).map_err(unreadable)? {
            Some(Received::Answer(answer)) => return answer.map(|terms| (socket, terms)),
            Some(_) => return Err(unreadable("the broker did not answer our CONNECT".to_owned())),
            None => {}
        }
        socket
            .progress(true)
            .await
            .map_err(|error| unreadable(words::early(&error, tls)))?;
    }
}

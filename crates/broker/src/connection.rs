//! One client's connection: reads, asks the hook, acknowledges in order, delivers.
//!
//! In: a greeted client and its session. Out: everything until its end. One task does all of it: it decodes what has arrived,
//! lets the hook handle many publishes at once, and writes their acknowledgements and what waits for the client together.
//! It stops reading where the hook or the client does not keep up.

use std::{
    collections::HashSet,
    net::SocketAddr,
    num::NonZeroU16,
    ops::RangeInclusive,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytestring::ByteString;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use parking_lot::MutexGuard;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, timeout},
};

pub(crate) use crate::clock::Clock;
use crate::{
    access::{Farewell, Rights},
    answering::{Handled, Settled},
    ending::Ending,
    events::{EventKind, Who},
    gate::Identity,
    holding::Holding,
    inspection,
    limits::Limit,
    link::{Kick, Link},
    packet::{Codec, Goodbye, Packet},
    rates::{Rates, Toll},
    registry::Departure,
    session::{Outlet, Session, State},
    shared::{Publisher, Shared},
    will::Will,
    wire::{FrameLimits, Wire, frame},
};

/// Bytes of publishes that the hook handles at once for one connection; a flood of clips must not fill the queue of others.
const MAX_PENDING_BYTES: usize = 1 << 20;
/// From so many waiting bytes on nothing more is delivered.
const FULL_OUTPUT_BYTES: usize = 64 << 10;
/// From so many waiting bytes on nothing more is read: reading causes acknowledgements.
const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Rounds before other tasks get their turn.
const ROUNDS: usize = 16;
/// How long the last packet may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A greeted client.
pub(crate) struct Connection<S> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wire: Wire<S>,
    pub(crate) codec: Codec,
    pub(crate) link: Arc<Link>,
    pub(crate) session: Arc<Session>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) rights: Arc<dyn Rights>,
    pub(crate) address: SocketAddr,
    pub(crate) will: Option<Will>,
    pub(crate) session_expiry: Duration,
    pub(crate) max_packet_bytes: usize,
    /// Publishes that the hook handles, in the order of receipt.
    pub(crate) pending: FuturesOrdered<BoxFuture<'static, Handled>>,
    pub(crate) pending_bytes: usize,
    /// Publishes that wait for an acknowledgement of their own or of one before them, in the order of receipt.
    pub(crate) accepting: FuturesOrdered<BoxFuture<'static, Settled>>,
    /// Those among them that are not routed yet.
    pub(crate) unrouted: usize,
    /// Those among them that are routed and that the hook has not accepted yet.
    pub(crate) undecided: usize,
    /// Subscriptions that are not on disk yet; nothing is delivered before they are acknowledged.
    pub(crate) subscribing: usize,
    /// Publishes of the client that are not acknowledged.
    pub(crate) unacknowledged: usize,
    /// Ids of pending publishes at `QoS` 2.
    pub(crate) pending_ids: HashSet<NonZeroU16>,
    /// A packet that has to wait until everything before it is done.
    pub(crate) waiting: Option<Packet>,
    pub(crate) aliases: Vec<Option<ByteString>>,
    pub(crate) clock: Clock,
    /// How fast the client may send; `None` where it is free to.
    pub(crate) rates: Option<Rates>,
    /// Until when nothing is read, because it has sent too fast.
    pub(crate) pause: Option<Pin<Box<Sleep>>>,
    /// What it holds of packets that have arrived in part.
    pub(crate) holding: Holding,
    /// Whether nothing can be written any more.
    pub(crate) is_deaf: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Serves the client until it or somebody else ends the connection.
    pub(crate) async fn run(mut self) {
        let ending = std::future::poll_fn(|cx| self.poll_end(cx)).await;
        self.finish(ending).await;
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        for _ in 0..ROUNDS {
            match self.round(cx) {
                Err(ending) => return Poll::Ready(ending),
                Ok(true) => {}
                Ok(false) => return self.clock.poll_end(cx),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One round of everything that is possible now. Returns whether another one may do more.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, Ending> {
        self.link.take_signal(cx);
        if let Some(kick) = self.link.kicked() {
            return Err(Ending::Kicked(kick));
        }
        while let Poll::Ready(Some(handled)) = self.pending.poll_next_unpin(cx) {
            self.answer(handled)?;
        }
        while let Poll::Ready(Some(settled)) = self.accepting.poll_next_unpin(cx) {
            self.settle(settled)?;
        }
        let mut more = false;
        if let Some(pause) = &mut self.pause
            && pause.as_mut().poll(cx).is_ready()
        {
            self.pause = None;
            more = true;
        }
        if self.is_routed()
            && let Some(packet) = self.waiting.take()
        {
            self.handle(packet)?;
            more = true;
        }
        self.deliver();
        more |= self.write(cx);
        // What has arrived comes first: a client may send, and close at once.
        more |= self.take_packets()?;
        if !self.holding.update(self.wire.input.len()) {
            return Err(Ending::held_too_much());
        }
        more |= self.read(cx)?;
        Ok(more)
    }

    /// Writes what it can. Returns whether there is room for more now.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let mut written = false;
        if self.is_deaf {
            self.wire.output.clear();
        }
        while !self.wire.output.is_empty() {
            match self.wire.poll_write(cx) {
                Poll::Ready(Ok(bytes)) => {
                    self.shared.statistics.bytes_sent.add(bytes as u64);
                    self.clock.stalled_since = None;
                    written = true;
                }
                Poll::Ready(Err(_)) => {
                    // What it has sent before it closed is still to be read.
                    self.is_deaf = true;
                    self.wire.output.clear();
                }
                Poll::Pending => {
                    self.clock.stalled_since.get_or_insert_with(Instant::now);
                    return false;
                }
            }
        }
        written
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Ending> {
        if !self.has_room() {
            // Whatever waits in the socket is not the client's silence.
            self.clock.heard = Instant::now();
            return Ok(false);
        }
        match self.wire.poll_read(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Err(Ending::Lost),
            Poll::Ready(Ok(bytes)) => {
                self.shared.statistics.bytes_received.add(bytes as u64);
                self.clock.heard = Instant::now();
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }

    fn has_room(&self) -> bool {
        self.waiting.is_none()
            && self.pause.is_none()
            && self.pending.len() + self.accepting.len() < usize::from(self.shared.options.max_inflight.get())
            && self.pending_bytes < MAX_PENDING_BYTES
            && self.wire.output.len() < MAX_OUTPUT_BYTES
    }

    /// Handles the packets that have arrived. Returns whether there were any.
    fn take_packets(&mut self) -> Result<bool, Ending> {
        let limits = FrameLimits {
            max_packet_bytes: self.shared.options.max_packet_bytes as usize,
            properties: self.codec.is_v5(),
        };
        let mut packets = 0;
        let mut outcome = Ok(());
        while outcome.is_ok()
            && self.has_room()
            && let Some(length) = frame(&self.wire.input, limits)?
        {
            packets += 1;
            inspection::packet(&mut self.wire.input[..length], limits.properties)?;
            let first = self.wire.input[0];
            let packet = self.codec.decode(&mut self.wire.input)?;
            outcome = self.handle(packet).and_then(|()| self.pay(first, length));
        }
        self.shared.statistics.packets_received.add(packets);
        outcome.map(|()| packets > 0)
    }

    /// Counts a packet against the client's rates.
    fn pay(&mut self, first: u8, bytes: usize) -> Result<(), Ending> {
        const ACKNOWLEDGEMENTS: RangeInclusive<u8> = 4..=7;
        let Some(rates) = &mut self.rates else {
            return Ok(());
        };
        if ACKNOWLEDGEMENTS.contains(&(first >> 4)) {
            return Ok(());
        }
        match rates.take(bytes, Instant::now()) {
            Toll::Free => {}
            Toll::Wait(wait) => {
                self.shared.statistics.reached(Limit::Rate);
                self.pause = Some(Box::pin(tokio::time::sleep(wait)));
            }
            Toll::Exceeded => return Err(Ending::too_fast()),
        }
        Ok(())
    }

    /// Moves what waits for the client to the output, as far as the client keeps up.
    fn deliver(&mut self) {
        if self.is_deaf || self.subscribing > 0 || self.wire.output.len() >= FULL_OUTPUT_BYTES {
            return;
        }
        let outlet = Outlet {
            max_packet_bytes: self.max_packet_bytes,
            full_at_bytes: FULL_OUTPUT_BYTES,
        };
        let done = {
            if !self.session.state().has_mail() {
                return;
            }
            let mut page = self.shared.page_of(&self.session);
            let mut state = self.session.state();
            if !state.is_owned_by(&self.link) {
                return;
            }
            state.deliver(&mut self.codec, outlet, &mut self.wire.output, page.as_mut())
        };
        let statistics = &self.shared.statistics;
        if done.messages > 0 {
            statistics.publishes_sent.add(done.messages);
            statistics.packets_sent.add(done.messages);
            statistics.publish_bytes_sent.add(done.bytes);
        }
        if done.too_large > 0 {
            self.tell_too_large(done.too_large);
        }
    }

    /// The session's state, unless another connection has it by now.
    pub(crate) fn own_state(&self) -> Option<MutexGuard<'_, State>> {
        let state = self.session.state();
        state.is_owned_by(&self.link).then_some(state)
    }

    pub(crate) fn who(&self) -> Who<'_> {
        Who {
            address: self.address,
            client_id: &self.identity.client_id,
        }
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        Publisher {
            number: self.session.number,
            client_id: &self.identity.client_id,
            address: self.address,
        }
    }

    /// Carries what was received to its end, lets go of the session, and says why.
    async fn finish(mut self, mut ending: Ending) {
        let before = self.wire.output.len();
        while let Some(handled) = self.pending.next().await {
            // What is withheld now is not acknowledged; the client sends it again.
            let _ = self.answer(handled);
        }
        while let Some(settled) = self.accepting.next().await {
            let _ = self.settle(settled);
        }
        if matches!(ending, Ending::Fault(_)) {
            // Nothing after the faulty packet is acknowledged, or the order would be broken.
            self.wire.output.truncate(before);
        }
        if let Ending::Goodbye(goodbye) = &ending
            && let Err(fault) = self.apply(*goodbye)
        {
            ending = fault;
        }
        let max_packet_bytes = self.max_packet_bytes;
        if let Some((reason, text)) = ending.farewell() {
            let Self { codec, wire, .. } = &mut self;
            codec.disconnect(reason, text, max_packet_bytes, &mut wire.output);
        }
        if matches!(ending, Ending::Kicked(Kick::AccessEnded)) {
            // It was allowed to an account that is not what it was.
            self.will = None;
        }
        let departure = Departure {
            session: Arc::clone(&self.session),
            will: self.will.take(),
            session_expiry: self.session_expiry,
        };
        self.shared.depart(departure, &self.link);
        self.link.released.cancel();
        self.shared.statistics.client_gone();
        self.tell_access(&ending);
        let is_lost = matches!(ending, Ending::Lost);
        if let Some(what) = ending.into_event() {
            self.shared.events.tell(self.who(), what);
        }
        if !is_lost {
            let farewell = async {
                if self.wire.finish().await.is_ok() {
                    self.wire.discard().await;
                }
            };
            let _ = timeout(FAREWELL, farewell).await;
        }
    }

    fn tell_access(&self, ending: &Ending) {
        let (Some(access), Some(account)) = (&self.shared.access, &self.session.owner.account) else {
            return;
        };
        let farewell = match ending {
            Ending::Kicked(Kick::TakenOver(_) | Kick::ShuttingDown) => return,
            Ending::Goodbye(_) => Farewell::Said,
            Ending::Lost => Farewell::Lost,
            Ending::Fault(fault) if fault.what.kind == EventKind::KeepAliveEnded => Farewell::Lost,
            Ending::Fault(_) | Ending::Kicked(Kick::AccessEnded) => Farewell::Ended,
        };
        access.left(account, farewell);
    }

    /// What a DISCONNECT asks for.
    fn apply(&mut self, goodbye: Goodbye) -> Result<(), Ending> {
        if let Some(seconds) = goodbye.session_expiry {
            if self.session_expiry.is_zero() && seconds > 0 {
                return Err(Ending::protocol_error(
                    "DISCONNECT prolongs a session that was to end with its connection",
                ));
            }
            let asked = Duration::from_secs(seconds.into());
            self.session_expiry = asked.min(self.shared.options.session_expiry);
        }
        if !goodbye.with_will {
            self.will = None;
        }
        Ok(())
    }
}

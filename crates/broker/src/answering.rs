//! How a connection routes and acknowledges what it has received.
//!
//! In: publishes that the hook has seen, in the order of receipt. Out: messages to subscribers, and answers in the same
//! order: each when the hook has accepted the message and what it promises is on disk.

use std::{future::ready, num::NonZeroU16};

use bytes::BytesMut;
use rmqtt_codec::types::{Publish, QoS};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Reception, Verdict,
    connection::Connection,
    ending::Ending,
    keep::{Page, Ticket},
    packet::Refusal,
    session::State,
    shared::Taking,
};

/// A publish whose turn to be routed has come.
pub(crate) struct Handled {
    pub(crate) publish: Box<Publish>,
    pub(crate) outcome: Outcome,
}

/// Something whose turn to be answered has come.
pub(crate) enum Settled {
    /// It is not routed yet, because it came behind one that waited for the hook.
    Unrouted(Handled),
    /// It was routed ahead of its acknowledgement.
    Routed(Receipt, Answer),
    /// It was routed, and the hook has not said yet whether it is accepted.
    Ahead(Receipt, Verdict),
    /// Bytes that were to wait; `None` where what they promise could not be kept. The second field tells whether they are of a
    /// SUBACK.
    Reply(Option<BytesMut>, bool),
}

/// How a publish is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Acknowledged(Option<Refusal>),
    /// Neither acknowledged nor refused: the client sends it again.
    Withheld,
}

/// What is needed to acknowledge a publish.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipt {
    qos: QoS,
    packet_id: Option<NonZeroU16>,
    bytes: usize,
    /// Whether it is one that came before, which was not counted.
    repeated: bool,
}

/// What is to be done with a publish.
pub(crate) enum Outcome {
    Asked(Reception),
    Refused(Refusal),
    /// It is acknowledged and goes nowhere.
    Ignored,
    /// It has the id of one before it that is not released.
    Repeated,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Changes the session's state, unless another connection has it by now, and what is kept of it. Without `waits` the change
    /// reaches the disk some time later.
    pub(crate) fn change<T>(
        &self,
        waits: bool,
        change: impl FnOnce(&mut State, Option<&mut Page<'_>>) -> T,
    ) -> (Option<T>, Option<Ticket>) {
        let mut page = self.shared.page_of(&self.session);
        let outcome = self
            .own_state()
            .map(|mut state| change(&mut state, page.as_mut()));
        (outcome, page.filter(|_| waits).and_then(Page::ticket))
    }

    /// Answers as soon as what the answer promises is on disk.
    pub(crate) fn reply(&mut self, bytes: BytesMut, ticket: Option<Ticket>, is_suback: bool) {
        self.shared.statistics.packets_sent.one();
        let Some(ticket) = ticket else {
            self.wire.output.extend_from_slice(&bytes);
            return;
        };
        self.subscribing += usize::from(is_suback);
        self.accepting.push_back(Box::pin(async move {
            Settled::Reply(ticket.written().await.then_some(bytes), is_suback)
        }));
    }

    /// Routes a publish whose turn has come, and acknowledges it unless its acknowledgement, or one before it, waits.
    pub(crate) fn answer(&mut self, handled: Handled) -> Result<(), Ending> {
        let Handled { publish, outcome } = handled;
        match outcome {
            Outcome::Asked(Reception::Ahead(accepting)) if self.unrouted == 0 => {
                let receipt = Receipt::of(&publish);
                let ticket = self.shared.route(*publish, self.publisher(), None);
                self.undecided += 1;
                self.accepting.push_back(Box::pin(async move {
                    let verdict = accepting.await;
                    Settled::Ahead(receipt, kept(ticket, verdict).await)
                }));
            }
            Outcome::Asked(Reception::Ahead(accepting)) => {
                self.unrouted += 1;
                self.accepting.push_back(Box::pin(async move {
                    let outcome = Outcome::Asked(accepting.await.into());
                    Settled::Unrouted(Handled { publish, outcome })
                }));
            }
            // If the one before it is withheld, the client sends both again.
            outcome if self.undecided > 0 || self.unrouted > 0 => {
                self.unrouted += 1;
                let settled = Settled::Unrouted(Handled { publish, outcome });
                self.accepting.push_back(Box::pin(ready(settled)));
            }
            outcome => return self.conclude(publish, &outcome),
        }
        Ok(())
    }

    /// Acknowledges a publish whose turn has come, and routes it if it is not routed yet.
    pub(crate) fn settle(&mut self, settled: Settled) -> Result<(), Ending> {
        match settled {
            Settled::Unrouted(Handled { publish, outcome }) => {
                self.unrouted -= 1;
                self.conclude(publish, &outcome)
            }
            Settled::Ahead(receipt, verdict) => {
                self.undecided -= 1;
                self.finish_publish(receipt, answer_of(verdict))
            }
            Settled::Routed(receipt, answer) => self.finish_publish(receipt, answer),
            Settled::Reply(bytes, is_suback) => {
                self.subscribing -= usize::from(is_suback);
                let Some(bytes) = bytes else {
                    return Err(Ending::withheld(self.shared.gate.is_closed()));
                };
                self.wire.output.extend_from_slice(&bytes);
                Ok(())
            }
        }
    }

    /// Routes a publish that is decided, and acknowledges it in its turn.
    fn conclude(&mut self, publish: Box<Publish>, outcome: &Outcome) -> Result<(), Ending> {
        let receipt = Receipt {
            repeated: matches!(outcome, Outcome::Repeated),
            ..Receipt::of(&publish)
        };
        let answer = match outcome {
            Outcome::Asked(Reception::Decided(verdict)) => answer_of(*verdict),
            // It is decided before it comes here.
            Outcome::Asked(Reception::Ahead(_)) | Outcome::Ignored => Answer::Acknowledged(None),
            Outcome::Refused(refusal) => Answer::Acknowledged(Some(*refusal)),
            Outcome::Repeated => {
                let taken = publish
                    .packet_id
                    .is_some_and(|id| self.own_state().is_some_and(|state| state.has_taken(id)));
                Answer::Acknowledged((!taken).then_some(Refusal::QuotaExceeded))
            }
        };
        let is_taken = matches!(answer, Answer::Acknowledged(None)) && !receipt.repeated;
        let ticket = if is_taken {
            self.take(publish, matches!(outcome, Outcome::Ignored))
        } else {
            None
        };
        if ticket.is_none() && self.accepting.is_empty() {
            return self.finish_publish(receipt, answer);
        }
        self.accepting.push_back(Box::pin(async move {
            let is_kept = match ticket {
                Some(ticket) => ticket.written().await,
                None => true,
            };
            Settled::Routed(receipt, if is_kept { answer } else { Answer::Withheld })
        }));
        Ok(())
    }

    /// Routes a publish that is accepted. At `QoS` 2 it is noted as taken, also for a connection that has lost its session:
    /// the message is routed.
    fn take(&self, publish: Box<Publish>, goes_nowhere: bool) -> Option<Ticket> {
        let id = publish.packet_id.filter(|_| publish.qos == QoS::ExactlyOnce);
        if goes_nowhere {
            if let Some(id) = id {
                self.session.state().take(id, None);
            }
            return None;
        }
        let taking = id.map(|id| Taking {
            session: &self.session,
            id,
        });
        self.shared.route(*publish, self.publisher(), taking)
    }

    fn finish_publish(&mut self, receipt: Receipt, answer: Answer) -> Result<(), Ending> {
        if receipt.repeated {
            self.pending_bytes -= receipt.bytes;
        } else {
            self.taken(receipt);
        }
        match answer {
            Answer::Acknowledged(refusal) => {
                self.acknowledge(receipt, refusal);
                Ok(())
            }
            Answer::Withheld => Err(Ending::withheld(self.shared.gate.is_closed())),
        }
    }

    /// Counts a publish out that was counted in.
    fn taken(&mut self, receipt: Receipt) {
        self.pending_bytes -= receipt.bytes;
        if receipt.qos != QoS::AtMostOnce {
            self.unacknowledged -= 1;
            if let Some(id) = receipt.packet_id {
                self.pending_ids.remove(&id);
            }
        }
    }

    fn acknowledge(&mut self, receipt: Receipt, refusal: Option<Refusal>) {
        let Receipt { qos, packet_id, .. } = receipt;
        self.codec
            .acknowledge(qos, packet_id, refusal, &mut self.wire.output);
        self.shared
            .statistics
            .packets_sent
            .add(u64::from(qos != QoS::AtMostOnce));
    }
}

impl Receipt {
    fn of(publish: &Publish) -> Self {
        Self {
            qos: publish.qos,
            packet_id: publish.packet_id,
            bytes: publish.payload.len(),
            repeated: false,
        }
    }
}

const fn answer_of(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Accept => Answer::Acknowledged(None),
        Verdict::Refuse => Answer::Acknowledged(Some(Refusal::QuotaExceeded)),
        Verdict::Withhold => Answer::Withheld,
    }
}

/// A verdict that holds once the message is on disk.
async fn kept(ticket: Option<Ticket>, verdict: Verdict) -> Verdict {
    let is_kept = match ticket {
        Some(ticket) => ticket.written().await,
        None => true,
    };
    if is_kept { verdict } else { Verdict::Withhold }
}

//! The limits, by name: each has a counter of how often it was reached.

macro_rules! limits {
    ($($name:ident = $code:literal, $text:literal;)+) => {
        /// What is limited.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Limit { $($name,)+ }

        impl Limit {
            /// Every limit.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name of its counter, and what it counts.
            pub(crate) const fn counter(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => (concat!("limit_", $code), $text),)+ }
            }
        }
    };
}

limits! {
    Connections = "connections", "Connections refused because there were too many in all";
    ConnectionsPerAddress = "connections_per_address", "Connections refused because there were too many from one address";
    Unidentified = "unidentified_per_address", "Connections closed because too many from one address had not sent CONNECT";
    Handshake = "handshake", "Connections closed because no CONNECT came in time";
    GreetingBytes = "greeting_bytes", "Connections closed because CONNECT was too large";
    WillBytes = "will_bytes", "Connections refused because the will was too large";
    PacketBytes = "packet_bytes", "Connections closed because a packet was too large";
    PartialBytes = "partial_bytes", "Connections closed because partly received packets took too much memory";
    Rate = "rate", "Times that reading from a client paused because it sent too fast";
    RateExceeded = "rate_exceeded", "Clients disconnected because they sent too fast for too long";
    Sessions = "sessions", "Connections refused because there were too many sessions";
    Subscriptions = "subscriptions", "Subscriptions refused because the client had too many";
    TopicLevels = "topic_levels", "Topics and filters refused because they had too many levels";
    Retained = "retained", "Messages not retained because there were too many or they were too large";
    RetainedPayload = "retained_payload", "Messages not retained because their payload was too large";
    Queue = "queue", "Times that messages were dropped because a client's queue was full";
}

//! Why a message cannot be published.

/// A message was not accepted or did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic is empty, too long, or holds a wildcard or NUL.
    #[error("'{0}' is not a topic to publish to")]
    BadTopic(String),
    /// The packet exceeds our limit or the broker's.
    #[error("the message exceeds the largest packet of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u32,
    },
    /// Too many messages wait already.
    #[error("too many messages wait to be sent")]
    Full,
    /// The broker refused it, with MQTT's reason code.
    #[error("the broker refused the message: {0}")]
    Refused(String),
    /// It could not be sent in time.
    #[error("the message expired before it could be sent")]
    Expired,
    /// The connection was closed for good.
    #[error("the connection is closed")]
    Closed,
}

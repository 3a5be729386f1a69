//! Topic names and topic filters: what may be published to, and what may be subscribed to.
//!
//! In: text as a client sent it. Out: a verdict, or the parts of a filter. Linear in the length of the text.

/// Most levels of a topic or a filter, whatever the options say: trees of levels are walked level by level.
const MAX_LEVELS: usize = 128;

/// Why nobody may publish to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicFault {
    /// It is no topic name.
    Malformed(&'static str),
    /// It belongs to the broker.
    Reserved,
}

/// Checks the topic of a PUBLISH or of a will.
pub(crate) fn check_name(topic: &str) -> Result<(), TopicFault> {
    if topic.is_empty() {
        return Err(TopicFault::Malformed("the topic is empty"));
    }
    if topic.contains(['+', '#']) {
        return Err(TopicFault::Malformed(
            "the topic contains a wildcard (+ or #), which only subscriptions may",
        ));
    }
    if topic.contains('\0') {
        return Err(TopicFault::Malformed("the topic contains a NUL character"));
    }
    if levels(topic) > MAX_LEVELS {
        return Err(TopicFault::Malformed("the topic has more than 128 levels"));
    }
    if topic.starts_with('$') {
        return Err(TopicFault::Reserved);
    }
    Ok(())
}

/// Checks the topic for answers that a PUBLISH or a will may carry: it is never published to by the broker, but others will.
pub(crate) fn check_response(topic: Option<&str>) -> Result<(), TopicFault> {
    match topic {
        Some(topic) if topic.is_empty() || topic.contains(['+', '#', '\0']) => Err(TopicFault::Malformed(
            "its response topic is empty, or contains a wildcard or a NUL character",
        )),
        _ => Ok(()),
    }
}

/// Whether a message says how a Mosquitto bridge is: bridges publish it by default, also as their will. It is taken and
/// goes nowhere, or no bridge could connect.
pub(crate) fn is_bridge_notice(topic: &str) -> bool {
    topic.starts_with("$SYS/broker/connection/")
        && topic.ends_with("/state")
        && !topic.contains(['+', '#', '\0'])
}

/// A topic filter, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter<'a> {
    /// The name of the group that shares the subscription.
    pub(crate) group: Option<&'a str>,
    /// The filter itself.
    pub(crate) pattern: &'a str,
}

impl<'a> Filter<'a> {
    /// Takes a filter apart; `None` where it is malformed.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (group, pattern) = match text.strip_prefix("$share/") {
            Some(shared) => {
                let (group, pattern) = shared.split_once('/')?;
                if group.is_empty() || group.contains(['+', '#']) {
                    return None;
                }
                (Some(group), pattern)
            }
            None => (None, text),
        };
        let sound = !pattern.is_empty()
            && !text.contains('\0')
            && levels(pattern) <= MAX_LEVELS
            && wildcards_stand_alone(pattern);
        sound.then_some(Self { group, pattern })
    }
}

/// The number of levels.
pub(crate) fn levels(topic: &str) -> usize {
    topic.bytes().filter(|byte| *byte == b'/').count() + 1
}

/// Whether each wildcard is a level of its own, and `#` the last one.
fn wildcards_stand_alone(pattern: &str) -> bool {
    let mut levels = pattern.split('/').peekable();
    while let Some(level) = levels.next() {
        let sound = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            name => !name.contains(['+', '#']),
        };
        if !sound {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for topic in ["a", "/", "a/b", "sensor/küche/temperature", "a//b", " "] {
            assert_eq!(check_name(topic), Ok(()), "{topic}");
        }
        for topic in ["", "+", "a/#", "a+b", "a\0b", &"/".repeat(128)] {
            assert!(
                matches!(check_name(topic), Err(TopicFault::Malformed(_))),
                "{topic}"
            );
        }
        assert_eq!(check_name(&"/".repeat(127)), Ok(()));
        assert_eq!(check_name("$SYS/x"), Err(TopicFault::Reserved));
        assert_eq!(check_response(None), Ok(()));
        assert_eq!(check_response(Some("answers/1")), Ok(()));
        for topic in ["", "+", "a/#", "a\0"] {
            assert!(check_response(Some(topic)).is_err(), "{topic}");
        }
    }

    #[test]
    fn filters() {
        for filter in ["#", "+", "a/+/b", "a/#", "/", "$SYS/#", "+/+", "a//#"] {
            assert_eq!(
                Filter::parse(filter),
                Some(Filter {
                    group: None,
                    pattern: filter
                })
            );
        }
        for filter in [
            "",
            "a#",
            "#/a",
            "a/#/b",
            "te+p",
            "a\0",
            "$share/g",
            "$share//a",
            "$share/g/",
            "$share/+/a",
            &"/".repeat(128),
        ] {
            assert_eq!(Filter::parse(filter), None, "{filter}");
        }
        assert_eq!(
            Filter::parse("$share/ml/work/#"),
            Some(Filter {
                group: Some("ml"),
                pattern: "work/#"
            })
        );
    }
}

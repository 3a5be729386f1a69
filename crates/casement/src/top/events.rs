//! Server-sent events as lines come (HTML Living Standard, 9.2).
//!
//! In: lines. Out: an event at each empty line that ends one. Lines are bounded before they come here.

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: String,
}

/// Largest data of one event.
const MAX_DATA: usize = 1 << 20;

/// Puts lines together.
#[derive(Debug, Default)]
pub(super) struct Lines {
    id: String,
    name: String,
    data: String,
}

impl Lines {
    /// Takes a line without its end.
    pub(super) fn take(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (!data.is_empty()).then(|| Event {
                id: self.id.clone(),
                name,
                data,
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.len() + value.len() <= MAX_DATA => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
        None
    }

    /// The id of the last event, to go on after it.
    pub(super) fn last_id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line() {
        let mut lines = Lines::default();
        let text = ": hello\n\nretry: 3000\nid: 7-1\n\nevent: reading\ndata: {\"a\":\ndata: 1}\nid: 7-2\n\n: beat\n\n";
        let events: Vec<Event> = text.lines().filter_map(|line| lines.take(line)).collect();
        let expected = Event {
            id: "7-2".into(),
            name: "reading".into(),
            data: "{\"a\":\n1}".into(),
        };
        assert_eq!(events, [expected]);
        assert_eq!(lines.last_id(), "7-2");
    }

    #[test]
    fn data_without_end_are_bounded() {
        let mut lines = Lines::default();
        let long = format!("data: {}", "x".repeat(600_000));
        for _ in 0..10 {
            lines.take(&long);
        }
        assert!(lines.take("").unwrap().data.len() <= MAX_DATA + 10);
    }
}

//! Joins the chunks of a streamed answer: libchdb writes each one as if it were a whole answer.
//!
//! In: chunks of one answer. Out: the same chunks without their repeated headers, or with what newer Native clients
//! expect in each block.

use crate::{exception::Exception, ffi::Counters, native};

/// How chunks of a format become one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// As they are.
    Plain,
    /// Every chunk begins with the same `n` lines.
    HeaderLines(usize),
    /// Every chunk begins with names, and with `true` types.
    BinaryHeader(bool),
    /// Native of this protocol version.
    Native(u32),
}

/// Returns how chunks of a format are joined; `None` for a format that must be written in one piece.
pub(crate) fn joining(format: &str, protocol: u32) -> Option<Joining> {
    Some(match format.to_ascii_lowercase().as_str() {
        "tabseparated" | "tsv" | "tabseparatedraw" | "tsvraw" | "csv" | "jsoneachrow" | "jsonlines"
        | "ndjson" | "jsoncompacteachrow" | "rowbinary" | "values" | "lineasstring" | "rawblob" => {
            if format.eq_ignore_ascii_case("values") {
                return None;
            }
            Joining::Plain
        }
        "tabseparatedwithnames" | "tsvwithnames" | "csvwithnames" | "jsoncompacteachrowwithnames" => {
            Joining::HeaderLines(1)
        }
        "tabseparatedwithnamesandtypes"
        | "tsvwithnamesandtypes"
        | "csvwithnamesandtypes"
        | "jsoncompacteachrowwithnamesandtypes" => Joining::HeaderLines(2),
        "rowbinarywithnames" => Joining::BinaryHeader(false),
        "rowbinarywithnamesandtypes" => Joining::BinaryHeader(true),
        "native" => Joining::Native(protocol),
        _ => return None,
    })
}

/// Joins the chunks of one answer.
#[derive(Debug)]
pub(crate) struct Joiner {
    joining: Joining,
    first: bool,
}

impl Joiner {
    pub(crate) fn new(joining: Joining) -> Self {
        Self { joining, first: true }
    }

    pub(crate) fn push(&mut self, chunk: Vec<u8>) -> Result<Vec<u8>, Exception> {
        let first = std::mem::replace(&mut self.first, false);
        Ok(match self.joining {
            Joining::Native(protocol) => native::for_protocol(&chunk, protocol)?,
            Joining::Plain => chunk,
            _ if first => chunk,
            Joining::HeaderLines(lines) => chunk[lines_end(&chunk, lines)..].to_vec(),
            Joining::BinaryHeader(types) => chunk[binary_header_end(&chunk, types).unwrap_or(0)..].to_vec(),
        })
    }
}

/// Whether an answer in the format is short by itself, however many rows there are, unless a setting has it show more.
pub(crate) fn is_short(format: &str, shows_more_rows: bool) -> bool {
    let format = format.to_ascii_lowercase();
    let for_people = format.starts_with("pretty") || format == "vertical";
    format == "null" || for_people && !shows_more_rows
}

/// Puts the counters into an answer that was written as a block of a stream, where they are still zero.
pub(crate) fn with_statistics(mut answer: Vec<u8>, format: &str, counters: Counters) -> Vec<u8> {
    const HAVE_THEM: &[&str] = &[
        "json",
        "jsonstrings",
        "jsoncompact",
        "jsoncompactstrings",
        "jsoncolumnswithmetadata",
        "xml",
    ];
    /// They are the last thing.
    const AT_MOST: usize = 256;
    if !HAVE_THEM.contains(&format.to_ascii_lowercase().as_str()) {
        return answer;
    }
    for (name, value) in [
        ("rows_read", counters.read_rows),
        ("bytes_read", counters.read_bytes),
    ] {
        for (before, after) in [("\"", "\": "), ("<", ">")] {
            let mark = format!("{before}{name}{after}");
            let from = answer.len().saturating_sub(AT_MOST);
            let found = answer[from..]
                .windows(mark.len())
                .rposition(|window| window == mark.as_bytes());
            if let Some(at) = found
                .map(|at| from + at + mark.len())
                .filter(|at| answer[*at] == b'0')
            {
                answer.splice(at..=at, value.to_string().into_bytes());
            }
        }
    }
    answer
}

fn lines_end(chunk: &[u8], lines: usize) -> usize {
    // Names are escaped in TSV and quoted in CSV; a quoted line feed is not a line's end.
    let mut quoted = false;
    let mut seen = 0;
    for (index, byte) in chunk.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                seen += 1;
                if seen == lines {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    chunk.len()
}

fn binary_header_end(chunk: &[u8], types: bool) -> Option<usize> {
    let mut at = 0;
    let columns = varint(chunk, &mut at)?;
    for _ in 0..columns.checked_mul(if types { 2 } else { 1 })? {
        let length = varint(chunk, &mut at)?;
        at = at.checked_add(length)?;
    }
    (at <= chunk.len()).then_some(at)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Returns ClickHouse's content type for a format.
pub(crate) fn content_type(format: &str) -> &'static str {
    match format.to_ascii_lowercase().as_str() {
        "json" | "jsoncompact" | "jsonstrings" | "jsoncompactstrings" | "jsoncolumns" => {
            "application/json; charset=UTF-8"
        }
        "jsoneachrow" | "ndjson" | "jsonlines" => "application/x-ndjson; charset=UTF-8",
        "csv" | "csvwithnames" | "csvwithnamesandtypes" => "text/csv; charset=UTF-8; header=absent",
        "tabseparated"
        | "tsv"
        | "tabseparatedwithnames"
        | "tsvwithnames"
        | "tabseparatedwithnamesandtypes"
        | "tsvwithnamesandtypes" => "text/tab-separated-values; charset=UTF-8",
        "native"
        | "rowbinary"
        | "rowbinarywithnames"
        | "rowbinarywithnamesandtypes"
        | "parquet"
        | "arrow"
        | "arrowstream" => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_stand_once() {
        let mut tsv = Joiner::new(Joining::HeaderLines(1));
        assert_eq!(
            [
                tsv.push(b"a\n1\n".to_vec()).unwrap(),
                tsv.push(b"a\n2\n".to_vec()).unwrap()
            ]
            .concat(),
            b"a\n1\n2\n"
        );
        let chunk = |value: u8| vec![1, 1, b'a', 5, b'U', b'I', b'n', b't', b'8', value];
        let mut binary = Joiner::new(Joining::BinaryHeader(true));
        assert_eq!(
            [binary.push(chunk(7)).unwrap(), binary.push(chunk(8)).unwrap()].concat(),
            [chunk(7), vec![8]].concat()
        );
    }

    #[test]
    fn counters_are_put_into_the_end_of_an_answer() {
        let counters = Counters {
            read_rows: 30,
            read_bytes: 240,
            ..Counters::default()
        };
        let put = |text: &str, format: &str| {
            String::from_utf8(with_statistics(text.into(), format, counters)).unwrap()
        };
        assert_eq!(
            put("{\"statistics\": {\"rows_read\": 0, \"bytes_read\": 0}}", "JSON"),
            "{\"statistics\": {\"rows_read\": 30, \"bytes_read\": 240}}"
        );
        assert_eq!(
            put("<rows_read>0</rows_read><bytes_read>0</bytes_read>", "XML"),
            "<rows_read>30</rows_read><bytes_read>240</bytes_read>"
        );
        let row = "{\"row_1\": {\"rows_read\": 0}}";
        assert_eq!(put(row, "JSONObjectEachRow"), row);
        assert_eq!(put("", "JSON"), "");
    }

    proptest! {
        #[test]
        fn no_chunk_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            for joining in [Joining::BinaryHeader(true), Joining::HeaderLines(2), Joining::Native(54_405)] {
                let mut joiner = Joiner::new(joining);
                for chunk in chunks.clone() {
                    let _ = joiner.push(chunk);
                }
            }
        }
    }
}

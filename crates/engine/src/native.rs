//! ClickHouse's Native format for clients of newer protocols: where each block and each column ends.
//!
//! In: blocks as the engine writes them for the oldest protocol. Out: the same blocks with the block information and the
//! serialization flag of each column that newer clients expect. Values are passed over, never changed.
//! Source: ClickHouse's documentation of the Native format and of its data types' binary form.

use crate::exception::Exception;

/// From this protocol version on, a block begins with block information.
const WITH_BLOCK_INFO: u32 = 51_903;
/// From this protocol version on, each column says whether it is serialized in a special way.
const WITH_SERIALIZATION: u32 = 54_454;
/// `is_overflows` = 0, `bucket_num` = −1.
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
const NOT_IMPLEMENTED: u32 = 48;
/// Types nest far less deep.
const DEEPEST: usize = 32;

/// Blocks of the oldest protocol as a client of `protocol` expects them.
pub(crate) fn for_protocol(blocks: &[u8], protocol: u32) -> Result<Vec<u8>, Exception> {
    if protocol < WITH_BLOCK_INFO {
        return Ok(blocks.to_vec());
    }
    let mut out = Vec::with_capacity(blocks.len() + 64);
    let mut reader = Reader { bytes: blocks, at: 0 };
    while reader.at < blocks.len() {
        out.extend(BLOCK_INFO);
        reader.block(protocol, &mut out).ok_or_else(unreadable)?;
    }
    Ok(out)
}

fn unreadable() -> Exception {
    Exception::new(
        NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        "a column of this type cannot be sent in the Native format of this protocol version; \
         select it as a String, or use another format",
    )
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A type as far as its binary form goes.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    Fixed(usize),
    Text,
    Nullable(Box<Self>),
    Array(Box<Self>),
    Tuple(Vec<Self>),
    LowCardinality(Box<Self>),
    Variant(Vec<Self>),
}

impl<'a> Reader<'a> {
    /// One block, copied with the flags that `protocol` asks for.
    fn block(&mut self, protocol: u32, out: &mut Vec<u8>) -> Option<()> {
        let begin = self.at;
        let columns = self.varint()?;
        let rows = self.varint()?;
        out.extend(&self.bytes[begin..self.at]);
        for _ in 0..columns {
            let begin = self.at;
            self.text()?;
            let name = self.text()?;
            out.extend(&self.bytes[begin..self.at]);
            if protocol >= WITH_SERIALIZATION {
                out.push(0);
            }
            let begin = self.at;
            if rows > 0 {
                let form = Form::parse(std::str::from_utf8(name).ok()?, 0)?;
                self.prefix(&form)?;
                self.column(&form, rows)?;
            }
            out.extend(&self.bytes[begin..self.at]);
        }
        Some(())
    }

    /// What stands before a column's values: once, for all its parts.
    fn prefix(&mut self, form: &Form) -> Option<()> {
        match form {
            Form::Fixed(_) | Form::Text => Some(()),
            Form::Nullable(inner) | Form::Array(inner) => self.prefix(inner),
            Form::Tuple(parts) => parts.iter().try_for_each(|part| self.prefix(part)),
            Form::LowCardinality(_) => self.skip(8),
            Form::Variant(parts) => {
                // Only the plain form of discriminators has one byte for each row.
                (self.number()? == 0).then_some(())?;
                parts.iter().try_for_each(|part| self.prefix(part))
            }
        }
    }

    fn column(&mut self, form: &Form, rows: usize) -> Option<()> {
        match form {
            Form::Fixed(bytes) => self.skip(bytes.checked_mul(rows)?),
            Form::Text => (0..rows).try_for_each(|_| self.text().map(drop)),
            Form::Nullable(inner) => {
                self.skip(rows)?;
                self.column(inner, rows)
            }
            Form::Array(inner) => {
                let mut values = 0;
                for _ in 0..rows {
                    values = self.number()?;
                }
                self.column(inner, usize::try_from(values).ok()?)
            }
            Form::Tuple(parts) => parts.iter().try_for_each(|part| self.column(part, rows)),
            Form::LowCardinality(inner) => self.low_cardinality(inner, rows),
            Form::Variant(parts) => self.variant(parts, rows),
        }
    }

    fn low_cardinality(&mut self, inner: &Form, rows: usize) -> Option<()> {
        const ADDITIONAL_KEYS: u64 = 1 << 9;
        const GLOBAL_DICTIONARY: u64 = 1 << 8;
        if rows == 0 {
            return Some(());
        }
        let kind = self.number()?;
        if kind & GLOBAL_DICTIONARY != 0 {
            return None;
        }
        if kind & ADDITIONAL_KEYS != 0 {
            let keys = usize::try_from(self.number()?).ok()?;
            self.column(inner, keys)?;
        }
        let indexes = usize::try_from(self.number()?).ok()?;
        self.skip(indexes.checked_mul(1 << (kind & 3))?)
    }

    fn variant(&mut self, parts: &[Form], rows: usize) -> Option<()> {
        let begin = self.at;
        self.skip(rows)?;
        let which = &self.bytes[begin..self.at];
        for (index, part) in parts.iter().enumerate() {
            let of_this = which.iter().filter(|w| usize::from(**w) == index).count();
            self.column(part, of_this)?;
        }
        Some(())
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        let at = self.at.checked_add(bytes)?;
        (at <= self.bytes.len()).then(|| self.at = at)
    }

    fn number(&mut self) -> Option<u64> {
        let begin = self.at;
        self.skip(8)?;
        self.bytes[begin..self.at].try_into().ok().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        let begin = self.at;
        self.skip(length)?;
        Some(&self.bytes[begin..self.at])
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        for shift in (0..63).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Form {
    /// `None` for a type whose binary form is not told by its name.
    fn parse(name: &str, depth: usize) -> Option<Self> {
        let name = name.trim();
        if depth > DEEPEST {
            return None;
        }
        let (head, inside) = match name.split_once('(') {
            Some((head, rest)) => (head.trim(), rest.strip_suffix(')')?),
            None => (name, ""),
        };
        let parts = arguments(inside);
        let inner = |index: usize| Self::parse(parts.get(index)?, depth + 1).map(Box::new);
        let all = |named: bool| -> Option<Vec<Self>> {
            let part = |part: &&str| Self::parse(if named { without_name(part) } else { part }, depth + 1);
            parts.iter().map(part).collect()
        };
        let point = || Box::new(Self::Fixed(16));
        let ring = || Box::new(Self::Array(point()));
        let polygon = || Box::new(Self::Array(ring()));
        Some(match head {
            "Nothing" | "Int8" | "UInt8" | "Bool" | "Enum8" => Self::Fixed(1),
            "Int16" | "UInt16" | "Date" | "Enum16" | "BFloat16" => Self::Fixed(2),
            "Int32" | "UInt32" | "Float32" | "Date32" | "DateTime" | "IPv4" | "Time" | "Decimal32" => {
                Self::Fixed(4)
            }
            "Int64" | "UInt64" | "Float64" | "DateTime64" | "Time64" | "Decimal64" => Self::Fixed(8),
            "Int128" | "UInt128" | "UUID" | "IPv6" | "Decimal128" | "Point" => Self::Fixed(16),
            "Int256" | "UInt256" | "Decimal256" => Self::Fixed(32),
            "Decimal" => Self::Fixed(match parts.first()?.parse::<u32>().ok()? {
                ..=9 => 4,
                10..=18 => 8,
                19..=38 => 16,
                _ => 32,
            }),
            "FixedString" => Self::Fixed(parts.first()?.parse().ok()?),
            "String" => Self::Text,
            "Nullable" => Self::Nullable(inner(0)?),
            "Array" => Self::Array(inner(0)?),
            "LowCardinality" => Self::LowCardinality(match *inner(0)? {
                Self::Nullable(inner) => inner,
                other => Box::new(other),
            }),
            "SimpleAggregateFunction" => *inner(1)?,
            "Map" => Self::Array(Box::new(Self::Tuple(vec![*inner(0)?, *inner(1)?]))),
            "Tuple" if parts.is_empty() => Self::Fixed(1),
            "Tuple" => Self::Tuple(all(true)?),
            "Nested" => Self::Array(Box::new(Self::Tuple(all(true)?))),
            "Variant" => Self::Variant(all(false)?),
            "Ring" | "LineString" => *ring(),
            "Polygon" | "MultiLineString" => *polygon(),
            "MultiPolygon" => Self::Array(polygon()),
            interval if interval.starts_with("Interval") => Self::Fixed(8),
            _ => return None,
        })
    }
}

/// The arguments of a type, split at its own commas.
fn arguments(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut begin, mut quote) = (0_i32, 0, None);
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '`' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(inside[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !inside.trim().is_empty() {
        parts.push(inside[begin..].trim());
    }
    parts
}

/// The type of a tuple's element, which may have a name before it.
fn without_name(part: &str) -> &str {
    if let Some(rest) = part.strip_prefix('`') {
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let ends = *c == '`' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        return end.map_or(part, |(at, _)| rest[at + 1..].trim());
    }
    match part.split_once(' ') {
        // A type's own arguments hold blanks, too: `Decimal(9, 2)`.
        Some((name, rest)) if !name.contains('(') => rest.trim(),
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_are_understood() {
        let tuple = Form::parse(
            "Tuple(a UInt8, `b c` Nullable(Decimal(20, 2)), Enum8('x,(' = 1))",
            0,
        );
        let nullable = Form::Nullable(Box::new(Form::Fixed(16)));
        assert_eq!(
            tuple,
            Some(Form::Tuple(vec![Form::Fixed(1), nullable, Form::Fixed(1)]))
        );
        assert_eq!(
            Form::parse("Map(LowCardinality(Nullable(String)), DateTime64(3, 'UTC'))", 0),
            Some(Form::Array(Box::new(Form::Tuple(vec![
                Form::LowCardinality(Box::new(Form::Text)),
                Form::Fixed(8)
            ]))))
        );
        assert_eq!(Form::parse("JSON", 0), None);
        assert_eq!(Form::parse(&"Array(".repeat(100), 0), None);
    }

    #[test]
    fn each_block_and_each_column_gets_its_mark() {
        // Two blocks of one column `a UInt8`, of one and of no rows.
        let block = [&[1, 1, 1, b'a', 5][..], b"UInt8", &[7]].concat();
        let empty = [&[1, 0, 1, b'a', 5][..], b"UInt8"].concat();
        let out = for_protocol(&[block, empty].concat(), 54_460).unwrap();
        let expected = [
            &BLOCK_INFO[..],
            &[1, 1, 1, b'a', 5],
            b"UInt8",
            &[0, 7],
            &BLOCK_INFO[..],
            &[1, 0, 1, b'a', 5],
            b"UInt8",
            &[0],
        ]
        .concat();
        assert_eq!(out, expected);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "[A-Za-z0-9(), `']{0,60}") {
            let _ = for_protocol(&bytes, 54_460);
            let head = [&[1, 3, 1, b'a'][..], &[name.len() as u8], name.as_bytes(), &bytes].concat();
            let _ = for_protocol(&head, 54_460);
        }
    }
}

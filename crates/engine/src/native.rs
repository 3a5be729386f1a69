//! ClickHouse's Native format for clients of newer protocols: where each block and each column ends.
//!
//! In: blocks as the engine writes them for the oldest protocol. Out: the same blocks with the block information and
//! the serialization flag of each column that newer clients expect. Values are passed over, never changed. Source:
//! ClickHouse's documentation of the Native format and of its data types' binary form.

use self::form::Form;
use crate::exception::{Exception, NOT_IMPLEMENTED};

/// From this protocol version on, a block begins with block information.
const WITH_BLOCK_INFO: u32 = 51_903;
/// From this protocol version on, each column says whether it is serialized in a special way.
const WITH_SERIALIZATION: u32 = 54_454;
/// `is_overflows` = 0, `bucket_num` = −1.
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
/// The version of the flattened serialization of `Dynamic` and `JSON`, which clients may request.
const FLATTENED: u64 = 3;

/// Returns blocks of the oldest protocol as a client of `protocol` expects them.
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

impl<'a> Reader<'a> {
    /// Copies one block with the flags that `protocol` requires.
    fn block(&mut self, protocol: u32, out: &mut Vec<u8>) -> Option<()> {
        let begin = self.at;
        let columns = self.varint()?;
        let rows = self.varint()?;
        out.extend(&self.bytes[begin..self.at]);
        for _ in 0..columns {
            let begin = self.at;
            self.text()?;
            let name = self.name()?;
            out.extend(&self.bytes[begin..self.at]);
            if protocol >= WITH_SERIALIZATION {
                out.push(0);
            }
            let begin = self.at;
            if rows > 0 {
                let form = self.prefix(Form::parse(name, 0)?)?;
                self.column(&form, rows)?;
            }
            out.extend(&self.bytes[begin..self.at]);
        }
        Some(())
    }

    /// Skips the prefix of a column, which precedes the values of all its parts. Returns the form that the values have.
    fn prefix(&mut self, form: Form) -> Option<Form> {
        Some(match form {
            Form::Fixed(_) | Form::Text | Form::Flattened(_) => form,
            Form::Nullable(inner) => Form::Nullable(Box::new(self.prefix(*inner)?)),
            Form::Array(inner) => Form::Array(Box::new(self.prefix(*inner)?)),
            Form::Tuple(parts) => Form::Tuple(self.prefixes(parts)?),
            Form::LowCardinality(_) => {
                self.skip(8)?;
                form
            }
            Form::Variant(parts) => self.variant_prefix(parts)?,
            Form::Dynamic => self.dynamic_prefix()?,
            Form::Json(typed) => self.json_prefix(typed)?,
        })
    }

    fn prefixes(&mut self, forms: Vec<Form>) -> Option<Vec<Form>> {
        forms.into_iter().map(|form| self.prefix(form)).collect()
    }

    fn variant_prefix(&mut self, parts: Vec<Form>) -> Option<Form> {
        // Only the plain form of discriminators has one byte for each row.
        (self.number()? == 0).then_some(())?;
        Some(Form::Variant(self.prefixes(parts)?))
    }

    /// Reads the prefix of a `Dynamic`: a variant of the types that the data name, and of one more for all others.
    fn dynamic_prefix(&mut self) -> Option<Form> {
        const SHARED: &str = "SharedVariant";
        let version = self.number()?;
        match version {
            1 => drop(self.varint()?),
            2 | FLATTENED => {}
            _ => return None,
        }
        let count = self.varint()?;
        let mut types = (0..count).map(|_| self.name()).collect::<Option<Vec<_>>>()?;
        let parse = |name: &str| Form::parse(name, 0);
        if version == FLATTENED {
            let parts = types.into_iter().map(parse).collect::<Option<_>>()?;
            return Some(Form::Flattened(self.prefixes(parts)?));
        }
        types.push(SHARED);
        types.sort_unstable();
        let form = |name: &str| {
            if name == SHARED {
                Some(Form::Text)
            } else {
                parse(name)
            }
        };
        let parts = types.into_iter().map(form).collect::<Option<_>>()?;
        self.variant_prefix(parts)
    }

    /// Reads the prefix of a `JSON`: a column for each typed path, one for each path that the data name, and one for
    /// the rest.
    fn json_prefix(&mut self, typed: Vec<Form>) -> Option<Form> {
        let version = self.number()?;
        match version {
            0 => drop(self.varint()?),
            1 => return Some(Form::Text),
            2 | FLATTENED => {}
            _ => return None,
        }
        let paths = self.varint()?;
        for _ in 0..paths {
            self.text()?;
        }
        let mut columns = self.prefixes(typed)?;
        for _ in 0..paths {
            columns.push(self.dynamic_prefix()?);
        }
        if version != FLATTENED {
            columns.push(Form::Array(Box::new(Form::Tuple(vec![Form::Text, Form::Text]))));
        }
        Some(Form::Tuple(columns))
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
            Form::Variant(parts) => self.variant(parts, rows, 1),
            Form::Flattened(parts) => {
                let bytes = match parts.len() {
                    0..=0xff => 1,
                    0x100..=0xffff => 2,
                    _ => return None,
                };
                self.variant(parts, rows, bytes)
            }
            // The prefix has replaced them by what the data name.
            Form::Dynamic | Form::Json(_) => None,
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

    /// Skips a variant: for each value the index of its part, in `bytes` bytes; then the parts.
    fn variant(&mut self, parts: &[Form], rows: usize, bytes: usize) -> Option<()> {
        let begin = self.at;
        self.skip(rows.checked_mul(bytes)?)?;
        let mut values = vec![0_usize; parts.len()];
        for which in self.bytes[begin..self.at].chunks_exact(bytes) {
            let index = which
                .iter()
                .rev()
                .fold(0, |index, byte| index << 8 | usize::from(*byte));
            if let Some(values) = values.get_mut(index) {
                *values += 1;
            }
        }
        parts
            .iter()
            .zip(values)
            .try_for_each(|(part, values)| self.column(part, values))
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

    fn name(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text()?).ok()
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

mod form;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

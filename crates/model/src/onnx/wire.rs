//! The wire format of Protocol Buffers, as far as the checks need it: the fields of a message in order.
//!
//! In: bytes. Out: field numbers with their values, borrowed. It copies nothing and never recurses.

use super::OnnxError;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    /// Fixed 32 bits.
    Bits32([u8; 4]),
    /// A string, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Fixed 64 bits, which no checked field has.
    Other,
}

impl<'a> Value<'a> {
    pub(super) const fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        self.bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The fields of a message.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Other
            }
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Bits32(self.take(4)?.try_into().ok()?),
            // Groups were deprecated before ONNX existed.
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), OnnxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            // Nothing after a torn field can be trusted.
            self.0 = &[];
        }
        Some(field.ok_or(OnnxError::Damaged("it is not a protocol buffer")))
    }
}

/// Returns the varints of a repeated field: packed, or a single one.
pub(super) fn varints(value: Value<'_>) -> Result<Vec<u64>, OnnxError> {
    match value {
        Value::Varint(number) => Ok(vec![number]),
        Value::Bytes(packed) => {
            let mut fields = Fields(packed);
            let mut numbers = Vec::new();
            while !fields.0.is_empty() {
                numbers.push(
                    fields
                        .varint()
                        .ok_or(OnnxError::Damaged("it has a number cut short"))?,
                );
            }
            Ok(numbers)
        }
        Value::Bits32(_) | Value::Other => Err(OnnxError::Damaged("it has a number of another kind")),
    }
}

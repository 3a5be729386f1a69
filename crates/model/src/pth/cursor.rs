//! A cursor over the bytes of a pickle: what opcodes carry with them.

use super::stack::Fault;

/// The bytes of a pickle and the place in them.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the number of bytes that were taken.
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let taken = &self.bytes[self.at..end.ok_or(Fault("it ends in the middle"))?];
        self.at += len;
        Ok(taken)
    }

    /// Returns a little-endian number of `width` bytes.
    pub(super) fn number(&mut self, width: usize) -> Result<u64, Fault> {
        Ok(self
            .take(width)?
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Returns the bytes after a length of `width` bytes.
    pub(super) fn counted(&mut self, width: usize) -> Result<&'a [u8], Fault> {
        let len = usize::try_from(self.number(width)?).map_err(|_| Fault("a length is absurd"))?;
        self.take(len)
    }

    pub(super) fn line(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let len = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(Fault("it ends in the middle"))?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    /// Returns the index of a memo: after one byte, four, or as a line.
    pub(super) fn memo_index(&mut self, opcode: u8) -> Result<u64, Fault> {
        match opcode {
            b'q' | b'h' => self.number(1),
            b'r' | b'j' => self.number(4),
            _ => std::str::from_utf8(self.line()?)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or(Fault("a memo index is no number")),
        }
    }

    /// Returns the text of an opcode that holds one.
    pub(super) fn text(&mut self, opcode: u8) -> Result<&'a [u8], Fault> {
        match opcode {
            b'X' | b'T' => self.counted(4),
            b'U' | 0x8c => self.counted(1),
            0x8d => self.counted(8),
            _ => {
                let text = self.line()?;
                // The text of S includes its quotes.
                let quoted =
                    text.len() >= 2 && matches!(text[0], b'\'' | b'"') && text[0] == text[text.len() - 1];
                Ok(if quoted { &text[1..text.len() - 1] } else { text })
            }
        }
    }

    /// Returns the bytes of an opcode that holds a number or plain bytes.
    pub(super) fn scalar(&mut self, opcode: u8) -> Result<&'a [u8], Fault> {
        match opcode {
            b'K' => self.take(1),
            b'M' => self.take(2),
            b'J' => self.take(4),
            b'G' => self.take(8),
            b'C' | 0x8a => self.counted(1),
            b'B' | 0x8b => self.counted(4),
            0x8e | 0x96 => self.counted(8),
            _ => self.line(),
        }
    }
}

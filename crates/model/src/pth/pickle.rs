//! A scan of a pickle's opcodes that builds no objects: its length, the Python names it refers to, and the amount that
//! reading it would copy.
//!
//! It protects the reader, which copies a whole object wherever the pickle refers back to it, and it finds names in
//! parts of a file that the reader skips.

use super::{
    cursor::Cursor,
    stack::{Fault, Kind, Stack},
};

/// The result of a scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Length in bytes, including the STOP opcode.
    pub(super) len: usize,
    /// `module.name` of everything the pickle imports.
    pub(super) globals: Vec<String>,
    /// Offsets of modules' classes with their sources, each with the index of the class in the memo.
    pub(super) module_classes: Vec<(usize, u64)>,
}

/// Scans the pickle at the start of `bytes`; what follows it is ignored.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, Fault> {
    let mut walk = Walk {
        cursor: Cursor::of(bytes),
        stack: Stack::default(),
        globals: Vec::new(),
        module_classes: Vec::new(),
    };
    while walk.step()? {}
    Ok(Scan {
        len: walk.cursor.place(),
        globals: walk.globals,
        module_classes: walk.module_classes,
    })
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    stack: Stack<'a>,
    globals: Vec<String>,
    module_classes: Vec<(usize, u64)>,
}

impl Walk<'_> {
    fn import(&mut self, module: &[u8], name: &[u8]) {
        self.globals.push(format!(
            "{}.{}",
            String::from_utf8_lossy(module),
            String::from_utf8_lossy(name)
        ));
        self.stack.push_import();
    }

    /// Interprets one opcode; returns `false` at STOP. The order is: values, containers, memo, frame.
    fn step(&mut self) -> Result<bool, Fault> {
        let opcode = self.cursor.take(1)?[0];
        match opcode {
            b'.' => return Ok(false),
            b'c' | b'i' => {
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                if opcode == b'i' {
                    self.stack.collect(1)?;
                }
                self.import(module, name);
            }
            0x93 => {
                let (Some(name), Some(module)) = (self.stack.pop()?.text, self.stack.pop()?.text) else {
                    return Err(Fault("it imports a name that it computes"));
                };
                self.import(module, name);
            }
            b'X' | b'T' | b'U' | 0x8c | 0x8d | b'S' | b'V' => {
                let text = self.cursor.text(opcode)?;
                self.stack.push_text(text);
            }
            b'I' | b'L' | b'F' | b'P' | b'B' | b'C' | b'K' | b'M' | b'J' | b'G' | 0x8a | 0x8b | 0x8e
            | 0x96 => {
                self.cursor.scalar(opcode)?;
                self.stack.push();
            }
            b'N' | b']' | b'}' | b')' | 0x88 | 0x89 | 0x8f | 0x97 => self.stack.push(),
            b'(' => self.stack.mark(),
            b't' => self.stack.tuple()?,
            b'l' | b'd' | b'o' | 0x91 => self.stack.collect(1)?,
            b'e' | b'u' | 0x90 => self.stack.collect_into_top()?,
            0x85..=0x87 => self.stack.combine(usize::from(opcode - 0x84), 1)?,
            b'a' | b'R' | b'b' | 0x81 => self.stack.combine(2, 0)?,
            b's' | 0x92 => self.stack.combine(3, 0)?,
            // A persistent id becomes a storage, or a module's class; a buffer becomes a read-only one.
            b'Q' => {
                if let Kind::ModuleClass(index) = self.stack.top()?.kind {
                    self.module_classes.push((self.cursor.place() - 1, index));
                }
                self.stack.combine(1, 0)?;
            }
            0x98 => self.stack.combine(1, 0)?,
            b'0' => self.stack.discard()?,
            b'1' => self.stack.discard_to_mark()?,
            b'2' => self.stack.duplicate()?,
            b'q' | b'r' | b'p' | b'h' | b'j' | b'g' => {
                let index = self.cursor.memo_index(opcode)?;
                let recalls = matches!(opcode, b'h' | b'j' | b'g');
                if recalls {
                    self.stack.recall(index)?;
                } else {
                    self.stack.memoize(Some(index))?;
                }
            }
            0x94 => self.stack.memoize(None)?,
            0x80 => drop(self.cursor.take(1)?),
            0x95 => drop(self.cursor.take(8)?),
            0x82..=0x84 => return Err(Fault("it uses Python's extension registry")),
            _ => return Err(Fault("it has an unknown opcode")),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_name_something_is_seen() {
        let cases: [(&[u8], &str); 5] = [
            (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
            (b"(S'id'\nios\nsystem\n.", "os.system"),
            (
                b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
                "os.system",
            ),
            (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.", "os.system"),
            (
                b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.",
                "os.system",
            ),
        ];
        for (bytes, global) in cases {
            let scan = scan(bytes).unwrap();
            assert_eq!(
                (scan.len, scan.globals.as_slice()),
                (bytes.len(), &[global.to_owned()][..])
            );
        }
    }

    #[test]
    fn computed_names_and_extensions_are_faults() {
        assert!(scan(b"\x80\x04(\x8c\x02ost\x8c\x06systemN\x93.").is_err());
        assert!(scan(b"\x80\x02\x82\x01.").is_err());
        assert!(scan(b"\x80\x02N").is_err());
        assert!(scan(b"X\xff\xff\xff\xffabc.").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = scan(&bytes);
        }
    }
}

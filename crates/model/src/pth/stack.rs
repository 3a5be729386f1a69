//! The stack and memo of an unpickler that keeps sizes instead of objects.
//!
//! In: the effects of opcodes. Out: the number of objects that a reader would copy, refused beyond a limit, and the
//! texts that name imports.

use std::collections::HashMap;

/// The bytes are not a pickle, or not one that `torch.save` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str);

/// Most objects that all copies together may hold. A checkpoint with its optimizer needs a few thousand.
const MAX_COPIED: u64 = 100_000;
/// Text counts as one more object for each of these bytes.
const TEXT_UNIT: usize = 64;

const EMPTY: Fault = Fault("it takes more from its stack than is there");

/// The kind of an object, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Other,
    /// An imported name, and its index in the memo.
    Import(Option<u64>),
    /// A module's class with its source, as PyTorch before 1.6 wrote it, and the class's index in the memo.
    ModuleClass(u64),
}

/// An object on the stack: the number of objects it holds, and its text if it is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    weight: u64,
    pub(super) text: Option<&'a [u8]>,
    pub(super) kind: Kind,
}

impl Value<'_> {
    const fn plain(weight: u64) -> Self {
        Self {
            weight,
            text: None,
            kind: Kind::Other,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Stack<'a> {
    values: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value<'a>>,
    copied: u64,
}

impl<'a> Stack<'a> {
    pub(super) fn push(&mut self) {
        self.values.push(Value::plain(1));
    }

    pub(super) fn push_import(&mut self) {
        self.values.push(Value {
            kind: Kind::Import(None),
            ..Value::plain(1)
        });
    }

    pub(super) fn push_text(&mut self, text: &'a [u8]) {
        let weight = 1 + (text.len() / TEXT_UNIT) as u64;
        self.values.push(Value {
            text: Some(text),
            ..Value::plain(weight)
        });
    }

    pub(super) fn mark(&mut self) {
        self.marks.push(self.values.len());
    }

    pub(super) fn pop(&mut self) -> Result<Value<'a>, Fault> {
        if self.marks.last() == Some(&self.values.len()) {
            return Err(EMPTY);
        }
        self.values.pop().ok_or(EMPTY)
    }

    pub(super) fn top(&self) -> Result<Value<'a>, Fault> {
        self.values.last().copied().ok_or(EMPTY)
    }

    /// Replaces `count` values by one that holds them all and `own` more.
    pub(super) fn combine(&mut self, count: usize, own: u64) -> Result<(), Fault> {
        let mut weight = own;
        for _ in 0..count {
            weight += self.pop()?.weight;
        }
        self.values.push(Value::plain(weight));
        Ok(())
    }

    /// Replaces all values down to the mark by a tuple of them.
    pub(super) fn tuple(&mut self) -> Result<(), Fault> {
        let mark = self.marks.last().copied().ok_or(EMPTY)?;
        let kind = match self.values.get(mark..) {
            Some([tag, class, _file, _source]) if tag.text == Some(b"module") => match class.kind {
                Kind::Import(Some(index)) => Kind::ModuleClass(index),
                _ => Kind::Other,
            },
            _ => Kind::Other,
        };
        self.collect(1)?;
        let tuple = self.pop()?;
        self.values.push(Value { kind, ..tuple });
        Ok(())
    }

    /// Replaces all values down to the mark by one that holds them and `own` more.
    pub(super) fn collect(&mut self, own: u64) -> Result<(), Fault> {
        let mark = self.marks.pop().ok_or(EMPTY)?;
        let weight = self.values.drain(mark..).map(|value| value.weight).sum::<u64>() + own;
        self.values.push(Value::plain(weight));
        Ok(())
    }

    /// Moves all values down to the mark into the one below it.
    pub(super) fn collect_into_top(&mut self) -> Result<(), Fault> {
        self.collect(0)?;
        self.combine(2, 0)
    }

    /// Drops the top, which may be a mark.
    pub(super) fn discard(&mut self) -> Result<(), Fault> {
        if self.marks.last() == Some(&self.values.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    pub(super) fn discard_to_mark(&mut self) -> Result<(), Fault> {
        let mark = self.marks.pop().ok_or(EMPTY)?;
        self.values.truncate(mark);
        Ok(())
    }

    pub(super) fn duplicate(&mut self) -> Result<(), Fault> {
        let top = self.pop()?;
        self.charge(top)?;
        self.values.extend([top, top]);
        Ok(())
    }

    /// Copies the top into the memo, by default under the next index.
    pub(super) fn memoize(&mut self, index: Option<u64>) -> Result<(), Fault> {
        let mut top = self.pop()?;
        let index = index.unwrap_or(self.memo.len() as u64);
        if let Kind::Import(place) = &mut top.kind {
            *place = Some(index);
        }
        self.values.push(top);
        self.charge(top)?;
        self.memo.insert(index, top);
        Ok(())
    }

    /// Pushes a copy of a value in the memo.
    pub(super) fn recall(&mut self, index: u64) -> Result<(), Fault> {
        let value = *self
            .memo
            .get(&index)
            .ok_or(Fault("it refers to a memo that is not there"))?;
        self.charge(value)?;
        self.values.push(value);
        Ok(())
    }

    fn charge(&mut self, value: Value<'_>) -> Result<(), Fault> {
        self.copied += value.weight;
        if self.copied > MAX_COPIED {
            Err(Fault(
                "its parts refer to each other so often that it would fill the memory",
            ))
        } else {
            Ok(())
        }
    }
}

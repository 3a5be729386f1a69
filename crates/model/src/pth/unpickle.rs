//! An unpickler that builds [`Objects`]: it records classes and calls instead of resolving them.

use std::{collections::HashMap, rc::Rc};

use super::{
    cursor::Cursor,
    objects::{Id, Object, Objects},
    stack::Fault,
};

const EMPTY: Fault = Fault("it takes more from its stack than is there");

/// Reads the pickle at the start of `bytes`, which `pickle::scan` has accepted.
pub(super) fn read(bytes: &[u8]) -> Result<Objects, Fault> {
    let mut machine = Machine {
        cursor: Cursor::of(bytes),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Objects {
        values: machine.values,
        root,
    })
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    values: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl Machine<'_> {
    fn push(&mut self, object: Object) {
        self.stack.push(Id(self.values.len()));
        self.values.push(object);
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        self.stack.pop().ok_or(EMPTY)
    }

    fn above_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or(EMPTY)?))
    }

    fn last(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let from = self.stack.len().checked_sub(count).ok_or(EMPTY)?;
        Ok(self.stack.split_off(from))
    }

    fn top(&mut self) -> Result<&mut Object, Fault> {
        let top = self.stack.last().ok_or(EMPTY)?;
        Ok(&mut self.values[top.0])
    }

    fn class(&self, id: Id) -> Rc<str> {
        match &self.values[id.0] {
            Object::Class(name) | Object::Instance(name, _) => Rc::clone(name),
            _ => "object".into(),
        }
    }

    fn import(&mut self, module: &[u8], name: &[u8]) {
        let name = format!(
            "{}.{}",
            String::from_utf8_lossy(module),
            String::from_utf8_lossy(name)
        );
        self.push(Object::Class(name.into()));
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), Fault> {
        if let Object::Sequence(list) = self.top()? {
            list.extend(items);
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Fault> {
        if let Object::Dict(entries, _) = self.top()? {
            entries.extend(pairs(items));
        }
        Ok(())
    }

    /// Interprets one opcode; returns `false` at STOP. The order is that of `pickle::scan`.
    fn step(&mut self) -> Result<bool, Fault> {
        let opcode = self.cursor.take(1)?[0];
        match opcode {
            b'.' => return Ok(false),
            b'c' => {
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                self.import(module, name);
            }
            b'i' => {
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                self.above_mark()?;
                self.import(module, name);
                self.instantiate()?;
            }
            0x93 => {
                let texts = self.last(2)?;
                if let [Object::Text(module), Object::Text(name)] =
                    [texts[0], texts[1]].map(|id| self.values[id.0].clone())
                {
                    self.import(module.as_bytes(), name.as_bytes());
                } else {
                    return Err(Fault("it imports a name that it computes"));
                }
            }
            b'X' | b'T' | b'U' | 0x8c | 0x8d | b'S' | b'V' => {
                let text = String::from_utf8_lossy(self.cursor.text(opcode)?).into_owned();
                self.push(Object::Text(text));
            }
            b'I' | b'L' | b'F' | b'P' | b'B' | b'C' | b'K' | b'M' | b'J' | b'G' | 0x8a | 0x8b | 0x8e
            | 0x96 => {
                let bytes = self.cursor.scalar(opcode)?;
                self.push(scalar(opcode, bytes));
            }
            b'q' | b'r' | b'p' => {
                let index = self.cursor.memo_index(opcode)?;
                self.memoize(index)?;
            }
            0x94 => self.memoize(self.memo.len() as u64)?,
            b'h' | b'j' | b'g' => {
                let index = self.cursor.memo_index(opcode)?;
                let known = self.memo.get(&index);
                self.stack
                    .push(*known.ok_or(Fault("it refers to a memo that is not there"))?);
            }
            0x80 => drop(self.cursor.take(1)?),
            0x95 => drop(self.cursor.take(8)?),
            _ => self.compose(opcode)?,
        }
        Ok(true)
    }

    /// Interprets an opcode that carries nothing with it.
    fn compose(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            b'N' => self.push(Object::None),
            0x88 | 0x89 => self.push(Object::Bool(opcode == 0x88)),
            b']' | b')' | 0x8f => self.push(Object::Sequence(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new(), None)),
            b'(' => self.marks.push(self.stack.len()),
            b't' | b'l' | 0x91 => {
                let items = self.above_mark()?;
                self.push(Object::Sequence(items));
            }
            b'd' => {
                let items = self.above_mark()?;
                self.push(Object::Dict(pairs(&items).collect(), None));
            }
            0x85..=0x87 => {
                let items = self.last(usize::from(opcode - 0x84))?;
                self.push(Object::Sequence(items));
            }
            b'e' | 0x90 => {
                let items = self.above_mark()?;
                self.append(items)?;
            }
            b'a' => {
                let items = self.last(1)?;
                self.append(items)?;
            }
            b'u' => {
                let items = self.above_mark()?;
                self.insert(&items)?;
            }
            b's' => {
                let items = self.last(2)?;
                self.insert(&items)?;
            }
            b'o' => {
                let items = self.above_mark()?;
                self.stack.push(*items.first().ok_or(EMPTY)?);
                self.instantiate()?;
            }
            0x92 => {
                self.last(2)?;
                self.instantiate()?;
            }
            0x81 => {
                self.pop()?;
                self.instantiate()?;
            }
            b'R' => self.call()?,
            b'b' => self.build()?,
            b'Q' => {
                self.pop()?;
                self.push(Object::Other);
            }
            0x97 => self.push(Object::Other),
            0x98 => {}
            b'0' if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.above_mark()?),
            b'2' => self.stack.push(*self.stack.last().ok_or(EMPTY)?),
            _ => return Err(Fault("it has an unknown opcode")),
        }
        Ok(())
    }

    fn memoize(&mut self, index: u64) -> Result<(), Fault> {
        let top = *self.stack.last().ok_or(EMPTY)?;
        self.memo.insert(index, top);
        Ok(())
    }

    /// Replaces a class by an object of it.
    fn instantiate(&mut self) -> Result<(), Fault> {
        let class = self.pop()?;
        self.push(Object::Instance(self.class(class), None));
        Ok(())
    }

    /// Gives an object its attributes.
    fn build(&mut self) -> Result<(), Fault> {
        let given = self.pop()?;
        if let Object::Instance(_, state) | Object::Dict(_, state) = self.top()? {
            *state = Some(given);
        }
        Ok(())
    }

    /// Replaces a callable and its arguments by what the call returns, as far as it is known.
    fn call(&mut self) -> Result<(), Fault> {
        let arguments = self.pop()?;
        let called = self.pop()?;
        let name = self.class(called);
        let first = match &self.values[arguments.0] {
            Object::Sequence(items) => items.first().copied(),
            _ => None,
        };
        match (&*name, first) {
            ("collections.OrderedDict", None) => self.push(Object::Dict(Vec::new(), None)),
            ("collections.OrderedDict", Some(first)) => {
                let entries = self.ordered(first);
                self.push(Object::Dict(entries, None));
            }
            // The reference stands for the copy that Python makes.
            (
                "builtins.set"
                | "__builtin__.set"
                | "torch._utils._rebuild_parameter"
                | "torch._utils._rebuild_parameter_with_state",
                Some(first),
            ) => self.stack.push(first),
            ("copyreg._reconstructor" | "copy_reg._reconstructor", Some(class)) => {
                self.push(Object::Instance(self.class(class), None));
            }
            (name, _) if name.starts_with("torch._utils._rebuild") || name.starts_with("torch._tensor.") => {
                self.push(Object::Tensor);
            }
            _ => self.push(Object::Instance(Rc::clone(&name), None)),
        }
        Ok(())
    }

    /// Returns the entries of `OrderedDict([(key, value), …])`.
    fn ordered(&self, list: Id) -> Vec<(Id, Id)> {
        let Object::Sequence(items) = &self.values[list.0] else {
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| match &self.values[item.0] {
                Object::Sequence(pair) => Some((*pair.first()?, *pair.get(1)?)),
                _ => None,
            })
            .collect()
    }
}

fn pairs(items: &[Id]) -> impl Iterator<Item = (Id, Id)> {
    items.chunks_exact(2).map(|pair| (pair[0], pair[1]))
}

fn scalar(opcode: u8, bytes: &[u8]) -> Object {
    let text = || std::str::from_utf8(bytes).unwrap_or_default().trim();
    let little = |bytes: &[u8]| {
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let fill = if negative { -1_i64 } else { 0 };
        bytes
            .iter()
            .rev()
            .fold(fill, |number, byte| number << 8 | i64::from(*byte))
    };
    match opcode {
        b'K' | b'M' => Object::Int(bytes.iter().rev().fold(0, |n, byte| n << 8 | i64::from(*byte))),
        b'J' => Object::Int(little(bytes)),
        0x8a if bytes.len() <= 8 => Object::Int(little(bytes)),
        b'G' => bytes
            .try_into()
            .map_or(Object::Other, |bytes| Object::Float(f64::from_be_bytes(bytes))),
        b'I' if matches!(text(), "00" | "01") => Object::Bool(text() == "01"),
        b'I' | b'L' => text()
            .trim_end_matches('L')
            .parse()
            .map_or(Object::Other, Object::Int),
        b'F' => text().parse().map_or(Object::Other, Object::Float),
        _ => Object::Other,
    }
}

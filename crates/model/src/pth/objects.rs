//! What a pickle states of its objects: classes, attributes and order, without their tensors' bytes.
//!
//! In: the bytes of a checked pickle. Out: a table of values that refer to each other by index. Nothing is called or
//! imported, and no value is ever copied, so that time and memory are proportional to the pickle.

use std::{borrow::Cow, rc::Rc};

/// The index of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(super) usize);

/// A value in a pickle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A list, a tuple or a set.
    Sequence(Vec<Id>),
    /// A dict in its order, and the attributes it was given.
    Dict(Vec<(Id, Id)>, Option<Id>),
    /// A class or a function, with its module.
    Class(Rc<str>),
    /// An object of a class, and its attributes.
    Instance(Rc<str>, Option<Id>),
    Tensor,
    /// Anything else: bytes, storages.
    Other,
}

/// All values of a pickle.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(super) values: Vec<Object>,
    pub(super) root: Id,
}

/// The tables of a `torch.nn.Module`.
const TABLES: [&str; 3] = ["_parameters", "_buffers", "_modules"];
/// The most attributes of an object. A layer has 25; a module may be asked for its own once for each place it has.
const MAX_ATTRIBUTES: usize = 500;
const STATE_OF_DICT: &str = "_metadata";

/// Where the tensors of a model stand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// In a module.
    Module(Id),
    /// In a dict, whose keys begin with this prefix.
    Dict(Id, String),
}

impl Objects {
    pub(crate) fn get(&self, id: Id) -> &Object {
        &self.values[id.0]
    }

    pub(crate) const fn root(&self) -> Id {
        self.root
    }

    fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.get(id) {
            Object::Text(text) => Some(text.into()),
            // Keys may be numbers; the reader of tensors writes them as text.
            Object::Int(number) => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// Returns the entries of a dict by name.
    fn entries(&self, dict: Id) -> impl Iterator<Item = (Cow<'_, str>, Id)> {
        let entries = match self.get(dict) {
            Object::Dict(entries, _) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| Some((self.text(*key)?, *value)))
    }

    /// Returns an attribute of an object; of equal names the last one counts, as in Python.
    pub(crate) fn attribute(&self, instance: Id, name: &str) -> Option<Id> {
        let Object::Instance(_, Some(state)) = self.get(instance) else {
            return None;
        };
        if matches!(self.get(*state), Object::Dict(entries, _) if entries.len() > MAX_ATTRIBUTES) {
            return None;
        }
        self.entries(*state)
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value)
            .last()
    }

    /// Returns the class of a module; `None` if the value is no module.
    pub(crate) fn module(&self, id: Id) -> Option<&str> {
        let Object::Instance(class, _) = self.get(id) else {
            return None;
        };
        let is_table = |name: &&str| {
            self.attribute(id, name)
                .is_some_and(|table| matches!(self.get(table), Object::Dict(..)))
        };
        TABLES.iter().all(is_table).then_some(class)
    }

    /// Returns a module's parts in the order in which they were added. A part that is `None` is left out.
    pub(crate) fn parts(&self, module: Id) -> Vec<(Cow<'_, str>, Id)> {
        let table = self.attribute(module, "_modules");
        let parts = table.into_iter().flat_map(|table| self.entries(table));
        parts
            .filter(|(_, part)| *self.get(*part) != Object::None)
            .collect()
    }

    /// Returns whether a module's table or attribute holds anything.
    pub(crate) fn holds_any(&self, module: Id, attribute: &str) -> bool {
        self.attribute(module, attribute)
            .is_some_and(|table| match self.get(table) {
                Object::Dict(entries, _) => !entries.is_empty(),
                Object::None => false,
                _ => true,
            })
    }

    /// Returns the names of all modules in the `_metadata` of a state dict, in their order; `None` if it has none.
    pub(crate) fn metadata(&self, dict: Id) -> Option<Vec<String>> {
        let Object::Dict(_, Some(state)) = self.get(dict) else {
            return None;
        };
        let metadata = self.entries(*state).find(|(key, _)| key == STATE_OF_DICT);
        metadata.map(|(_, names)| self.entries(names).map(|(name, _)| name.into_owned()).collect())
    }

    /// Returns what holds the tensor whose full name is `prefix` and `name`.
    pub(crate) fn locate(&self, prefix: &str, name: &str) -> Option<Place> {
        let (mut at, mut rest) = (self.root, prefix.to_owned());
        loop {
            let whole = format!("{rest}{name}");
            let parts = if self.module(at).is_some() {
                if rest.is_empty() {
                    return Some(Place::Module(at));
                }
                self.parts(at)
            } else {
                let entries: Vec<_> = self.entries(at).collect();
                if entries.iter().any(|(key, _)| *key == whole) {
                    return Some(Place::Dict(at, rest));
                }
                entries
            };
            let (next, left) = parts.into_iter().find_map(|(key, value)| {
                let left = rest.strip_prefix(&*key)?.strip_prefix('.')?;
                let is_level = matches!(self.get(value), Object::Dict(..) | Object::Instance(..));
                is_level.then(|| (value, left.to_owned()))
            })?;
            (at, rest) = (next, left);
        }
    }
}

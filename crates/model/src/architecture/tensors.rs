//! The tensors of a model, each taken once and checked.

use std::collections::BTreeMap;

use crate::{LoadError, error::Shape, pth::NamedTensor};

/// The tensors that no layer has taken yet.
pub(super) struct Tensors(BTreeMap<String, NamedTensor>);

impl Tensors {
    pub(super) fn new(tensors: Vec<NamedTensor>) -> Self {
        let named = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor));
        Self(named.collect())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// Returns the name of a tensor that nothing has taken.
    pub(super) fn left_over(self) -> Option<String> {
        self.0.into_keys().next()
    }

    pub(super) fn take(&mut self, name: &str, expected: Shape) -> Result<NamedTensor, LoadError> {
        let Some(tensor) = self.0.remove(name) else {
            return Err(LoadError::Missing {
                tensor: name.to_owned(),
                expected,
            });
        };
        if !expected.matches(&tensor.shape) {
            return Err(LoadError::WrongShape {
                tensor: tensor.name,
                found: tensor.shape,
                expected,
            });
        }
        match tensor.values.iter().position(|value| !value.is_finite()) {
            Some(index) => {
                let value = tensor.values[index];
                Err(LoadError::NotFinite {
                    tensor: tensor.name,
                    index,
                    value,
                })
            }
            None => Ok(tensor),
        }
    }

    /// Returns a tensor of `width` numbers, or as many times `otherwise` if there is none.
    pub(super) fn take_or(
        &mut self,
        name: &str,
        width: usize,
        otherwise: f32,
    ) -> Result<Vec<f32>, LoadError> {
        if self.shape(name).is_none() {
            return Ok(vec![otherwise; width]);
        }
        Ok(self.take(name, Shape::exactly(&[width]))?.values)
    }
}

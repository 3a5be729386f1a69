//! Construction of the network from named tensors, or an error that names the wrong tensor.
//!
//! The only architecture: `feature_mean`, `feature_std`, `backbone.{0,2,4,…}`, `mean_head`, `logvar_head`. Sizes come
//! from the shapes. No tensor may be missing, superfluous, of another shape, or not finite.

use std::collections::BTreeMap;

use crate::{
    INPUTS, LoadError,
    error::{Extent, Shape},
    network::{Dense, Head, Network},
    pth::NamedTensor,
};

struct Tensors(BTreeMap<String, NamedTensor>);

impl Tensors {
    fn take(&mut self, name: &str, expected: Shape) -> Result<NamedTensor, LoadError> {
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

    /// Returns the layer `name` and its width.
    fn dense(&mut self, name: &str, inputs: usize) -> Result<(Dense, usize), LoadError> {
        let shape = Shape(vec![Extent::Any, Extent::Exactly(inputs)]);
        let weight = self.take(&format!("{name}.weight"), shape)?;
        let width = weight.shape[0];
        let bias = self.take(&format!("{name}.bias"), Shape::exactly(&[width]))?;
        Ok((Dense::new(&weight.values, &bias.values), width))
    }

    fn head(&mut self, name: &str, inputs: usize) -> Result<Head, LoadError> {
        let weight = self
            .take(&format!("{name}.weight"), Shape::exactly(&[1, inputs]))?
            .values;
        let bias = self.take(&format!("{name}.bias"), Shape::exactly(&[1]))?.values[0];
        Ok(Head { weight, bias })
    }
}

/// Builds the network from all tensors of a file's model.
pub(crate) fn assemble(tensors: Vec<NamedTensor>) -> Result<Network, LoadError> {
    let mut tensors = Tensors(
        tensors
            .into_iter()
            .map(|tensor| (tensor.name.clone(), tensor))
            .collect(),
    );
    let feature_mean = tensors.take("feature_mean", Shape::exactly(&[INPUTS]))?.values;
    let feature_std = tensors.take("feature_std", Shape::exactly(&[INPUTS]))?.values;
    if let Some(index) = feature_std.iter().position(|std| *std <= 0.0) {
        return Err(LoadError::NotPositive {
            index,
            value: feature_std[index],
        });
    }
    let (first, mut width) = tensors.dense("backbone.0", INPUTS)?;
    let mut hidden = vec![first];
    // Every odd place of the sequence is a ReLU.
    for place in (2..).step_by(2) {
        let name = format!("backbone.{place}");
        if !tensors.0.contains_key(&format!("{name}.weight")) {
            break;
        }
        let (layer, next) = tensors.dense(&name, width)?;
        hidden.push(layer);
        width = next;
    }
    let mean_head = tensors.head("mean_head", width)?;
    let logvar_head = tensors.head("logvar_head", width)?;
    match tensors.0.into_keys().next() {
        Some(entry) => Err(LoadError::Unexpected {
            entry,
            kind: "torch.Tensor".into(),
        }),
        None => Ok(Network {
            feature_mean,
            feature_std,
            hidden,
            mean_head,
            logvar_head,
        }),
    }
}

//! Construction of the network from what a file states, or an error that names what is wrong.
//!
//! In: named tensors, and for a whole module its layers. Out: the one architecture: `feature_mean`, `feature_std`,
//! `backbone`, `mean_head`, `logvar_head`. No tensor may be missing, superfluous, of another shape, or not finite, and
//! no layer may be unknown.

mod layers;
mod module;
mod state_dict;
mod tensors;

use crate::{
    INPUTS, LoadError,
    error::Shape,
    network::{Head, Layer, Network},
    pth::{Contents, Place},
};

use tensors::Tensors;

/// The layers that have tensors.
const BACKBONE: &str = "backbone";
const HEADS: [&str; 2] = ["mean_head", "logvar_head"];

/// Backbone, mean head and log variance head.
struct Parts(Vec<Layer>, [Head; 2]);

/// Builds the network from a file's model.
pub(crate) fn assemble(contents: Contents) -> Result<Network, LoadError> {
    let Contents {
        tensors,
        objects,
        place,
    } = contents;
    let mut tensors = Tensors::new(tensors);
    let feature_mean = tensors.take("feature_mean", Shape::exactly(&[INPUTS]))?.values;
    let feature_std = tensors.take("feature_std", Shape::exactly(&[INPUTS]))?.values;
    if let Some(index) = feature_std.iter().position(|std| *std <= 0.0) {
        return Err(LoadError::NotPositive {
            index,
            value: feature_std[index],
        });
    }
    let assumes_relu = matches!(place, Place::Dict(..));
    let Parts(hidden, [mean_head, logvar_head]) = match place {
        Place::Module(id) => module::read(&objects, id, &mut tensors)?,
        Place::Dict(id, prefix) => state_dict::read(objects.metadata(id).as_deref(), &prefix, &mut tensors)?,
    };
    match tensors.left_over() {
        Some(entry) => Err(LoadError::Unexpected {
            entry,
            kind: "torch.Tensor".into(),
        }),
        None => Ok(Network {
            feature_mean,
            feature_std,
            hidden: fused(hidden),
            mean_head,
            logvar_head,
            assumes_relu,
            way: std::sync::OnceLock::new(),
        }),
    }
}

/// Joins each `Linear` with the `ReLU` that follows it.
fn fused(layers: Vec<Layer>) -> Vec<Layer> {
    let mut fused: Vec<Layer> = Vec::with_capacity(layers.len());
    for layer in layers {
        match (fused.pop(), layer) {
            (Some(Layer::Dense(dense)), Layer::Activation(crate::network::Activation::Relu)) => {
                fused.push(Layer::DenseRelu(dense));
            }
            (before, layer) => fused.extend(before.into_iter().chain([layer])),
        }
    }
    fused
}

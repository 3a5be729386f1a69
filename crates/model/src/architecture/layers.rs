//! Layers that have tensors: each takes its own by the names that PyTorch gives them.

use super::tensors::Tensors;
use crate::{
    LoadError,
    error::{Extent, Shape, shown},
    network::{Dense, Head, Layer, Normalisation},
};

/// Whether a tensor may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bias {
    Required,
    Optional,
}

/// Takes `Linear`, and returns it with its width.
pub(super) fn dense(
    tensors: &mut Tensors,
    name: &str,
    inputs: usize,
    bias: Bias,
) -> Result<(Layer, usize), LoadError> {
    let shape = Shape(vec![Extent::Any, Extent::Exactly(inputs)]);
    let weight = tensors.take(&format!("{name}.weight"), shape)?;
    let width = weight.shape[0];
    let name = format!("{name}.bias");
    let bias = match bias {
        Bias::Required => tensors.take(&name, Shape::exactly(&[width]))?.values,
        Bias::Optional => tensors.take_or(&name, width, 0.0)?,
    };
    Ok((Layer::Dense(Dense::new(&weight.values, &bias)), width))
}

/// Takes a head that is a single `Linear`.
pub(super) fn head(tensors: &mut Tensors, name: &str, inputs: usize, bias: Bias) -> Result<Head, LoadError> {
    let weight = tensors
        .take(&format!("{name}.weight"), Shape::exactly(&[1, inputs]))?
        .values;
    let name = format!("{name}.bias");
    let bias = match bias {
        Bias::Required => tensors.take(&name, Shape::exactly(&[1]))?.values[0],
        Bias::Optional => tensors.take_or(&name, 1, 0.0)?[0],
    };
    Ok(Head::Row { weight, bias })
}

/// Takes `BatchNorm1d`. In evaluation mode it is (x − mean) / √(var + eps) · weight + bias with constant statistics
/// (Ioffe and Szegedy 2015, algorithm 2).
pub(super) fn batch_norm(
    tensors: &mut Tensors,
    name: &str,
    width: usize,
    eps: f64,
) -> Result<Layer, LoadError> {
    let statistic = |tensors: &mut Tensors, statistic: &str| {
        tensors.take(&format!("{name}.{statistic}"), Shape::exactly(&[width]))
    };
    let mean = statistic(tensors, "running_mean")?.values;
    let variance = statistic(tensors, "running_var")?.values;
    let weight = tensors.take_or(&format!("{name}.weight"), width, 1.0)?;
    let bias = tensors.take_or(&format!("{name}.bias"), width, 0.0)?;
    let (mut factors, mut addends) = (Vec::with_capacity(width), Vec::with_capacity(width));
    for index in 0..width {
        let spread = f64::from(variance[index]) + eps;
        if spread <= 0.0 {
            return Err(LoadError::Undecided {
                place: shown(name),
                reason: format!("its running_var is {} at index {index}", variance[index]),
            });
        }
        let factor = f64::from(weight[index]) / spread.sqrt();
        factors.push(factor as f32);
        addends.push((f64::from(bias[index]) - f64::from(mean[index]) * factor) as f32);
    }
    Ok(Layer::BatchNorm(factors, addends))
}

/// Takes the factors and addends of a normalisation over the row.
pub(super) fn normalisation(
    tensors: &mut Tensors,
    name: &str,
    width: usize,
    eps: f64,
) -> Result<Normalisation, LoadError> {
    Ok(Normalisation {
        weight: tensors.take_or(&format!("{name}.weight"), width, 1.0)?,
        bias: tensors.take_or(&format!("{name}.bias"), width, 0.0)?,
        eps,
    })
}

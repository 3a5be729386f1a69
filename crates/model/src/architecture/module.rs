//! A whole module, as `torch.save(model, PATH)` writes it: the pickle names every layer and its parameters.
//!
//! In: the module and its tensors. Out: its layers in evaluation mode. The outermost class is its author's, and its
//! `forward` is not in the file; with the parts of the documented layout it is taken to be the documented one. Of all
//! other classes only PyTorch's own are computed.

use super::{
    BACKBONE, HEADS, Parts,
    layers::{self, Bias},
    tensors::Tensors,
};
use crate::{
    INPUTS, LoadError,
    error::{Shape, shown},
    network::{Activation, Head, LEAST_RMS_EPS, Layer},
    pth::{Id, Object, Objects},
};

/// The deepest nesting of `Sequential`.
const MAX_DEPTH: usize = 32;
/// The most layers, which bounds the work on a module that contains a part many times.
const MAX_LAYERS: usize = 512;
/// PyTorch's own modules.
const TORCH: &str = "torch.nn.modules.";
/// Attributes that change what a module computes.
const HOOKS: [&str; 2] = ["_forward_hooks", "_forward_pre_hooks"];
/// PyTorch's default for `BatchNorm1d` and `LayerNorm`.
pub(super) const EPS: f64 = 1e-5;

/// Reads backbone and heads of the module `id`.
pub(super) fn read(objects: &Objects, id: Id, tensors: &mut Tensors) -> Result<Parts, LoadError> {
    let class = objects.module(id).unwrap_or_default();
    if let Some(name) = torch_class(class) {
        return Err(LoadError::Undecided {
            place: "the outermost module".into(),
            reason: format!(
                "it is a {name}, which states neither the normalisation nor what its outputs are"
            ),
        });
    }
    let parts = objects.parts(id);
    let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, id)| *id);
    let (Some(backbone), [Some(mean), Some(log_variance)]) = (part(BACKBONE), HEADS.map(part)) else {
        return Err(own(class, ""));
    };
    let mut reader = Reader {
        objects,
        tensors,
        layers: 0,
    };
    reader.refuse_hooks(id, "the outermost module")?;
    for (name, id) in &parts {
        reader.check_beside(*id, name)?;
    }
    let class = objects.module(backbone).unwrap_or_default();
    if torch_class(class) != Some("Sequential") {
        return Err(reader.refusal(backbone, BACKBONE));
    }
    let mut hidden = Vec::new();
    let width = reader.append(backbone, BACKBONE, &mut Chain::new(&mut hidden, INPUTS))?;
    let mean = reader.head(mean, HEADS[0], width)?;
    let log_variance = reader.head(log_variance, HEADS[1], width)?;
    Ok(Parts(hidden, [mean, log_variance]))
}

/// Returns the name of one of PyTorch's own modules.
fn torch_class(class: &str) -> Option<&str> {
    class.strip_prefix(TORCH)?.rsplit('.').next()
}

fn own(class: &str, place: &str) -> LoadError {
    LoadError::OwnClass {
        class: shown(class),
        place: shown(place),
    }
}

/// Layers that follow each other, and the width of their last output.
struct Chain<'a> {
    layers: &'a mut Vec<Layer>,
    width: usize,
    depth: usize,
}

impl<'a> Chain<'a> {
    const fn new(layers: &'a mut Vec<Layer>, width: usize) -> Self {
        Self {
            layers,
            width,
            depth: 0,
        }
    }
}

struct Reader<'a> {
    objects: &'a Objects,
    tensors: &'a mut Tensors,
    layers: usize,
}

impl Reader<'_> {
    /// Refuses a part beside backbone and heads that could stand anywhere in `forward`.
    fn check_beside(&self, id: Id, name: &str) -> Result<(), LoadError> {
        if name == BACKBONE || HEADS.contains(&name) {
            return Ok(());
        }
        let class = self.objects.module(id).unwrap_or_default();
        let harmless = torch_class(class).is_some_and(|torch| {
            // The documented forward has the sigmoid; a loss has no part in it.
            is_identity(torch) || torch == "Sigmoid" || class.starts_with("torch.nn.modules.loss.")
        });
        if harmless {
            return Ok(());
        }
        Err(LoadError::Undecided {
            place: shown(name),
            reason: format!(
                "where this {} stands in the class's forward is not in the file; a layer belongs into backbone",
                torch_class(class).unwrap_or("part")
            ),
        })
    }

    fn refuse_hooks(&self, id: Id, place: &str) -> Result<(), LoadError> {
        if HOOKS.iter().any(|hooks| self.objects.holds_any(id, hooks)) {
            return Err(LoadError::Undecided {
                place: shown(place),
                reason: "it has forward hooks (as weight_norm and spectral_norm add them), whose code is not in the \
                         file"
                    .into(),
            });
        }
        if self.objects.attribute(id, "forward").is_some() {
            return Err(LoadError::Undecided {
                place: shown(place),
                reason: "its forward was replaced by another function".into(),
            });
        }
        Ok(())
    }

    fn refusal(&self, id: Id, place: &str) -> LoadError {
        match self.objects.module(id) {
            Some(class) => match torch_class(class) {
                Some(layer) => LoadError::UnknownLayer {
                    layer: shown(layer),
                    place: shown(place),
                },
                None => own(class, place),
            },
            None => LoadError::Undecided {
                place: shown(place),
                reason: "it is no module".into(),
            },
        }
    }

    fn head(&mut self, id: Id, name: &str, inputs: usize) -> Result<Head, LoadError> {
        let class = self.objects.module(id).unwrap_or_default();
        if torch_class(class) == Some("Linear") {
            self.refuse_hooks(id, name)?;
            return layers::head(self.tensors, name, inputs, Bias::Optional);
        }
        let mut all = Vec::new();
        let width = self.append(id, name, &mut Chain::new(&mut all, inputs))?;
        if width != 1 {
            return Err(LoadError::Undecided {
                place: shown(name),
                reason: format!("it has {width} outputs instead of one"),
            });
        }
        if name == HEADS[0]
            && let Some(Layer::Activation(last @ (Activation::Sigmoid | Activation::Hardsigmoid))) =
                all.last()
        {
            return Err(LoadError::Undecided {
                place: shown(name),
                reason: format!(
                    "it ends with {last}, and Casement applies the sigmoid itself: leave it out of the head"
                ),
            });
        }
        Ok(Head::Layers(all))
    }

    /// Appends a module's layers. Returns the width of the last output.
    fn append(&mut self, id: Id, place: &str, chain: &mut Chain<'_>) -> Result<usize, LoadError> {
        let Some(class) = self.objects.module(id).and_then(torch_class) else {
            return Err(self.refusal(id, place));
        };
        self.layers += 1;
        if self.layers > MAX_LAYERS || chain.depth > MAX_DEPTH {
            return Err(LoadError::Undecided {
                place: shown(place),
                reason: format!(
                    "the module has more than {MAX_LAYERS} layers, or more than {MAX_DEPTH} within each other"
                ),
            });
        }
        self.refuse_hooks(id, place)?;
        match class {
            "Sequential" => {
                chain.depth += 1;
                for (name, part) in self.objects.parts(id) {
                    self.append(part, &format!("{place}.{name}"), chain)?;
                }
                chain.depth -= 1;
            }
            "Linear" => {
                let (layer, width) = layers::dense(self.tensors, place, chain.width, Bias::Optional)?;
                chain.layers.push(layer);
                chain.width = width;
            }
            _ if is_identity(class) => {}
            // A row has no other dimension that could be flattened.
            "Flatten" if self.starts_at_one(id) => {}
            _ => {
                let layer = match self.normalisation(class, id, place, chain.width)? {
                    Some(layer) => layer,
                    None => Layer::Activation(
                        self.activation(class, id, place)?
                            .ok_or_else(|| self.refusal(id, place))?,
                    ),
                };
                chain.layers.push(layer);
            }
        }
        Ok(chain.width)
    }

    /// Returns a layer with tensors that does not change the width; `None` if the class is no such layer.
    fn normalisation(
        &mut self,
        class: &str,
        id: Id,
        place: &str,
        width: usize,
    ) -> Result<Option<Layer>, LoadError> {
        Ok(Some(match class {
            "BatchNorm1d" | "SyncBatchNorm" => {
                if self.tensors.shape(&format!("{place}.running_mean")).is_none() {
                    return Err(LoadError::Undecided {
                        place: shown(place),
                        reason: format!(
                            "this {class} keeps no running statistics, so that an answer depends on the other rows of \
                             its batch"
                        ),
                    });
                }
                let eps = self.number(id, "eps", EPS, place)?;
                layers::batch_norm(self.tensors, place, width, eps)?
            }
            "LayerNorm" | "RMSNorm" => {
                self.check_shape(id, place, width)?;
                let least = if class == "RMSNorm" { LEAST_RMS_EPS } else { EPS };
                let eps = self.number(id, "eps", least, place)?;
                let parameters = layers::normalisation(self.tensors, place, width, eps)?;
                if class == "RMSNorm" {
                    Layer::RmsNorm(parameters)
                } else {
                    Layer::LayerNorm(parameters)
                }
            }
            "PReLU" => {
                let name = format!("{place}.weight");
                let one = self.tensors.shape(&name) == Some(&[1]);
                let count = if one { 1 } else { width };
                let slopes = self.tensors.take(&name, Shape::exactly(&[count]))?.values;
                Layer::Slopes(if one { vec![slopes[0]; width] } else { slopes })
            }
            _ => return Ok(None),
        }))
    }

    /// Refuses a normalisation over anything but the whole row.
    fn check_shape(&self, id: Id, place: &str, width: usize) -> Result<(), LoadError> {
        let shape = self.objects.attribute(id, "normalized_shape");
        let shape: Option<Vec<&Object>> = shape.map(|shape| match self.objects.get(shape) {
            Object::Sequence(extents) => extents.iter().map(|id| self.objects.get(*id)).collect(),
            other => vec![other],
        });
        if shape.as_deref() == Some(&[&Object::Int(width as i64)]) {
            return Ok(());
        }
        Err(LoadError::Undecided {
            place: shown(place),
            reason: format!("it normalises over another shape than the row's {width} numbers"),
        })
    }

    /// Returns an element-wise function; `None` if the class is none.
    fn activation(&self, class: &str, id: Id, place: &str) -> Result<Option<Activation>, LoadError> {
        let number = |name: &str, default: f64| self.number(id, name, default, place);
        Ok(Some(match class {
            "ReLU" => Activation::Relu,
            "LeakyReLU" => Activation::LeakyRelu(number("negative_slope", 0.01)?),
            "RReLU" => {
                let (lower, upper) = (number("lower", 1.0 / 8.0)?, number("upper", 1.0 / 3.0)?);
                Activation::LeakyRelu(f64::midpoint(lower, upper))
            }
            "ELU" => Activation::Elu(number("alpha", 1.0)?),
            "CELU" => Activation::Celu(number("alpha", 1.0)?),
            "SELU" => Activation::Selu,
            "GELU" => self.gelu(id, place)?,
            "SiLU" => Activation::Silu,
            "Mish" => Activation::Mish,
            "Tanh" => Activation::Tanh,
            "Sigmoid" => Activation::Sigmoid,
            "LogSigmoid" => Activation::LogSigmoid,
            "Softplus" => Activation::Softplus {
                beta: number("beta", 1.0)?,
                threshold: number("threshold", 20.0)?,
            },
            "Softsign" => Activation::Softsign,
            "ReLU6" => Activation::Clamp { low: 0.0, high: 6.0 },
            "Hardtanh" => Activation::Clamp {
                low: number("min_val", -1.0)?,
                high: number("max_val", 1.0)?,
            },
            "Hardswish" => Activation::Hardswish,
            "Hardsigmoid" => Activation::Hardsigmoid,
            "Softshrink" => Activation::Softshrink(number("lambd", 0.5)?),
            "Hardshrink" => Activation::Hardshrink(number("lambd", 0.5)?),
            "Tanhshrink" => Activation::Tanhshrink,
            "Threshold" => Activation::Threshold {
                threshold: number("threshold", 0.0)?,
                value: number("value", 0.0)?,
            },
            _ => return Ok(None),
        }))
    }

    fn gelu(&self, id: Id, place: &str) -> Result<Activation, LoadError> {
        let approximate = self
            .objects
            .attribute(id, "approximate")
            .map(|id| self.objects.get(id));
        match approximate {
            // PyTorch before 1.12 had one form only.
            None => Ok(Activation::Gelu),
            Some(Object::Text(text)) if text == "none" => Ok(Activation::Gelu),
            Some(Object::Text(text)) if text == "tanh" => Ok(Activation::GeluTanh),
            Some(_) => Err(LoadError::Undecided {
                place: shown(place),
                reason: "its attribute approximate is neither 'none' nor 'tanh'".into(),
            }),
        }
    }

    fn starts_at_one(&self, flatten: Id) -> bool {
        let start = self.objects.attribute(flatten, "start_dim");
        start.is_none_or(|start| *self.objects.get(start) == Object::Int(1))
    }

    /// Returns a number among a module's attributes; without it, PyTorch's default.
    fn number(&self, id: Id, name: &str, default: f64, place: &str) -> Result<f64, LoadError> {
        let number = match self.objects.attribute(id, name).map(|id| self.objects.get(id)) {
            None | Some(Object::None) => default,
            Some(Object::Int(number)) => *number as f64,
            Some(Object::Float(number)) => *number,
            Some(_) => f64::NAN,
        };
        if number.is_finite() {
            return Ok(number);
        }
        Err(LoadError::Undecided {
            place: shown(place),
            reason: format!("its attribute {name} is no finite number"),
        })
    }
}

/// Returns whether a module returns its input in evaluation mode.
fn is_identity(class: &str) -> bool {
    matches!(
        class,
        "Identity"
            | "Dropout"
            | "Dropout1d"
            | "Dropout2d"
            | "Dropout3d"
            | "AlphaDropout"
            | "FeatureAlphaDropout"
    )
}

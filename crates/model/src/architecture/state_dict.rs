//! A state dict, which names tensors and no layers.
//!
//! In: the tensors, and the list of modules that PyTorch adds to a state dict (`_metadata`), if it is there. Out: the
//! layers of the documented layout: `Linear` with one `ReLU` after each, `BatchNorm1d` and `LayerNorm` where their
//! tensors stand, `Dropout` where a place is empty. What these rules leave open is refused.

use std::collections::BTreeMap;

use super::{
    BACKBONE, HEADS, Parts,
    layers::{self, Bias},
    module::EPS,
    tensors::Tensors,
};
use crate::{
    INPUTS, LoadError,
    error::{Extent, Shape, shown},
    network::{Activation, Layer},
};

/// The most empty places in a row.
const MAX_GAP: u64 = 16;
/// What a part beside backbone and heads is called if it does not change an answer.
const HARMLESS: [&str; 5] = ["criterion", "drop", "identity", "loss", "sigmoid"];

/// Reads backbone and heads of the documented layout. `prefix` is that of the names in `modules`.
pub(super) fn read(
    modules: Option<&[String]>,
    prefix: &str,
    tensors: &mut Tensors,
) -> Result<Parts, LoadError> {
    let modules = modules.map(|modules| within(modules, prefix));
    if let Some(modules) = &modules {
        check_beside(modules)?;
    }
    let groups = groups(tensors);
    let places = match modules.and_then(|modules| listed(&modules, &groups)) {
        Some(places) => places,
        None => counted(&groups)?,
    };
    check_numbers(&places)?;
    let (hidden, width) = build(&places, tensors)?;
    let [mean, log_variance] = HEADS.map(|name| {
        let nested = format!("{name}.0.");
        if tensors.names().any(|known| known.starts_with(&nested)) {
            return Err(undecided(
                name,
                "it has several layers, and a state dict names no activation",
            ));
        }
        layers::head(tensors, name, width, Bias::Required)
    });
    Ok(Parts(hidden, [mean?, log_variance?]))
}

fn undecided(place: &str, reason: impl Into<String>) -> LoadError {
    LoadError::Undecided {
        place: shown(place),
        reason: reason.into(),
    }
}

/// Returns the names of the modules below `prefix`, without it.
fn within(modules: &[String], prefix: &str) -> Vec<String> {
    modules
        .iter()
        .filter_map(|name| name.strip_prefix(prefix))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Refuses a part beside backbone and heads that could stand anywhere in `forward`.
fn check_beside(modules: &[String]) -> Result<(), LoadError> {
    let beside = modules.iter().find(|name| {
        let name = name.split('.').next().unwrap_or_default();
        let lower = name.to_lowercase();
        let known = name == BACKBONE || HEADS.contains(&name);
        !known && !HARMLESS.iter().any(|harmless| lower.contains(harmless))
    });
    match beside {
        Some(name) => Err(undecided(
            name,
            "neither what this part is nor where it stands in the class's forward is in a state dict",
        )),
        None => Ok(()),
    }
}

/// The tensors of the backbone, by the layer that has them.
type Groups = BTreeMap<String, Vec<String>>;

fn groups(tensors: &Tensors) -> Groups {
    let mut groups = Groups::new();
    for name in tensors.names() {
        let path = name
            .strip_prefix(BACKBONE)
            .and_then(|rest| rest.strip_prefix('.'));
        if let Some((layer, tensor)) = path.and_then(|path| path.rsplit_once('.')) {
            groups
                .entry(layer.to_owned())
                .or_default()
                .push(tensor.to_owned());
        }
    }
    groups
}

/// A place in the backbone.
#[derive(Debug, Clone, PartialEq)]
enum Position {
    /// A layer that has tensors, with its name below `backbone`.
    Layer(String),
    /// A layer without tensors.
    Empty,
}

/// Returns all places in the order in which the modules are listed; `None` if the list is not that of these tensors.
fn listed(modules: &[String], groups: &Groups) -> Option<Vec<Position>> {
    let below: Vec<&str> = modules
        .iter()
        .filter_map(|name| name.strip_prefix(BACKBONE)?.strip_prefix('.'))
        .collect();
    // A container is followed by its first part.
    let leaves = below.iter().enumerate().filter(|(index, name)| {
        let next = below.get(index + 1).and_then(|next| next.strip_prefix(**name));
        next.is_none_or(|rest| !rest.starts_with('.'))
    });
    let places: Vec<Position> = leaves
        .map(|(_, name)| {
            if groups.contains_key(*name) {
                Position::Layer((*name).to_owned())
            } else {
                Position::Empty
            }
        })
        .collect();
    let found = places.iter().filter(|place| **place != Position::Empty).count();
    (found == groups.len()).then_some(places)
}

/// Returns all places by their numbers. What follows the last one is not to be seen: the documented `ReLU`.
fn counted(groups: &Groups) -> Result<Vec<Position>, LoadError> {
    let mut numbered = BTreeMap::new();
    for name in groups.keys() {
        let Ok(number) = name.parse::<u64>() else {
            return Err(undecided(
                &format!("{BACKBONE}.{name}"),
                "its name does not say in which order the layers are computed",
            ));
        };
        numbered.insert(number, name);
    }
    if !numbered.contains_key(&0) {
        return Err(LoadError::Missing {
            tensor: format!("{BACKBONE}.0.weight"),
            expected: Shape(vec![Extent::Any, Extent::Exactly(INPUTS)]),
        });
    }
    let (mut places, mut next) = (Vec::new(), 0);
    for (number, name) in numbered {
        let gap = number - next;
        if gap > MAX_GAP {
            return Err(undecided(
                &format!("{BACKBONE}.{name}"),
                format!("{gap} numbers are missing before it"),
            ));
        }
        places.extend((0..gap).map(|_| Position::Empty));
        places.push(Position::Layer(name.clone()));
        next = number + 1;
    }
    places.push(Position::Empty);
    Ok(places)
}

/// Refuses names that a `Sequential` does not give: such a part is a class of its own.
fn check_numbers(places: &[Position]) -> Result<(), LoadError> {
    let named = places.iter().find_map(|place| match place {
        Position::Layer(name) => name
            .split('.')
            .any(|part| part.parse::<u64>().is_err())
            .then_some(name),
        Position::Empty => None,
    });
    match named {
        Some(name) => Err(undecided(
            &format!("{BACKBONE}.{name}"),
            "its name is none of a Sequential: how its parts are computed is not in a state dict",
        )),
        None => Ok(()),
    }
}

/// Builds the layers. Returns them with the width of the last one.
fn build(places: &[Position], tensors: &mut Tensors) -> Result<(Vec<Layer>, usize), LoadError> {
    let names: Vec<Option<String>> = places
        .iter()
        .map(|place| match place {
            Position::Layer(name) => Some(format!("{BACKBONE}.{name}")),
            Position::Empty => None,
        })
        .collect();
    let active = activations(&names, tensors)?;
    let (mut hidden, mut width) = (Vec::new(), INPUTS);
    for (index, name) in names.iter().enumerate() {
        let Some(name) = name else {
            if active.contains(&index) {
                hidden.push(Layer::Activation(Activation::Relu));
            }
            continue;
        };
        match kind(name, tensors)? {
            Kind::Linear => {
                // Before a normalisation, which has an addend of its own, the bias is usually left out.
                let next = names.get(index + 1).and_then(Option::as_ref);
                let bias = match next.map(|next| kind(next, tensors)).transpose()? {
                    Some(Kind::BatchNorm | Kind::LayerNorm) => Bias::Optional,
                    _ => Bias::Required,
                };
                let (layer, next) = layers::dense(tensors, name, width, bias)?;
                hidden.push(layer);
                width = next;
            }
            Kind::BatchNorm => hidden.push(layers::batch_norm(tensors, name, width, EPS)?),
            Kind::LayerNorm => {
                let parameters = layers::normalisation(tensors, name, width, EPS)?;
                hidden.push(Layer::LayerNorm(parameters));
            }
        }
    }
    Ok((hidden, width))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    BatchNorm,
    LayerNorm,
}

/// Returns the kind of a layer by its tensors.
fn kind(name: &str, tensors: &Tensors) -> Result<Kind, LoadError> {
    let shape = |tensor: &str| tensors.shape(&format!("{name}.{tensor}"));
    if shape("running_mean").is_some() || shape("running_var").is_some() {
        return Ok(Kind::BatchNorm);
    }
    match (shape("weight"), shape("bias")) {
        (Some([_]), Some([_])) => Ok(Kind::LayerNorm),
        (Some([_]), None) => Err(undecided(
            name,
            "a single row of weights may be PReLU, RMSNorm, or LayerNorm without a bias",
        )),
        (Some([_, _, _, ..]), _) => Err(undecided(
            name,
            "its weights have more than two dimensions, as those of a convolution",
        )),
        // The next step names what is missing.
        _ => Ok(Kind::Linear),
    }
}

/// The places between a `Linear` and the next, as runs of empty ones.
struct Block {
    /// The name of its `Linear`.
    name: String,
    /// The first place of each run, and whether a normalisation follows within the block.
    runs: Vec<(usize, bool)>,
}

/// Returns the places at which the documented `ReLU` stands.
fn activations(names: &[Option<String>], tensors: &Tensors) -> Result<Vec<usize>, LoadError> {
    let blocks = blocks(names, tensors)?;
    let Some((last, before)) = blocks.split_last() else {
        return Ok(Vec::new());
    };
    let mut active = Vec::new();
    for block in before {
        match block.runs.as_slice() {
            [(place, _)] => active.push(*place),
            [] => {
                return Err(undecided(
                    &block.name,
                    "no ReLU stands between it and the next Linear, as it does in the documented layout",
                ));
            }
            _ => return Err(either(&block.name)),
        }
    }
    // Where ReLU stands before the normalisation in every block, it does so in the last one.
    let like_before = !before.is_empty() && before.iter().all(|block| block.runs[0].1);
    match last.runs.as_slice() {
        // The modules are listed, and none follows.
        [] => {}
        [(place, _)] => active.push(*place),
        [(place, true), ..] if like_before => active.push(*place),
        _ => return Err(either(&last.name)),
    }
    Ok(active)
}

fn either(name: &str) -> LoadError {
    undecided(
        name,
        "ReLU and Dropout after it may stand on either side of the normalisation, and a state dict does not say which \
         is which",
    )
}

fn blocks(names: &[Option<String>], tensors: &Tensors) -> Result<Vec<Block>, LoadError> {
    let mut blocks: Vec<Block> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match name {
            Some(name) if kind(name, tensors)? == Kind::Linear => blocks.push(Block {
                name: name.clone(),
                runs: Vec::new(),
            }),
            Some(_) => {
                if let Some((_, followed)) = blocks.last_mut().and_then(|block| block.runs.last_mut()) {
                    *followed = true;
                }
            }
            None => {
                let goes_on = index > 0 && names[index - 1].is_none();
                match blocks.last_mut() {
                    Some(block) if !goes_on => block.runs.push((index, false)),
                    Some(_) => {}
                    None => {
                        return Err(undecided(
                            BACKBONE,
                            "a layer without weights stands before the first Linear, and a state dict does not say which",
                        ));
                    }
                }
            }
        }
    }
    Ok(blocks)
}

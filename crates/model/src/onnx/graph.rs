//! The checks of an `.onnx` file before ONNX Runtime opens it, and the statistics it contains.
//!
//! In: the file's bytes. Out: `feature_mean` and `feature_std`, which PyTorch exports as weights with these names.
//! Refused: weights in other files, weights that are not finite, loops, and operators that create tensors of any size.
//! Field numbers are those of onnx.proto3.

use super::{
    OnnxError,
    wire::{Fields, Value, varints},
};
use crate::{INPUTS, LoadError, OutputScale, error::Shape};

/// ONNX's number for 32-bit floats.
const FLOAT: u64 = 1;
const EXTERNAL: u64 = 1;

/// Operators whose output size or running time is determined by a number in the file.
const REFUSED: &[&str] = &[
    "ConstantOfShape",
    "Expand",
    "EyeLike",
    "If",
    "Loop",
    "OneHot",
    "Pad",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Range",
    "Resize",
    "Scan",
    "SequenceMap",
    "Tile",
    "Upsample",
];

/// The key of the output scale among the metadata.
const SCALE: &str = "casement.output_scale";

/// Mean and standard deviation of each input in the training data, and the scale of the outputs if it is stated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    pub(super) std: Vec<f32>,
    pub(super) scale: Option<OutputScale>,
}

/// Checks the file and reads its statistics.
pub(super) fn check(bytes: &[u8]) -> Result<Statistics, LoadError> {
    let (mut graph, mut scale) = (None, None);
    for field in Fields::of(bytes) {
        match field? {
            // ModelProto: graph, metadata_props, functions.
            (7, Value::Bytes(message)) => graph = Some(message),
            (14, Value::Bytes(entry)) => scale = stated_scale(entry)?.or(scale),
            (25, Value::Bytes(function)) => {
                for field in Fields::of(function) {
                    if let (7, Value::Bytes(node)) = field? {
                        check_node(node)?;
                    }
                }
            }
            _ => {}
        }
    }
    let graph = graph.ok_or(OnnxError::Damaged("it has no graph"))?;
    let (mut mean, mut std) = (None, None);
    for field in Fields::of(graph) {
        match field? {
            // GraphProto: node, initializer, sparse_initializer.
            (1, Value::Bytes(node)) => check_node(node)?,
            (5, Value::Bytes(message)) => {
                let tensor = Tensor::read(message)?;
                match tensor.name.as_str() {
                    "feature_mean" => mean = Some(tensor.statistic()?),
                    "feature_std" => std = Some(tensor.statistic()?),
                    _ => {}
                }
            }
            (15, _) => return Err(OnnxError::Damaged("it has sparse weights").into()),
            _ => {}
        }
    }
    let missing = |tensor: &str| LoadError::Missing {
        tensor: tensor.into(),
        expected: Shape::exactly(&[INPUTS]),
    };
    let mean = mean.ok_or_else(|| missing("feature_mean"))?;
    let std = std.ok_or_else(|| missing("feature_std"))?;
    match std.iter().position(|std| *std <= 0.0) {
        Some(index) => Err(LoadError::NotPositive {
            index,
            value: std[index],
        }),
        None => Ok(Statistics { mean, std, scale }),
    }
}

/// Returns the output scale, if this entry of the metadata states it.
fn stated_scale(entry: &[u8]) -> Result<Option<OutputScale>, OnnxError> {
    let (mut key, mut text) = (None, None);
    for field in Fields::of(entry) {
        match field? {
            // StringStringEntryProto: key, value.
            (1, value) => key = value.text(),
            (2, value) => text = value.text(),
            _ => {}
        }
    }
    match (key.as_deref(), text) {
        (Some(SCALE), Some(text)) => Ok(Some(text.parse()?)),
        _ => Ok(None),
    }
}

fn check_node(node: &[u8]) -> Result<(), LoadError> {
    for field in Fields::of(node) {
        match field? {
            // NodeProto: op_type, attribute.
            (4, value) => {
                let operator = value.text().unwrap_or_default();
                if REFUSED.contains(&operator.as_str()) {
                    return Err(OnnxError::Operator { operator }.into());
                }
            }
            (5, Value::Bytes(attribute)) => {
                for field in Fields::of(attribute) {
                    match field? {
                        // AttributeProto: t, tensors; g, graphs.
                        (5 | 10, Value::Bytes(tensor)) => drop(Tensor::read(tensor)?),
                        (6 | 11, _) => {
                            return Err(OnnxError::Operator {
                                operator: "a graph within the graph".into(),
                            }
                            .into());
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

struct Tensor {
    name: String,
    shape: Vec<usize>,
    element: u64,
    /// The elements, if they are 32-bit floats.
    values: Vec<f32>,
}

impl Tensor {
    fn read(message: &[u8]) -> Result<Self, LoadError> {
        let mut tensor = Self {
            name: String::new(),
            shape: Vec::new(),
            element: 0,
            values: Vec::new(),
        };
        let (mut raw, mut floats, mut external) = (None, Vec::new(), false);
        for field in Fields::of(message) {
            match field? {
                // TensorProto: dims, data_type, float_data, name, raw_data, external_data, data_location.
                (1, value) => {
                    for extent in varints(value)? {
                        let extent =
                            usize::try_from(extent).map_err(|_| OnnxError::Damaged("a shape is absurd"))?;
                        tensor.shape.push(extent);
                    }
                }
                (2, Value::Varint(element)) => tensor.element = element,
                (4, Value::Bits32(bits)) => floats.push(f32::from_le_bytes(bits)),
                (4, Value::Bytes(packed)) => floats.extend(as_floats(packed)),
                (8, value) => tensor.name = value.text().unwrap_or_default(),
                (9, Value::Bytes(bytes)) => raw = Some(bytes),
                (13, _) | (14, Value::Varint(EXTERNAL)) => external = true,
                _ => {}
            }
        }
        if external {
            return Err(OnnxError::External { tensor: tensor.name }.into());
        }
        if tensor.element == FLOAT {
            tensor.values = raw.map_or(floats, |bytes| as_floats(bytes).collect());
        }
        match tensor.values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(LoadError::NotFinite {
                tensor: tensor.name,
                index,
                value: tensor.values[index],
            }),
            None => Ok(tensor),
        }
    }

    /// Returns the elements of `feature_mean` or `feature_std`.
    fn statistic(self) -> Result<Vec<f32>, LoadError> {
        if self.element != FLOAT {
            return Err(LoadError::WrongType {
                tensor: self.name,
                found: format!("of ONNX's element type {}", self.element),
            });
        }
        // An export with a leading batch dimension has the shape [1, 50].
        let is_one = |extent: &&usize| **extent == 1;
        let rest: Vec<usize> = self.shape.iter().skip_while(is_one).copied().collect();
        if rest != [INPUTS] || self.values.len() != INPUTS {
            return Err(LoadError::WrongShape {
                tensor: self.name,
                found: self.shape,
                expected: Shape::exactly(&[INPUTS]),
            });
        }
        Ok(self.values)
    }
}

fn as_floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn golden() -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/regressor_h32.onnx");
        std::fs::read(path).unwrap()
    }

    fn replaced(from: &[u8], to: &[u8]) -> String {
        let mut bytes = golden();
        let found: Vec<usize> = (0..=bytes.len() - from.len())
            .filter(|at| bytes[*at..].starts_with(from))
            .collect();
        assert!(!found.is_empty() && from.len() == to.len());
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        check(&bytes).unwrap_err().to_string()
    }

    #[test]
    fn the_statistics_are_those_of_the_state_dict() {
        let statistics = check(&golden()).unwrap();
        let pth = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/regressor_h32.pth");
        let model = crate::Model::load(std::path::Path::new(pth)).unwrap();
        assert_eq!(statistics.mean, model.feature_mean());
        assert!(statistics.std.iter().all(|std| *std > 0.0));
    }

    #[test]
    fn each_refusal_names_what_is_wrong() {
        assert_eq!(
            replaced(b"feature_std", b"feature_xyz"),
            "tensor 'feature_std' is missing, expected with shape [50]"
        );
        assert!(replaced(b"\x04Relu", b"\x04Loop").starts_with("operator 'Loop' is refused"));
        assert!(replaced(b"\x04Relu", b"\x04Tile").starts_with("operator 'Tile' is refused"));
        assert_eq!(
            check(b"\x08\x09").unwrap_err().to_string(),
            "the .onnx file is damaged: it has no graph"
        );
        assert_eq!(
            check(b"\x08\x09\x3a\xff\x01").unwrap_err().to_string(),
            "the .onnx file is damaged: it is not a protocol buffer"
        );
    }

    #[test]
    fn the_export_script_knows_what_is_refused() {
        let script = include_str!("../../../../training/export_onnx.py");
        let listed = script
            .split("REFUSED = {")
            .nth(1)
            .unwrap()
            .split('}')
            .next()
            .unwrap();
        let mut known: Vec<&str> = listed.split('"').skip(1).step_by(2).collect();
        known.sort_unstable();
        assert_eq!(known, REFUSED);
        assert!(script.contains(&format!("SCALE_KEY = \"{SCALE}\"")));
    }

    #[test]
    fn weights_in_other_files_and_weights_that_are_not_finite_are_refused() {
        // A graph with one initializer `w` whose data_location is EXTERNAL, then one that is NaN.
        let external = b"\x3a\x09\x2a\x07\x42\x01w\x10\x01\x70\x01";
        assert!(
            check(external)
                .unwrap_err()
                .to_string()
                .starts_with("tensor 'w' lies in another file")
        );
        let nan = b"\x3a\x0d\x2a\x0b\x42\x01w\x10\x01\x4a\x04\x00\x00\xc0\x7f";
        assert_eq!(
            check(nan).unwrap_err().to_string(),
            "tensor 'w' has NaN at index 0, expected finite numbers"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = check(&bytes);
        }

        #[test]
        fn a_damaged_file_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = golden();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            let _ = check(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = check(&bytes);
        }
    }
}

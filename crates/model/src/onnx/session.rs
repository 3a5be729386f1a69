//! A loaded `.onnx` model.
//!
//! In: a file's bytes and a device. Out: position and log variance for rows of inputs. A session computes one batch at
//! a time.

use ort::{
    ep,
    logging::LogLevel,
    session::{Session, builder::SessionBuilder},
    value::{Outlet, Shape, TensorElementType, TensorRef, ValueType},
};
use parking_lot::Mutex;

use super::{OnnxError, graph, graph::Statistics, library};
use crate::{Device, INPUTS, LoadError, LoadOptions, OutputScale};

const INPUT: &str = "features";
const POSITION: &str = "position";
const LOG_VARIANCE: &str = "log_variance";
/// Rounding may move a sigmoid of 32 bits out of its bounds by this share.
const ROUNDING: f32 = 1e-4;

/// Position in percent, and log variance in squared points if the graph computes it.
pub(crate) type Answer = (f64, Option<f32>);

/// An `.onnx` model that was checked and has computed once.
pub(crate) struct OnnxNetwork {
    session: Mutex<Session>,
    statistics: Statistics,
    /// Whether the graph was exported for batches of exactly one row.
    one_at_a_time: bool,
    states_variance: bool,
    scale: OutputScale,
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork").finish_non_exhaustive()
    }
}

impl OnnxNetwork {
    /// Checks the file, opens it and computes once. `declared` is the scale in its side-car.
    pub(crate) fn open(
        bytes: &[u8],
        options: &LoadOptions,
        declared: Option<OutputScale>,
    ) -> Result<Self, LoadError> {
        let statistics = graph::check(bytes)?;
        let environment = library::environment(options.onnx_runtime.as_deref())?;
        let mut builder = Session::builder(&environment)
            .map_err(refused)?
            // A pass takes microseconds; dividing it among threads would take longer than computing it.
            .with_intra_threads(1)
            .map_err(refused)?
            // It warns of weights that no node reads; feature_mean and feature_std may be such.
            .with_log_level(LogLevel::Error)
            .map_err(refused)?;
        if let Device::Cuda(index) = options.device {
            builder = on_cuda(builder, index)?;
        }
        let session = builder.commit_from_memory(bytes).map_err(refused)?;
        let one_at_a_time = check_input(session.inputs())?;
        let states_variance = check_outputs(session.outputs())?;
        let scale = scale(
            statistics.scale,
            options.output_scale.or(declared),
            states_variance,
        )?;
        let network = Self {
            session: Mutex::new(session),
            statistics,
            one_at_a_time,
            states_variance,
            scale,
        };
        network.probe()?;
        Ok(network)
    }

    /// Returns whether the graph computes a log variance.
    pub(crate) const fn states_variance(&self) -> bool {
        self.states_variance
    }

    /// Returns the means of the training data.
    pub(crate) fn feature_mean(&self) -> &[f32] {
        &self.statistics.mean
    }

    /// Returns the largest |z| of a row.
    pub(crate) fn largest_z(&self, row: &[f32]) -> f32 {
        row.iter()
            .zip(&self.statistics.mean)
            .zip(&self.statistics.std)
            .map(|((x, mean), std)| ((x - mean) / std).abs())
            .fold(0.0, f32::max)
    }

    /// Computes every row of `rows`, which holds one row after the other.
    pub(crate) fn forward(&self, rows: &[f32]) -> Result<Vec<Answer>, OnnxError> {
        let batch = if self.one_at_a_time { INPUTS } else { rows.len() };
        let mut session = self.session.lock();
        let mut answers = Vec::with_capacity(rows.len() / INPUTS);
        for rows in rows.chunks(batch.max(1)) {
            let count = rows.len() / INPUTS;
            let features = TensorRef::from_array_view(([count, INPUTS], rows)).map_err(refused)?;
            let outputs = session.run(ort::inputs![INPUT => features]).map_err(refused)?;
            let column = |name: &str| {
                let (_, values) = outputs[name].try_extract_tensor::<f32>().map_err(refused)?;
                if values.len() == count {
                    Ok(values)
                } else {
                    Err(OnnxError::Answer {
                        answer: format!("{} numbers of {name} for {count} rows", values.len()),
                        expected: "one for each row",
                    })
                }
            };
            let position = column(POSITION)?;
            let log_variance = if self.states_variance {
                Some(column(LOG_VARIANCE)?)
            } else {
                None
            };
            answers.extend(position.iter().enumerate().map(|(row, position)| {
                let log_variance = log_variance.map(|column| self.scale.squared_points(column[row]));
                (self.scale.percent(*position), log_variance)
            }));
        }
        Ok(answers)
    }

    /// Computes two rows of training means, to check that shapes are as declared and the position is one.
    fn probe(&self) -> Result<(), OnnxError> {
        let rows = [self.feature_mean(), self.feature_mean()].concat();
        for (position, log_variance) in self.forward(&rows)? {
            let rounding = f64::from(ROUNDING) * 100.0;
            if !(-rounding..=100.0 + rounding).contains(&position) {
                return Err(OnnxError::Answer {
                    answer: format!("{position} percent, as its scale is {}", self.scale),
                    expected: "a position of 0 to 100 percent",
                });
            }
            if log_variance.is_some_and(|number| !number.is_finite()) {
                return Err(OnnxError::Answer {
                    answer: "no finite log variance".into(),
                    expected: "a finite one",
                });
            }
        }
        Ok(())
    }
}

fn on_cuda(builder: SessionBuilder, index: u32) -> Result<SessionBuilder, OnnxError> {
    let cuda = ep::CUDA::default()
        .with_device_id(i32::try_from(index).unwrap_or(i32::MAX))
        .build()
        .error_on_failure();
    builder
        .with_execution_providers([cuda])
        .map_err(|error| OnnxError::Cuda(cause(&error.to_string()).into()))
}

/// Returns what the loader says, without the place in ONNX Runtime's source.
fn cause(text: &str) -> String {
    let cause = text.rsplit_once("with error: ").map_or(text, |(_, cause)| cause);
    cause.trim().to_owned()
}

/// Returns whether the graph takes exactly one row at a time.
fn check_input(inputs: &[Outlet]) -> Result<bool, OnnxError> {
    if let [input] = inputs
        && input.name() == INPUT
        && let Some([batch @ (-1 | 1), width]) = floats(input).map(|shape| &shape[..])
        && *width == INPUTS as i64
    {
        return Ok(*batch == 1);
    }
    Err(OnnxError::Inputs {
        found: described(inputs),
    })
}

/// Returns the scale of the outputs, by precedence.
fn scale(
    stated: Option<OutputScale>,
    declared: Option<OutputScale>,
    states_variance: bool,
) -> Result<OutputScale, OnnxError> {
    match (stated, declared) {
        (Some(stated), Some(declared)) if stated != declared => {
            Err(OnnxError::OtherScale { stated, declared })
        }
        (Some(scale), _) | (_, Some(scale)) => Ok(scale),
        // The documented outputs: position in percent, and its log variance.
        (None, None) if states_variance => Ok(OutputScale::Percent),
        (None, None) => Err(OnnxError::NoScale),
    }
}

/// Returns whether there is a log variance beside the position.
fn check_outputs(outputs: &[Outlet]) -> Result<bool, OnnxError> {
    let fits = |name: &str| {
        outputs.iter().any(|output| {
            // Exporters leave the shape of an output open if they cannot infer it.
            output.name() == name
                && floats(output).is_some_and(|shape| matches!(shape[..], [_] | [_, 1 | -1]))
        })
    };
    match outputs.len() {
        1 if fits(POSITION) => Ok(false),
        2 if fits(POSITION) && fits(LOG_VARIANCE) => Ok(true),
        _ => Err(OnnxError::Outputs {
            found: described(outputs),
        }),
    }
}

/// Returns the shape of an input or output of 32-bit floats.
fn floats(outlet: &Outlet) -> Option<&Shape> {
    match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } if *ty == TensorElementType::Float32 => Some(shape),
        _ => None,
    }
}

fn described(outlets: &[Outlet]) -> String {
    let one = |outlet: &Outlet| match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let extents = shape.iter().map(|extent| match extent {
                -1 => "batch".to_owned(),
                extent => extent.to_string(),
            });
            let extents: Vec<String> = extents.collect();
            format!("{} {ty} [{}]", outlet.name(), extents.join(", "))
        }
        other => format!("{} {other}", outlet.name()),
    };
    match outlets {
        [] => "none".into(),
        outlets => outlets.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

/// Converts an error to its message: the original holds parts of a builder that cannot cross threads.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands in map_err, which hands the error over"
)]
fn refused<R>(error: ort::Error<R>) -> OnnxError {
    OnnxError::Session(error.to_string().into())
}

//! Metrics whose values somebody else keeps: read when they are asked for.
//!
//! In: a function that returns the present values. Out: a collector for the registry.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{HealthSource, State};

/// The present value of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// A number that only grows.
    Counter {
        /// Its name, without prefix and `_total`.
        name: &'static str,
        /// What it counts.
        help: &'static str,
        /// Its value.
        value: u64,
    },
    /// A number that goes up and down.
    Gauge {
        /// Its name, without prefix.
        name: &'static str,
        /// What it measures.
        help: &'static str,
        /// Its value.
        value: u64,
    },
}

/// A collector that asks `read` for the present values.
pub fn collector(read: impl Fn() -> Vec<Sample> + Send + Sync + 'static) -> Box<dyn Collector> {
    Box::new(FromFunction(Arc::new(read)))
}

struct FromFunction(Arc<dyn Fn() -> Vec<Sample> + Send + Sync>);

impl fmt::Debug for FromFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFunction")
    }
}

impl Collector for FromFunction {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for sample in (self.0)() {
            match sample {
                Sample::Counter { name, help, value } => {
                    let counter = ConstCounter::new(value);
                    counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
                }
                Sample::Gauge { name, help, value } => {
                    let gauge = ConstGauge::new(value as i64);
                    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
                }
            }
        }
        Ok(())
    }
}

/// The picture of health among the metrics: a gauge for each part.
pub(crate) struct HealthGauge(pub(crate) Arc<[HealthSource]>);

impl fmt::Debug for HealthGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HealthGauge")
    }
}

impl Collector for HealthGauge {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "2 while a part works, 1 while it should be looked at, 0 while it is down";
        let mut gauge = encoder.encode_descriptor("casement_health", help, None, MetricType::Gauge)?;
        for part in self.0.iter().flat_map(|source| source()) {
            let value: i64 = match part.state {
                State::Ok => 2,
                State::Degraded => 1,
                State::Down => 0,
            };
            ConstGauge::new(value).encode(gauge.encode_family(&[("part", part.name)])?)?;
        }
        Ok(())
    }
}

//! What the service counts. In: one call for each thing that happened. Out: Prometheus text.

use domain::RefusalReason;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::FeatureSource;

/// A label set of one word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Why a request got no answer although nothing was wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drop {
    /// It came, or was looked at, too late.
    Expired,
    /// A newer one of the same device came first.
    Superseded,
    /// Too many devices waited.
    Crowded,
    /// The broker had kept it from before we subscribed.
    Retained,
    /// The command could not be sent.
    Unsent,
}

impl Drop {
    const ALL: [Self; 5] = [
        Self::Expired,
        Self::Superseded,
        Self::Crowded,
        Self::Retained,
        Self::Unsent,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Crowded => "crowded",
            Self::Retained => "retained",
            Self::Unsent => "unsent",
        }
    }
}

/// The service's counters.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Counter,
    answers: Counter,
    refused: Family<Kind, Counter>,
    dropped: Family<Kind, Counter>,
    features: Family<Kind, Counter>,
    model_swaps: Counter,
    models_refused: Counter,
    shadowing: Gauge,
    shadow_predictions: Counter,
    shadow_dropped: Counter,
    recordings: Counter,
    recordings_failed: Counter,
    broker_up: Gauge,
    inference_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All counters at zero.
    pub fn new() -> Self {
        let bounds = [
            0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0,
        ];
        let mut metrics = Self {
            registry: Registry::with_prefix("casement_ml"),
            requests: Counter::default(),
            answers: Counter::default(),
            refused: Family::default(),
            dropped: Family::default(),
            features: Family::default(),
            model_swaps: Counter::default(),
            models_refused: Counter::default(),
            shadowing: Gauge::default(),
            shadow_predictions: Counter::default(),
            shadow_dropped: Counter::default(),
            recordings: Counter::default(),
            recordings_failed: Counter::default(),
            broker_up: Gauge::default(),
            inference_seconds: Histogram::new(bounds),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests received", self.requests.clone());
        registry.register("answers", "Window commands sent", self.answers.clone());
        registry.register("refused", "Requests refused, by reason", self.refused.clone());
        registry.register(
            "dropped",
            "Requests without an answer though nothing was wrong, by why",
            self.dropped.clone(),
        );
        registry.register(
            "features",
            "Answers by where their audio features came from",
            self.features.clone(),
        );
        registry.register(
            "model_swaps",
            "Models taken into service while running",
            self.model_swaps.clone(),
        );
        registry.register(
            "models_refused",
            "Model files refused while running",
            self.models_refused.clone(),
        );
        registry.register(
            "shadowing",
            "1 while a candidate predicts beside the model",
            self.shadowing.clone(),
        );
        registry.register(
            "shadow_predictions",
            "Predictions of candidates sent",
            self.shadow_predictions.clone(),
        );
        registry.register(
            "shadow_dropped",
            "Predictions of candidates that were not made or not sent",
            self.shadow_dropped.clone(),
        );
        registry.register("recordings_stored", "Recordings kept", self.recordings.clone());
        registry.register(
            "recordings_failed",
            "Recordings that could not be kept",
            self.recordings_failed.clone(),
        );
        registry.register(
            "broker_up",
            "1 while the broker is connected",
            self.broker_up.clone(),
        );
        let inference = self.inference_seconds.clone();
        registry.register_with_unit(
            "inference",
            "From receipt of a request until its command is sent",
            Unit::Seconds,
            inference,
        );
        for reason in RefusalReason::ALL {
            drop(self.refused.get_or_create(&Kind {
                kind: reason.as_str(),
            }));
        }
        for why in Drop::ALL {
            drop(self.dropped.get_or_create(&Kind { kind: why.as_str() }));
        }
        for source in FeatureSource::ALL {
            drop(self.features.get_or_create(&Kind {
                kind: source.as_str(),
            }));
        }
    }

    /// All of it in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }

    pub(crate) fn requested(&self) {
        self.requests.inc();
    }

    pub(crate) fn answered(&self, source: FeatureSource, seconds: f64) {
        self.answers.inc();
        self.features
            .get_or_create(&Kind {
                kind: source.as_str(),
            })
            .inc();
        self.inference_seconds.observe(seconds);
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        self.refused
            .get_or_create(&Kind {
                kind: reason.as_str(),
            })
            .inc();
    }

    pub(crate) fn dropped(&self, why: Drop) {
        self.dropped.get_or_create(&Kind { kind: why.as_str() }).inc();
    }

    pub(crate) fn model_swapped(&self) {
        self.model_swaps.inc();
    }

    pub(crate) fn model_refused(&self) {
        self.models_refused.inc();
    }

    pub(crate) fn shadowing(&self, there: bool) {
        self.shadowing.set(there.into());
    }

    pub(crate) fn shadow_predicted(&self, sent: bool) {
        if sent {
            self.shadow_predictions.inc()
        } else {
            self.shadow_dropped.inc()
        };
    }

    pub(crate) fn recording_stored(&self, stored: bool) {
        if stored {
            self.recordings.inc()
        } else {
            self.recordings_failed.inc()
        };
    }

    pub(crate) fn broker_up(&self, up: bool) {
        self.broker_up.set(i64::from(up));
    }
}

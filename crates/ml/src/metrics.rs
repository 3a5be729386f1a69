//! What the service counts. In: one call for each thing that happened. Out: metrics in the role's registry.

use domain::RefusalReason;
use monitoring::Registry;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};

use crate::FeatureSource;

/// A label set of one word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Why a request got no answer although nothing was wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// It came, or was looked at, too late.
    Expired,
    /// A newer one of the same device came first.
    Superseded,
    /// Too many devices waited, this one longest.
    QueueFull,
    /// The broker had kept it from before we subscribed.
    Retained,
    /// The command could not be sent.
    Unsent,
}

impl DropReason {
    const ALL: [Self; 5] = [
        Self::Expired,
        Self::Superseded,
        Self::QueueFull,
        Self::Retained,
        Self::Unsent,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::QueueFull => "queue_full",
            Self::Retained => "retained",
            Self::Unsent => "unsent",
        }
    }
}

/// Seconds from receipt of a request until its command is sent.
const INFERENCE_SECONDS: [f64; 12] = [
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0,
];

/// Confidence; below the first bound are inputs unlike those of the training.
const CONFIDENCE: [f64; 6] = [0.05, 0.1, 0.3, 0.5, 0.7, 0.9];

/// The service's counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Counter,
    answers: Counter,
    held: Counter,
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
    inference_seconds: Histogram,
    confidence: Histogram,
}

impl Default for Metrics {
    /// All counters at zero.
    fn default() -> Self {
        let metrics = Self {
            requests: Counter::default(),
            answers: Counter::default(),
            held: Counter::default(),
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
            inference_seconds: Histogram::new(INFERENCE_SECONDS),
            confidence: Histogram::new(CONFIDENCE),
        };
        for reason in RefusalReason::ALL {
            drop(metrics.refused.get_or_create(&Kind {
                kind: reason.as_str(),
            }));
        }
        for reason in DropReason::ALL {
            drop(metrics.dropped.get_or_create(&Kind {
                kind: reason.as_str(),
            }));
        }
        for source in FeatureSource::ALL {
            drop(metrics.features.get_or_create(&Kind {
                kind: source.as_str(),
            }));
        }
        metrics
    }
}

impl Metrics {
    /// Registers every metric in `registry`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        for (name, help, family) in [
            ("refused", "Requests refused, by reason", &self.refused),
            (
                "dropped",
                "Requests without an answer though nothing was wrong, by reason",
                &self.dropped,
            ),
            (
                "features",
                "Answers by where their audio features came from",
                &self.features,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        for (name, help, counter) in [
            ("requests", "Requests received", &self.requests),
            ("answers", "Window commands sent", &self.answers),
            (
                "held",
                "Decisions not carried out, for too little confidence",
                &self.held,
            ),
            (
                "model_swaps",
                "Models taken into service while running",
                &self.model_swaps,
            ),
            (
                "models_refused",
                "Model files refused while running",
                &self.models_refused,
            ),
            (
                "shadow_predictions",
                "Predictions of candidates sent",
                &self.shadow_predictions,
            ),
            (
                "shadow_dropped",
                "Predictions of candidates that were not made or not sent",
                &self.shadow_dropped,
            ),
            ("recordings_stored", "Recordings kept", &self.recordings),
            (
                "recordings_failed",
                "Recordings that could not be kept",
                &self.recordings_failed,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "shadowing",
            "1 while a candidate predicts beside the model",
            self.shadowing.clone(),
        );
        registry.register_with_unit(
            "inference",
            "From receipt of a request until its command is sent",
            Unit::Seconds,
            self.inference_seconds.clone(),
        );
        registry.register(
            "confidence",
            "Confidence of the decisions, carried out or held",
            self.confidence.clone(),
        );
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

    /// A decision was published, carried out or held.
    pub(crate) fn decided(&self, confidence: f64) {
        self.confidence.observe(confidence);
    }

    pub(crate) fn held(&self) {
        self.held.inc();
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        self.refused
            .get_or_create(&Kind {
                kind: reason.as_str(),
            })
            .inc();
    }

    pub(crate) fn dropped(&self, reason: DropReason) {
        self.dropped
            .get_or_create(&Kind {
                kind: reason.as_str(),
            })
            .inc();
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
}

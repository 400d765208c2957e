//! [`Metrics`]: what the engine counts, in the text format that Prometheus reads.
//!
//! Labels are bounded: tools, classes, kinds and codes, never names of resources or callers.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::fault::FaultCode;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    tool: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ToolLabels {
    tool: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndingLabels {
    kind: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FaultLabels {
    code: &'static str,
}

/// The engine's counters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: std::sync::Arc<Registry>,
    calls: Family<CallLabels, Counter>,
    latency: Family<ToolLabels, Histogram, fn() -> Histogram>,
    followed: Family<KindLabels, Gauge>,
    endings: Family<EndingLabels, Counter>,
    looks: Family<EndingLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    panics: Counter,
    /// All that is followed now, whatever its kind.
    following: std::sync::Arc<AtomicUsize>,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || Histogram::new([0.005, 0.05, 0.5, 5.0, 50.0, 300.0, 1800.0]);
        let mut registry = Registry::with_prefix("longhaul");
        let metrics = Self {
            registry: std::sync::Arc::default(),
            calls: Family::default(),
            latency: Family::new_with_constructor(buckets),
            followed: Family::default(),
            endings: Family::default(),
            looks: Family::default(),
            faults: Family::default(),
            panics: Counter::default(),
            following: std::sync::Arc::default(),
        };
        registry.register("calls", "Tool calls answered, by outcome", metrics.calls.clone());
        registry.register("call_seconds", "Time from request to answer", metrics.latency.clone());
        registry.register("operations_followed", "Operations being followed now", metrics.followed.clone());
        registry.register("operations", "Operations followed, by the state they were left in", metrics.endings.clone());
        registry.register("looks", "Looks at backends: seen or missed", metrics.looks.clone());
        registry.register("faults", "Faults answered, by code", metrics.faults.clone());
        registry.register("panics", "Panics caught", metrics.panics.clone());
        Self { registry: std::sync::Arc::new(registry), ..metrics }
    }
}

impl Metrics {
    /// Everything counted, as `/metrics` shows it (OpenMetrics text).
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            // Writing into a string fails only if a metric's own encoding does.
            tracing::error!("the metrics could not be encoded");
        }
        text
    }

    /// How many operations are being followed now.
    #[must_use]
    pub fn following(&self) -> usize {
        self.following.load(Ordering::Relaxed)
    }

    pub(super) fn called(&self, tool: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&CallLabels { tool, outcome }).inc();
        self.latency.get_or_create(&ToolLabels { tool }).observe(took.as_secs_f64());
    }

    pub(super) fn fault(&self, code: FaultCode) {
        self.faults.get_or_create(&FaultLabels { code: code.as_str() }).inc();
    }

    pub(super) fn panicked(&self) {
        self.panics.inc();
    }

    pub(super) fn looked(&self, kind: &'static str, seen: bool) {
        let state = if seen { "seen" } else { "missed" };
        self.looks.get_or_create(&EndingLabels { kind, state }).inc();
    }

    /// Counts an operation as followed until the guard is dropped, however the call ends.
    pub(super) fn follow(&self, kind: &'static str) -> Following {
        let gauge = self.followed.get_or_create(&KindLabels { kind }).clone();
        gauge.inc();
        self.following.fetch_add(1, Ordering::Relaxed);
        Following { metrics: self.clone(), kind, gauge, state: "left" }
    }
}

/// An operation that is being followed.
pub(super) struct Following {
    metrics: Metrics,
    kind: &'static str,
    gauge: Gauge,
    state: &'static str,
}

impl Following {
    pub(super) fn ended(mut self, state: &'static str) {
        self.state = state;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.gauge.dec();
        self.metrics.following.fetch_sub(1, Ordering::Relaxed);
        self.metrics.endings.get_or_create(&EndingLabels { kind: self.kind, state: self.state }).inc();
    }
}

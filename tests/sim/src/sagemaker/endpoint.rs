//! An endpoint: what it runs, what it wants, what it goes through.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::script::On;
use super::state::Record;
use super::timeline::{self, Position, Step};

/// A production variant as an endpoint runs it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    /// What its instances are, or would be; none for a serverless one.
    pub(crate) instance_type: Option<String>,
    /// The types of its pools, first choice first; empty when it has none.
    pub(crate) pools: Vec<String>,
    pub(crate) count: u64,
    pub(crate) weight: f64,
    /// Whether AWS has instances for it.
    pub(crate) provisioned: bool,
    /// For how many seconds it looks for some.
    pub(crate) provision_timeout: Option<f64>,
    pub(crate) download_timeout: Option<u64>,
}

impl Variant {
    /// Reads a configuration's variant and chooses its instances: of the first
    /// pool that is not `scarce`.
    fn read(spec: &Map<String, Value>, scarce: &[String]) -> Self {
        let text = |field: &str| spec.get(field).and_then(Value::as_str).map(str::to_owned);
        let number = |field: &str| spec.get(field).and_then(Value::as_u64);
        let mut pools: Vec<&Value> =
            spec.get("InstancePools").and_then(Value::as_array).into_iter().flatten().collect();
        pools.sort_by_key(|pool| pool.get("Priority").and_then(Value::as_u64));
        let kind = |pool: &&Value| pool.get("InstanceType").and_then(Value::as_str).map(str::to_owned);
        let is_there = |kind: &String| !scarce.contains(kind);
        let chosen = pools.iter().copied().find(|pool| kind(pool).as_ref().is_some_and(is_there));
        let chosen = chosen.or(pools.first().copied());
        let overriding = chosen.and_then(|pool| pool.get("ModelNameOverride")?.as_str()).map(str::to_owned);
        let instance_type = chosen.as_ref().and_then(kind).or_else(|| text("InstanceType"));
        let weight = spec.get("InitialVariantWeight").and_then(Value::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "a time-out of at most 3600 seconds")]
        let provision_timeout = number("VariantInstanceProvisionTimeoutInSeconds").map(|n| n as f64);
        Self {
            name: text("VariantName").unwrap_or_default(),
            model: overriding.or_else(|| text("ModelName")),
            provisioned: instance_type.as_ref().is_none_or(is_there),
            instance_type,
            pools: pools.iter().filter_map(kind).collect(),
            count: number("InitialInstanceCount").unwrap_or(1),
            weight: weight.unwrap_or(1.0),
            provision_timeout,
            download_timeout: number("ModelDataDownloadTimeoutInSeconds"),
        }
    }
}

/// A configuration as an endpoint runs it: kept, since the configuration itself
/// may be deleted under it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bound {
    pub(crate) config: String,
    pub(crate) variants: Vec<Variant>,
}

/// Instances by type.
pub(crate) type Instances = BTreeMap<String, u64>;

impl Bound {
    /// What a configuration becomes while some instance types are `scarce`.
    pub(crate) fn read(config: &Record, scarce: &[String]) -> Self {
        let variants = config.request.get("ProductionVariants").and_then(Value::as_array);
        let variants = variants.into_iter().flatten().filter_map(Value::as_object);
        Self { config: config.name.clone(), variants: variants.map(|spec| Variant::read(spec, scarce)).collect() }
    }

    /// Instances asked for.
    pub(crate) fn instances(&self) -> Instances {
        let mut instances = Instances::new();
        for variant in &self.variants {
            if let Some(kind) = &variant.instance_type {
                *instances.entry(kind.clone()).or_default() += variant.count;
            }
        }
        instances
    }

    pub(crate) fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The first variant for which AWS has no instances.
    pub(crate) fn lacking(&self) -> Option<&Variant> {
        self.variants.iter().find(|variant| !variant.provisioned)
    }
}

/// What an endpoint is going through.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Course {
    /// What started it.
    pub(crate) on: On,
    /// When it began, in simulated seconds.
    pub(crate) since: f64,
    pub(crate) timeline: Vec<Step>,
    pub(crate) failure_reason: Option<String>,
}

/// An endpoint.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    #[serde(flatten)]
    pub(crate) record: Record,
    pub(crate) course: Course,
    /// What it runs, or what it is to run first.
    pub(crate) bound: Bound,
    /// What an update wants.
    pub(crate) wanted: Option<Bound>,
    /// How the last update was to be carried out.
    pub(crate) deployment: Option<Value>,
}

impl Endpoint {
    /// Where it is; none once it has vanished.
    pub(crate) fn position(&self, now: f64) -> Option<Position<'_>> {
        timeline::position(&self.course.timeline, now - self.course.since)
    }

    pub(crate) fn status(&self, now: f64) -> &str {
        self.position(now).map_or(timeline::VANISHED, |position| &position.step.status)
    }

    /// What it runs now: the wanted configuration once an update has come
    /// through, the old one before, and after a rollback.
    pub(crate) fn runs(&self, now: f64) -> &Bound {
        match &self.wanted {
            Some(wanted) if self.position(now).is_some_and(Position::came_through) => wanted,
            _ => &self.bound,
        }
    }

    /// What an update is about to bring, while it is under way.
    pub(crate) fn brings(&self, now: f64) -> Option<&Bound> {
        let settled = |p: Position<'_>| {
            let status = p.step.status.as_str();
            p.came_through() || (p.rolled_back && matches!(status, "InService" | "UpdateRollbackFailed"))
        };
        self.wanted.as_ref().filter(|_| !self.position(now).is_none_or(settled))
    }

    /// The instances that count against the account's quotas.
    pub(crate) fn occupies(&self, now: f64) -> Instances {
        if self.status(now) == "Failed" {
            return Instances::new();
        }
        let mut instances = self.runs(now).instances();
        for (kind, count) in self.brings(now).map(Bound::instances).unwrap_or_default() {
            let held = instances.entry(kind).or_default();
            // A new fleet stands beside the old one; a change of size only grows it.
            *held = if self.course.on == On::Scale { count.max(*held) } else { count + *held };
        }
        instances
    }

    /// Whether it answers invocations: an update does not interrupt it.
    pub(crate) fn serves(&self, now: f64) -> bool {
        self.position(now).is_some_and(|position| match position.step.status.as_str() {
            "InService" | "UpdateRollbackFailed" => true,
            "Creating" | "Failed" | "OutOfService" | "Deleting" => false,
            _ => self.wanted.is_some() || position.served,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(spec: Value, scarce: &[&str], expected: (Option<&str>, Option<&str>, bool)) {
        let scarce: Vec<String> = scarce.iter().map(|kind| (*kind).to_owned()).collect();
        let variant = Variant::read(spec.as_object().unwrap(), &scarce);
        let seen = (variant.instance_type.as_deref(), variant.model.as_deref(), variant.provisioned);
        assert_eq!(seen, expected, "{spec}");
    }

    #[test]
    fn the_first_pool_with_capacity_is_chosen_by_priority() {
        let pools = json!([
            {"InstanceType": "b", "Priority": 2, "ModelNameOverride": "small"},
            {"InstanceType": "a", "Priority": 1},
        ]);
        let spec = json!({"ModelName": "m", "InstancePools": pools});
        check(spec.clone(), &[], (Some("a"), Some("m"), true));
        check(spec.clone(), &["a"], (Some("b"), Some("small"), true));
        check(spec, &["a", "b"], (Some("a"), Some("m"), false));
    }

    #[test]
    fn without_pools_there_is_nothing_to_fall_back_to() {
        let spec = json!({"ModelName": "m", "InstanceType": "a"});
        check(spec.clone(), &[], (Some("a"), Some("m"), true));
        check(spec, &["a"], (Some("a"), Some("m"), false));
        check(json!({"ModelName": "m"}), &["a"], (None, Some("m"), true));
    }
}

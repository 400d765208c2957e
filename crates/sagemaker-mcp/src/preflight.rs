//! What can be told to stand in the way before anything is paid for: the quota and the role.
//!
//! Only what AWS clearly says blocks a start. What could not be looked at, for want of a
//! permission or of time, is told as unknown: SageMaker itself decides then.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use longhaul::fault::{Fault, FaultCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{
    api::{Api, Filter, Listed},
    calls,
    error::{SageMakerError, Why, if_there},
};

/// A look that takes longer has told nothing.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// Requests that are under way at the same time.
const AT_ONCE: usize = 8;

/// The instances of so many endpoints are counted, at most.
const MOST_ENDPOINTS: u32 = 100;

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at: `name`, `model`, `role`, `quota`.
    pub check: String,
    /// Whether it will do.
    pub verdict: Verdict,
    /// What was seen.
    pub message: String,
    /// Why nothing can be started.
    #[serde(skip)]
    pub fault: Option<Fault>,
}

/// Whether what was looked at will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It will do.
    Ok,
    /// Nothing can be started like this.
    Blocked,
    /// It could not be found out.
    Unknown,
}

impl Check {
    /// It will do.
    #[must_use]
    pub fn ok(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), verdict: Verdict::Ok, message: message.into(), fault: None }
    }

    /// It could not be found out.
    #[must_use]
    pub fn unknown(check: &str, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::ok(check, message) }
    }

    /// Nothing can be started: for what stands in the way, or because it could not be looked at
    /// although it must be.
    #[must_use]
    pub fn blocked(check: &str, fault: Fault) -> Self {
        let verdict = if fault.retryable { Verdict::Unknown } else { Verdict::Blocked };
        Self { verdict, fault: Some(fault.clone()), ..Self::ok(check, fault.message) }
    }
}

/// The checks of a start with this role and so many instances of a type, where there is one type.
pub async fn checks(api: &impl Api, role_arn: &str, instance_type: Option<&str>, wanted: u32) -> Vec<Check> {
    let quota = async {
        match instance_type {
            Some(instance_type) => quota(api, instance_type, wanted).await,
            None => Check::unknown("quota", "not looked at: it depends on the instance type that is taken"),
        }
    };
    let (role, quota) = futures_util::join!(timeout(LOOK_LIMIT, role(api, role_arn)), timeout(LOOK_LIMIT, quota));
    let late = |check| Check::unknown(check, format!("AWS did not answer within {} s", LOOK_LIMIT.as_secs()));
    vec![role.unwrap_or_else(|_| late("role")), quota.unwrap_or_else(|_| late("quota"))]
}

async fn role(api: &impl Api, role_arn: &str) -> Check {
    let needs = "The role must exist in this account and trust sagemaker.amazonaws.com.";
    let wrong =
        |why: &str| Check::blocked("role", Fault::invalid("role_arn", format!("{role_arn} {why}")).with_advice(needs));
    match api.role_is_trusting(role_arn).await {
        Ok(true) => Check::ok("role", format!("SageMaker may assume {role_arn}")),
        Ok(false) => wrong("does not let SageMaker assume it"),
        Err(error) if error.why() == Some(Why::Missing) => wrong("does not exist"),
        Err(error) => Check::unknown("role", format!("whether SageMaker may assume {role_arn} was not seen: {error}")),
    }
}

async fn quota(api: &impl Api, instance_type: &str, wanted: u32) -> Check {
    let quotas = match api.endpoint_quotas().await {
        Ok(quotas) => quotas,
        Err(error) => return Check::unknown("quota", format!("the quotas were not seen: {error}")),
    };
    let Some(limit) = quotas.get(instance_type).copied() else {
        let message = format!("no quota is known for {instance_type}: it may not be offered in {}", api.region());
        return Check::unknown("quota", message);
    };
    // What exceeds the limit in any case needs no counting.
    let used = if f64::from(wanted) > limit { Ok(Some(0)) } else { in_use(api, instance_type).await };
    judge(instance_type, wanted, limit, used)
}

/// Whether so many more instances fit. `used` is `None` where there are too many endpoints to count.
fn judge(instance_type: &str, wanted: u32, limit: f64, used: Result<Option<u32>, SageMakerError>) -> Check {
    let used = match used {
        Ok(Some(used)) => used,
        Ok(None) => {
            return Check::unknown(
                "quota",
                format!("{limit} × {instance_type} are allowed; how many are in use was not counted"),
            );
        }
        Err(error) => {
            return Check::unknown(
                "quota",
                format!("{limit} × {instance_type} are allowed; how many are in use was not seen: {error}"),
            );
        }
    };
    let message =
        format!("{limit} × {instance_type} for endpoints are allowed, {used} are in use, {wanted} are asked for");
    if f64::from(used) + f64::from(wanted) <= limit {
        return Check::ok("quota", message);
    }
    let fault = Fault::new(FaultCode::Quota, message)
        .with_advice(format!("Ask for more under Service Quotas, Amazon SageMaker, `{instance_type} for endpoint usage`, or choose another instance type: {} shows those with quota.", calls::RECOMMEND))
        .with_advice(format!("Delete endpoints that are no longer needed: {} shows them.", calls::LIST));
    Check::blocked("quota", fault)
}

/// Instances of this type that endpoints use now; `None` where the account has too many to look at.
async fn in_use(api: &impl Api, instance_type: &str) -> Result<Option<u32>, SageMakerError> {
    let page = api.list_endpoints(&Filter { page_size: MOST_ENDPOINTS, ..Filter::default() }).await?;
    if page.cursor.is_some() {
        return Ok(None);
    }
    // A failed endpoint has no instances.
    let alive: Vec<Listed> = page.items.into_iter().filter(|item| item.status != "Failed").collect();
    let mut looks = Vec::with_capacity(alive.len());
    for item in &alive {
        looks.push(instances(api, &item.name));
    }
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    let mut sum = 0;
    while let Some(used) = looks.next().await {
        sum += used?.get(instance_type).copied().unwrap_or_default();
    }
    Ok(Some(sum))
}

/// The instances that an endpoint uses or is about to use, by type.
///
/// # Errors
/// AWS could not be asked.
pub async fn instances(api: &impl Api, endpoint: &str) -> Result<BTreeMap<String, u32>, SageMakerError> {
    let Some(seen) = if_there(api.describe_endpoint(endpoint).await)? else { return Ok(BTreeMap::new()) };
    let config = seen.pending_config.as_ref().unwrap_or(&seen.config);
    let variants = if_there(api.describe_config(config).await)?.map(|config| config.variants).unwrap_or_default();
    let mut found = BTreeMap::new();
    for variant in variants {
        let seen = seen.variants.iter().find(|seen| seen.name == variant.name);
        // With pools, only the endpoint tells which types it got.
        let pools = seen.map(|seen| seen.instance_types.clone()).filter(|pools| !pools.is_empty());
        let runs = seen.and_then(|seen| seen.current_instances.max(seen.desired_instances));
        let count = runs.map_or(variant.instance_count, |runs| u32::try_from(runs).unwrap_or_default());
        let own = || variant.instance_types.first().map(|own| vec![(own.clone(), count)]).unwrap_or_default();
        for (instance_type, count) in pools.unwrap_or_else(own) {
            *found.entry(instance_type).or_default() += count;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: u32, limit: f64, used: Option<u32>, verdict: Verdict) {
        let judged = judge("ml.g5.xlarge", wanted, limit, Ok(used));
        assert_eq!(judged.verdict, verdict, "{}", judged.message);
        assert_eq!(judged.fault.map(|fault| fault.code), (verdict == Verdict::Blocked).then_some(FaultCode::Quota));
    }

    #[test]
    fn a_start_fits_into_the_quota_or_is_blocked_or_nobody_knows() {
        check(1, 1.0, Some(0), Verdict::Ok);
        check(2, 4.0, Some(2), Verdict::Ok);
        check(1, 1.0, Some(1), Verdict::Blocked);
        check(1, 0.0, Some(0), Verdict::Blocked);
        check(1, 4.0, None, Verdict::Unknown);
    }
}

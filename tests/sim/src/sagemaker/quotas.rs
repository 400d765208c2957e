//! Service Quotas: ListServiceQuotas, GetServiceQuota; and the quotas' being kept.

use serde_json::{Value, json};

use super::Scope;
use super::endpoint::Instances;
use super::input::Input;
use super::instance_types;
use super::listing::{self, Page};
use super::state::World;
use super::wire::{AwsError, partition};

/// What the built-in models run on.
const COMMON: [&str; 9] = [
    "ml.m5.large",
    "ml.m5.xlarge",
    "ml.c5.xlarge",
    "ml.c5.2xlarge",
    "ml.g5.xlarge",
    "ml.g5.2xlarge",
    "ml.g5.12xlarge",
    "ml.g6.12xlarge",
    "ml.p3.2xlarge",
];

/// The quota of [`COMMON`] types where none is set: more than anybody starts.
const AMPLE: u64 = 10_000;

/// How many instances of a type endpoints may use; none where nobody counts.
fn quota(world: &World, kind: &str) -> Option<u64> {
    let tuning = &world.tuning;
    let set = tuning.instance_quotas.get(kind).copied().or(tuning.endpoint_quota);
    set.or_else(|| COMMON.contains(&kind).then_some(AMPLE))
}

/// Refuses what would exceed the quota of an instance type.
pub(crate) fn check(world: &World, region: &str, more: &Instances) -> Result<(), AwsError> {
    let now = world.now();
    for (kind, delta) in more {
        let Some(quota) = quota(world, kind) else {
            continue;
        };
        let here = world.endpoints.values().filter(|endpoint| endpoint.record.region == region);
        let used: u64 = here.filter_map(|endpoint| endpoint.occupies(now).get(kind).copied()).sum();
        if used + delta > quota {
            return Err(AwsError::refused(
                "ResourceLimitExceeded",
                format!(
                    "The account-level service limit '{kind} for endpoint usage' is {quota} \
                     Instances, with current utilization of {used} Instances and a request delta \
                     of {delta} Instances. Please use AWS Service Quotas to request an increase \
                     for this quota. If AWS Service Quotas is not available, contact AWS support \
                     to request an increase for this quota."
                ),
            ));
        }
    }
    Ok(())
}

pub(crate) fn list(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    check_service(input)?;
    let limit = input.whole("MaxResults", 1, 100)?.unwrap_or(100);
    let only = input.text("QuotaCode")?;
    let mut quotas = all(world, scope.region);
    quotas.retain(|quota| only.is_none_or(|only| quota.get("QuotaCode") == Some(&json!(only))));
    let key = |quota: &Value| quota.get("QuotaName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let keyed = quotas.into_iter().map(|quota| (key(&quota), quota)).collect();
    let invalid = |_| AwsError::refused("InvalidPaginationTokenException", "Invalid pagination token.");
    let after = input.text("NextToken")?.map(listing::read_token).transpose().map_err(invalid)?;
    let Page { items, next } = listing::page(keyed, true, after, limit);
    let mut out = json!({"Quotas": items});
    if let (Some(next), Some(out)) = (next, out.as_object_mut()) {
        out.insert("NextToken".to_owned(), json!(next));
    }
    Ok(out)
}

pub(crate) fn get(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    check_service(input)?;
    let code = json!(input.required_text("QuotaCode")?);
    let found = all(world, scope.region).into_iter().find(|quota| quota.get("QuotaCode") == Some(&code));
    let missing = || no_such_resource("The request failed because the specified quota does not exist.");
    Ok(json!({"Quota": found.ok_or_else(missing)?}))
}

fn check_service(input: Input<'_>) -> Result<(), AwsError> {
    if input.required_text("ServiceCode")? != "sagemaker" {
        return Err(no_such_resource("The request failed because the specified service does not exist."));
    }
    Ok(())
}

fn no_such_resource(message: &str) -> AwsError {
    AwsError::refused("NoSuchResourceException", message)
}

/// The quotas of a region: of every type for endpoints that has one, and those
/// for training, which are others.
fn all(world: &World, region: &str) -> Vec<Value> {
    let mut quotas = Vec::new();
    for kind in instance_types::all() {
        if let Some(value) = quota(world, kind) {
            quotas.push(entry(world, region, kind, "endpoint", value));
        }
        if COMMON.contains(&kind.as_str()) {
            quotas.push(entry(world, region, kind, "training job", 0));
        }
    }
    quotas
}

fn entry(world: &World, region: &str, kind: &str, usage: &str, value: u64) -> Value {
    let name = format!("{kind} for {usage} usage");
    let code = code(&name);
    let account = &world.tuning.account_id;
    json!({
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": format!("arn:{}:servicequotas:{region}:{account}:sagemaker/{code}", partition(region)),
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": true,
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": "ACCOUNT",
    })
}

/// A code in AWS's form, the same for a name every time.
fn code(name: &str) -> String {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("L-{hash:08X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_quotas_share_a_code() {
        let mut codes: Vec<String> = Vec::new();
        for kind in instance_types::all() {
            for usage in ["endpoint", "training job"] {
                codes.push(code(&format!("{kind} for {usage} usage")));
            }
        }
        let all = codes.len();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}

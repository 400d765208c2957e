//! Why an endpoint failed: AWS's reason and the container's last words, put into one of a few
//! classes, each with what to do about it. Pure.
//!
//! AWS writes most failures of a container as "did not pass the ping health check"; the log tells
//! what that means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{api::LogLine, calls};

/// Why an endpoint failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// AWS has no instances of the type left.
    Capacity,
    /// The account may not have so many.
    Quota,
    /// SageMaker may not assume the execution role.
    Role,
    /// The container's image could not be fetched.
    ImagePull,
    /// The model's files may not be read: permissions, or a EULA.
    ModelAccess,
    /// The model does not fit into the instance's memory.
    OutOfMemory,
    /// The model's files did not arrive in time.
    DownloadTimeout,
    /// The container did not get ready in time.
    StartupTimeout,
    /// The container is not healthy, and its log does not say why.
    HealthCheck,
    /// None of these.
    Other,
}

/// Words by which a class is known, in lower case; the first that fits wins. What AWS says of
/// itself comes before what a container says, and a cause before its symptom.
const IN_REASON: [(FailureClass, &[&str]); 9] = [
    (
        FailureClass::Capacity,
        &["insufficientinstancecapacity", "insufficient capacity", "compute capacity", "no capacity"],
    ),
    (FailureClass::Quota, &["resourcelimitexceeded", "service limit", "service quota", "account-level"]),
    (FailureClass::Role, &["assume role", "cannot be assumed", "assumerole", "role is invalid", "trust policy"]),
    (
        FailureClass::ImagePull,
        &[
            "pull image",
            "image pull",
            "imagepull",
            "ecr image",
            "pulling image",
            "images included in the model",
            "batchgetimage",
        ],
    ),
    (FailureClass::DownloadTimeout, &["download timed out", "download timeout", "downloading model data timed out"]),
    (
        FailureClass::ModelAccess,
        &[
            "failed to download model data",
            "access model data",
            "model data at s3",
            "eula",
            "access denied",
            "accessdenied",
        ],
    ),
    (FailureClass::OutOfMemory, &["out of memory", "outofmemory"]),
    (
        FailureClass::StartupTimeout,
        &["startup timed out", "start-up timed out", "startup health check timeout", "timed out"],
    ),
    (FailureClass::HealthCheck, &["health check", "ping"]),
];

const IN_LOG: [(FailureClass, &[&str]); 4] = [
    (
        FailureClass::OutOfMemory,
        &["out of memory", "outofmemory", "memoryerror", "oom-kill", "oom killed", "cannot allocate memory", "sigkill"],
    ),
    (
        FailureClass::ModelAccess,
        &[
            "gatedrepo",
            "eula",
            "accessdenied",
            "access denied",
            "403 client error",
            "status code: 403",
            "403 forbidden",
        ],
    ),
    (FailureClass::DownloadTimeout, &["download timed out"]),
    (FailureClass::StartupTimeout, &["startup timed out", "timed out waiting for", "did not start within"]),
];

/// The class of a failure.
#[must_use]
pub fn class(reason: &str, log: &[LogLine]) -> FailureClass {
    let reason = reason.to_lowercase();
    let by_reason = IN_REASON.iter().find(|(_, words)| words.iter().any(|word| reason.contains(word)));
    let by_reason = by_reason.map_or(FailureClass::Other, |(class, _)| *class);
    // An unhealthy container is a symptom; so is one that was too slow.
    let open = matches!(by_reason, FailureClass::HealthCheck | FailureClass::StartupTimeout | FailureClass::Other);
    if !open {
        return by_reason;
    }
    let lines: Vec<String> = log.iter().map(|line| line.text.to_lowercase()).collect();
    let says = |words: &[&str]| lines.iter().any(|line| words.iter().any(|word| line.contains(word)));
    // Whose last word is that it is loading was not given the time to.
    let loading = lines.last().is_some_and(|line| line.contains("loading") && !line.contains("100%"));
    match IN_LOG.iter().find(|(_, words)| says(words)) {
        Some((class, _)) => *class,
        None if loading => FailureClass::StartupTimeout,
        None => by_reason,
    }
}

impl FailureClass {
    /// What to check or do, most likely first.
    #[must_use]
    pub fn advice(self, endpoint: &str) -> Vec<String> {
        let logs = format!("Read the container's log with {}: endpoint {endpoint}.", calls::LOGS);
        let first = match self {
            Self::Capacity => {
                "AWS has no capacity of this instance type here now: try another type, name several in `fallback_instance_types`, try another region, or later."
            }
            Self::Quota => {
                "Ask for more under Service Quotas, Amazon SageMaker, `<instance type> for endpoint usage`, or choose another instance type."
            }
            Self::Role => {
                "The execution role must exist and trust sagemaker.amazonaws.com, and the caller needs iam:PassRole on it."
            }
            Self::ImagePull => {
                "The execution role must be able to pull from ECR (ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer), and a VPC needs a way to ECR."
            }
            Self::ModelAccess => {
                "The execution role must be able to read the model's bucket in S3, and a gated model needs its EULA accepted (`accept_eula`)."
            }
            Self::OutOfMemory => {
                "The model does not fit: choose an instance type with more (accelerator) memory, or a smaller context or batch size in `environment`."
            }
            Self::DownloadTimeout => {
                "The model's files took too long: choose an instance type with a faster network, or one with a local disk."
            }
            Self::StartupTimeout => {
                "The container took too long to get ready: a larger instance type loads the model faster; the log tells how far it came."
            }
            Self::HealthCheck => "The container started and is not healthy: its log tells why.",
            Self::Other => "Check the instance type, the quotas of the account, the model's version and its EULA.",
        };
        let mut advice = vec![first.to_owned()];
        if !matches!(self, Self::Capacity | Self::Quota | Self::Role) {
            advice.push(logs);
        }
        advice.push("Delete the failed endpoint before you try again; it does not heal.".to_owned());
        advice
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[track_caller]
    fn check(reason: &str, log: &[&str], expected: FailureClass) {
        let line =
            |text: &&str| LogLine { at: SystemTime::UNIX_EPOCH, stream: String::new(), text: (*text).to_owned() };
        let log: Vec<LogLine> = log.iter().map(line).collect();
        assert_eq!(class(reason, &log), expected, "{reason} {log:?}");
    }

    const UNHEALTHY: &str = "The primary container for production variant AllTraffic did not pass the ping health \
                             check. Please check CloudWatch logs for this endpoint.";

    #[test]
    fn awss_own_reason_decides_where_it_names_a_cause() {
        check(
            "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry \
             using a different ML instance type or after some time.",
            &["CUDA out of memory"],
            FailureClass::Capacity,
        );
        check("ResourceLimitExceeded: The account-level service limit …", &[], FailureClass::Quota);
        check("Could not assume role arn:aws:iam::1:role/x", &[], FailureClass::Role);
        check("Failed to pull image 1.dkr.ecr.us-east-1.amazonaws.com/x", &[], FailureClass::ImagePull);
        check(
            "Failed to download model data for container \"container_1\" from URL: \"s3://b/bloom\". Please ensure that \
             there is an object located at the URL and that the role passed to CreateModel has permissions to download the \
             object.",
            &[],
            FailureClass::ModelAccess,
        );
        check(
            "Please make sure all images included in the model for the production variant exist",
            &[],
            FailureClass::ImagePull,
        );
        check("Model data download timed out after 1200 seconds", &[], FailureClass::DownloadTimeout);
        check("Container startup timed out", &[], FailureClass::StartupTimeout);
        check("", &[], FailureClass::Other);
    }

    #[test]
    fn an_unhealthy_container_is_explained_by_its_log() {
        check(UNHEALTHY, &[], FailureClass::HealthCheck);
        check(UNHEALTHY, &["torch.cuda.OutOfMemoryError: CUDA out of memory."], FailureClass::OutOfMemory);
        check(UNHEALTHY, &["ok", "403 Client Error: Forbidden for url"], FailureClass::ModelAccess);
        check(UNHEALTHY, &["ValueError: unknown model"], FailureClass::HealthCheck);
    }

    #[test]
    fn every_class_has_advice_that_ends_with_the_removal() {
        for (class, _) in IN_REASON {
            let advice = class.advice("e");
            assert!(advice.len() >= 2 && advice.last().is_some_and(|last| last.starts_with("Delete")), "{class:?}");
        }
    }
}

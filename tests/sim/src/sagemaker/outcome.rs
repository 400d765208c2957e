//! Why a deployment fails: by name, in AWS's words, with what the containers write.
//!
//! | `outcome` | `FailureReason` speaks of | after | container log |
//! |---|---|---|---|
//! | `capacity` | InsufficientInstanceCapacity | a third | none |
//! | `quota` | the account-level service limit | a third | none |
//! | `wrong_role` | a role that cannot be assumed | a third | none |
//! | `image_pull` | an image that the role may not pull (ECR) | a third | none |
//! | `s3_forbidden` | model data, S3 403 | a third | none |
//! | `eula` | gated model data, S3 403 | a third | none |
//! | `download_timeout` | the model data download timeout | all | none |
//! | `health_check` | the ping health check | all | an import error |
//! | `out_of_memory` | the ping health check | all | CUDA out of memory, Killed |
//! | `startup_timeout` | the ping health check | all | still loading |
//! | `container_s3_forbidden` | the ping health check | all | S3 403 |
//!
//! "After" is a part of `create_seconds`. A container that never ran writes
//! nothing, so its log group does not exist; neither does it at AWS. Nor does AWS's
//! reason tell apart what goes wrong inside a container: the log does.

use serde::{Deserialize, Serialize};

/// Why a deployment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// AWS has no instances of the type.
    Capacity,
    /// The account may have no more of them.
    Quota,
    /// SageMaker may not assume the execution role.
    WrongRole,
    /// The container's image cannot be pulled.
    ImagePull,
    /// SageMaker may not read the model's data.
    S3Forbidden,
    /// The same, for a licence that was not accepted.
    Eula,
    /// The model's data did not come in time.
    DownloadTimeout,
    /// The container does not answer.
    HealthCheck,
    /// The container has too little memory.
    OutOfMemory,
    /// The container is not ready in time.
    StartupTimeout,
    /// The container may not read what it downloads by itself.
    ContainerS3Forbidden,
}

/// What a reason speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) variant: String,
    pub(crate) instance_type: String,
    pub(crate) image: String,
    pub(crate) role: String,
    pub(crate) model_data: String,
    /// In seconds.
    pub(crate) download_timeout: u64,
}

/// What every container writes first.
pub(crate) const STARTING: &str = include_str!("../../fixtures/container-logs/starting.txt");
/// What one writes next that comes into service.
pub(crate) const READY: &str = include_str!("../../fixtures/container-logs/ready.txt");

impl Outcome {
    /// Whether the container comes to run, and so to write.
    fn runs_a_container(self) -> bool {
        !self.log().is_empty()
    }

    /// The part of `create_seconds` after which it shows.
    pub(crate) fn after(self) -> f64 {
        if self.runs_a_container() || self == Self::DownloadTimeout { 1.0 } else { 1.0 / 3.0 }
    }

    /// What its container writes after [`STARTING`].
    fn log(self) -> &'static str {
        match self {
            Self::HealthCheck => include_str!("../../fixtures/container-logs/health-check.txt"),
            Self::OutOfMemory => include_str!("../../fixtures/container-logs/out-of-memory.txt"),
            Self::StartupTimeout => include_str!("../../fixtures/container-logs/startup-timeout.txt"),
            Self::ContainerS3Forbidden => include_str!("../../fixtures/container-logs/s3-forbidden.txt"),
            Self::Capacity | Self::Quota | Self::WrongRole | Self::ImagePull => "",
            Self::S3Forbidden | Self::Eula | Self::DownloadTimeout => "",
        }
    }

    /// All that its container writes.
    pub(crate) fn log_lines(self) -> impl Iterator<Item = &'static str> {
        let starting = if self.runs_a_container() { STARTING } else { "" };
        starting.lines().chain(self.log().lines())
    }

    /// The `FailureReason`. Wordings are those that AWS's users report; that of
    /// `wrong_role` is CreateModel's, `download_timeout` follows the others.
    pub(crate) fn reason(self, of: &Subject) -> String {
        let Subject { variant, instance_type, image, role, model_data, download_timeout } = of;
        let download =
            format!("Failed to download model data for container \"container_1\" from URL: \"{model_data}\"");
        match self {
            Self::Capacity => "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity \
                 error. Please retry using a different ML instance type or after some time."
                .to_owned(),
            Self::Quota => format!(
                "The account-level service limit '{instance_type} for endpoint usage' is 0 Instances, with current \
                 utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to \
                 request an increase for this quota."
            ),
            Self::WrongRole => cannot_assume(role),
            Self::ImagePull => {
                format!("The role '{role}' does not have BatchGetImage permission for the image: '{image}'.")
            }
            Self::S3Forbidden | Self::Eula => format!(
                "{download}. Please ensure that there is an object located at the URL and that the role passed to \
                 CreateModel has permissions to download the object. (Service: S3, Status Code: 403, Error Code: \
                 AccessDenied)"
            ),
            Self::DownloadTimeout => {
                format!("{download} within the model data download timeout of {download_timeout} seconds.")
            }
            Self::HealthCheck | Self::OutOfMemory | Self::StartupTimeout | Self::ContainerS3Forbidden => format!(
                "The primary container for production variant {variant} did not pass the ping health check. Please \
                 check CloudWatch logs for this endpoint."
            ),
        }
    }
}

/// What SageMaker says of a role that is not there, or does not trust it.
pub(crate) fn cannot_assume(role: &str) -> String {
    format!(
        "Could not assume role {role}. Please ensure that the role exists and allows principal \
         'sagemaker.amazonaws.com' to assume the role."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, reason: &str, log: &str) {
        let outcome: Outcome = serde_json::from_value(name.into()).unwrap();
        let of = Subject {
            variant: "AllTraffic".to_owned(),
            instance_type: "ml.g5.xlarge".to_owned(),
            image: "i".to_owned(),
            role: "r".to_owned(),
            model_data: "s3://b/k/".to_owned(),
            download_timeout: 1200,
        };
        let (said, written) = (outcome.reason(&of), outcome.log_lines().collect::<Vec<_>>().join("\n"));
        assert!(said.contains(reason) && said.len() <= 1024, "{said}");
        assert!(written.contains(log) && written.is_empty() == log.is_empty(), "{written}");
    }

    #[test]
    fn every_outcome_has_the_words_of_aws() {
        check("capacity", "InsufficientInstanceCapacity", "");
        check("quota", "'ml.g5.xlarge for endpoint usage' is 0 Instances", "");
        check("wrong_role", "Could not assume role r", "");
        check("image_pull", "BatchGetImage permission for the image: 'i'", "");
        check("s3_forbidden", "\"s3://b/k/\". Please ensure", "");
        check("eula", "Status Code: 403", "");
        check("download_timeout", "timeout of 1200 seconds", "");
        check("health_check", "variant AllTraffic did not pass the ping health check", "ModuleNotFoundError");
        check("out_of_memory", "ping health check", "CUDA out of memory");
        check("startup_timeout", "ping health check", "37% Completed");
        check("container_s3_forbidden", "ping health check", "(403) when calling the HeadObject");
    }
}

//! What stands around an endpoint: its log, its scaling, its price, its door, and the account's
//! quotas, roles and permissions.

use std::{
    collections::BTreeMap,
    future::Future,
    time::{Duration, SystemTime},
};

use super::Answer;

/// A line of a container's log. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: SystemTime,
    /// `<variant>/<instance>`.
    pub stream: String,
    /// What it says.
    pub text: String,
}

/// Which lines of a log are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSearch {
    /// Only those that contain this.
    pub contains: Option<String>,
    /// Only those written after this.
    pub since: Option<SystemTime>,
    /// At most so many, 1 to 1000.
    pub limit: u32,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Some lines, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Where the next page begins.
    pub cursor: Option<String>,
}

/// Target tracking of a variant's number of instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Invocations a minute and instance that are aimed at, where a policy of this kind is known.
    pub invocations_per_instance: Option<f64>,
}

/// A request to an endpoint. No `Debug`: the body is the caller's.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Name of the endpoint.
    pub endpoint: String,
    /// The request.
    pub body: Vec<u8>,
    /// Its MIME type.
    pub content_type: String,
    /// MIME type that the answer is to have.
    pub accept: String,
    /// The answer is waited for so long, at most 60 s (SageMaker's own limit).
    pub limit: Duration,
}

/// An endpoint's answer. No `Debug`: the body is the caller's.
#[derive(Clone, PartialEq, Eq)]
pub struct Invoked {
    /// The answer.
    pub body: Vec<u8>,
    /// Its MIME type.
    pub content_type: Option<String>,
    /// The variant that answered.
    pub variant: Option<String>,
    /// How long it took, the network included.
    pub took: Duration,
}

/// AWS around an endpoint. Each call is bounded in time, and retried where that is safe.
///
/// Every method answers [`Why::Missing`](crate::error::Why::Missing) for what is not there.
pub trait Surroundings: Send + Sync + 'static {
    /// The last lines of an endpoint's log, oldest first: `GetLogEvents` of its youngest streams. An
    /// endpoint that had the same name before has the same log: `since` leaves its lines out.
    fn log_tail(
        &self,
        endpoint: &str,
        since: Option<SystemTime>,
        lines: u32,
    ) -> impl Future<Output = Answer<Vec<LogLine>>> + Send;
    /// `FilterLogEvents` of an endpoint's log.
    fn log_search(&self, endpoint: &str, search: &LogSearch) -> impl Future<Output = Answer<LogPage>> + Send;

    /// How many instances of each type endpoints may have: Service Quotas, `<type> for endpoint
    /// usage`.
    fn endpoint_quotas(&self) -> impl Future<Output = Answer<BTreeMap<String, f64>>> + Send;
    /// Whether `sagemaker.amazonaws.com` may assume the role: `iam:GetRole`.
    fn role_is_trusting(&self, role_arn: &str) -> impl Future<Output = Answer<bool>> + Send;
    /// Which of these actions `iam:SimulatePrincipalPolicy` allows.
    fn permissions(
        &self,
        caller_arn: &str,
        actions: &[&str],
    ) -> impl Future<Output = Answer<BTreeMap<String, bool>>> + Send;
    /// US dollars an hour for one instance: the price list's `Hosting` entry; `None` where it has none.
    fn hourly_usd(&self, instance_type: &str) -> impl Future<Output = Answer<Option<f64>>> + Send;

    /// `DescribeScalableTargets` and `DescribeScalingPolicies` of a variant; `None` where it has none.
    fn scaling(&self, endpoint: &str, variant: &str) -> impl Future<Output = Answer<Option<Scaling>>> + Send;
    /// `RegisterScalableTarget` and, with a target, `PutScalingPolicy`.
    fn set_scaling(&self, endpoint: &str, variant: &str, scaling: &Scaling) -> impl Future<Output = Answer<()>> + Send;
    /// `DeregisterScalableTarget`, which removes its policies too.
    fn remove_scaling(&self, endpoint: &str, variant: &str) -> impl Future<Output = Answer<()>> + Send;

    /// `InvokeEndpoint`, once.
    fn invoke(&self, invocation: &Invocation) -> impl Future<Output = Answer<Invoked>> + Send;
}

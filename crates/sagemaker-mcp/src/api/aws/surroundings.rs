//! Logs, quotas, roles, prices, scaling and invocations through AWS's SDK.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use aws_sdk_applicationautoscaling::types as scaling;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_sdk_pricing::types::{Filter, FilterType};
use aws_sdk_sagemakerruntime::{config::retry::RetryConfig, primitives::Blob};
use longhaul::clock;
use serde_json::Value;
use tokio::time::Instant;

use super::{Answer, Aws, trusts_sagemaker, vendor};
use crate::{
    api::{Invocation, Invoked, LogLine, LogPage, LogSearch, Scaling, Surroundings},
    error::{SageMakerError, Why},
};

/// The youngest streams of a log that its tail is read from: one for each instance.
const STREAMS: usize = 3;

/// The quotas of SageMaker are some two thousand, a hundred a page.
const QUOTA_PAGES: usize = 50;

/// Reading quotas takes many requests; one that was raised must count soon.
const QUOTAS_FRESH: Duration = Duration::from_secs(60);

/// Prices change rarely.
const PRICES_FRESH: Duration = Duration::from_secs(3600);

/// The metric that target tracking of an endpoint goes by.
const METRIC: &str = "SageMakerVariantInvocationsPerInstance";

/// Name of the policy that this server sets.
const POLICY: &str = "longhaul-invocations-per-instance";

/// What was read of the account, and when.
#[derive(Default)]
pub(super) struct Known {
    quotas: Option<(Instant, BTreeMap<String, f64>)>,
    prices: BTreeMap<String, (Instant, Option<f64>)>,
}

impl Surroundings for Aws {
    async fn log_tail(&self, endpoint: &str, since: Option<SystemTime>, lines: u32) -> Answer<Vec<LogLine>> {
        let mut found = Vec::new();
        for stream in self.youngest_streams(endpoint).await? {
            found.extend(self.end_of(endpoint, &stream, since, lines).await?);
        }
        found.sort_by_key(|line| line.at);
        let surplus = found.len().saturating_sub(lines as usize);
        Ok(found.split_off(surplus))
    }

    async fn log_search(&self, endpoint: &str, search: &LogSearch) -> Answer<LogPage> {
        const DOING: &str = "FilterLogEvents";
        // A pattern in quotation marks is text and nothing else; a text with such marks is looked
        // for by its longest part, and then as it stands.
        let parts = search.contains.iter().flat_map(|text| text.split('"'));
        let longest = parts.filter(|part| !part.trim().is_empty()).max_by_key(|part| part.len());
        let request = self.clients(DOING).await?.logs.filter_log_events();
        let answer = request
            .log_group_name(group(endpoint))
            .set_filter_pattern(longest.map(|part| format!("\"{part}\"")))
            .set_start_time(search.since.map(millis))
            .set_next_token(search.cursor.clone())
            .limit(i32::try_from(search.limit.clamp(1, 1000)).unwrap_or(1000))
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let line = |event: aws_sdk_cloudwatchlogs::types::FilteredLogEvent| LogLine {
            at: moment(event.timestamp),
            stream: event.log_stream_name.unwrap_or_default(),
            text: event.message.unwrap_or_default(),
        };
        let quoted = search.contains.as_ref().filter(|text| text.contains('"'));
        let fits = |line: &LogLine| quoted.is_none_or(|text| line.text.contains(text.as_str()));
        Ok(LogPage {
            lines: answer.events.unwrap_or_default().into_iter().map(line).filter(fits).collect(),
            cursor: answer.next_token,
        })
    }

    async fn endpoint_quotas(&self) -> Answer<BTreeMap<String, f64>> {
        const DOING: &str = "ListServiceQuotas";
        if let Some((at, quotas)) = &self.known().quotas
            && at.elapsed() < QUOTAS_FRESH
        {
            return Ok(quotas.clone());
        }
        let client = &self.clients(DOING).await?.quotas;
        let mut found = BTreeMap::new();
        let mut cursor = None;
        for _ in 0..QUOTA_PAGES {
            let request = client.list_service_quotas().service_code("sagemaker").max_results(100);
            let page = request.set_next_token(cursor).send().await.map_err(|error| vendor(DOING, error))?;
            let quotas = page.quotas.unwrap_or_default().into_iter();
            found.extend(quotas.filter_map(|quota| {
                let instance_type = quota.quota_name?.strip_suffix(" for endpoint usage")?.to_owned();
                Some((instance_type, quota.value?))
            }));
            cursor = page.next_token;
            if cursor.is_none() {
                break;
            }
        }
        self.known().quotas = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    async fn role_is_trusting(&self, role_arn: &str) -> Answer<bool> {
        const DOING: &str = "GetRole";
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let answer = self.clients(DOING).await?.iam.get_role().role_name(name).send().await;
        let role = answer.map_err(|error| vendor(DOING, error))?.role;
        Ok(role.is_some_and(|role| {
            role.arn == role_arn && role.assume_role_policy_document().is_some_and(trusts_sagemaker)
        }))
    }

    async fn permissions(&self, caller_arn: &str, actions: &[&str]) -> Answer<BTreeMap<String, bool>> {
        const DOING: &str = "SimulatePrincipalPolicy";
        let iam = &self.clients(DOING).await?.iam;
        let principal = match role_of_session(caller_arn) {
            // The session's ARN lacks the role's path, which IAM knows.
            Some(role) => {
                let found = iam.get_role().role_name(role).send().await.map_err(|error| vendor("GetRole", error))?;
                found.role.map(|role| role.arn).unwrap_or_default()
            }
            None => caller_arn.to_owned(),
        };
        let request = iam.simulate_principal_policy().policy_source_arn(principal);
        let request = request.set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()));
        let answer = request.send().await.map_err(|error| vendor(DOING, error))?;
        let verdicts = answer.evaluation_results.unwrap_or_default().into_iter();
        Ok(verdicts
            .map(|verdict| (verdict.eval_action_name, verdict.eval_decision == PolicyEvaluationDecisionType::Allowed))
            .collect())
    }

    async fn hourly_usd(&self, instance_type: &str) -> Answer<Option<f64>> {
        const DOING: &str = "GetProducts";
        if let Some((at, price)) = self.known().prices.get(instance_type)
            && at.elapsed() < PRICES_FRESH
        {
            return Ok(*price);
        }
        let clients = self.clients(DOING).await?;
        let fields =
            [("regionCode", clients.region.as_str()), ("instanceName", instance_type), ("component", "Hosting")];
        let mut filters = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            let filter = Filter::builder().r#type(FilterType::TermMatch).field(field).value(value).build();
            filters.push(filter.map_err(|error| super::unsent(DOING, Why::Refused, error.to_string()))?);
        }
        let request = clients.pricing.get_products().service_code("AmazonSageMaker").set_filters(Some(filters));
        let answer = request.max_results(10).send().await.map_err(|error| vendor(DOING, error))?;
        let products = answer.price_list.unwrap_or_default();
        let price = products.iter().find_map(|product| on_demand_usd(product));
        self.known().prices.insert(instance_type.to_owned(), (Instant::now(), price));
        Ok(price)
    }

    async fn scaling(&self, endpoint: &str, variant: &str) -> Answer<Option<Scaling>> {
        const DOING: &str = "DescribeScalableTargets";
        let client = &self.clients(DOING).await?.scaling;
        let targets = client
            .describe_scalable_targets()
            .service_namespace(scaling::ServiceNamespace::Sagemaker)
            .resource_ids(resource(endpoint, variant))
            .scalable_dimension(scaling::ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let Some(target) = targets.scalable_targets.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let policies = client
            .describe_scaling_policies()
            .service_namespace(scaling::ServiceNamespace::Sagemaker)
            .resource_id(resource(endpoint, variant))
            .send()
            .await
            .map_err(|error| vendor("DescribeScalingPolicies", error))?;
        let tracked = policies.scaling_policies.unwrap_or_default().into_iter().find_map(|policy| {
            let tracking = policy.target_tracking_scaling_policy_configuration?;
            let metric = tracking.predefined_metric_specification?.predefined_metric_type;
            (metric.as_str() == METRIC).then_some(tracking.target_value)
        });
        let count = |capacity: i32| u32::try_from(capacity).unwrap_or_default();
        Ok(Some(Scaling {
            min: count(target.min_capacity),
            max: count(target.max_capacity),
            invocations_per_instance: tracked,
        }))
    }

    async fn set_scaling(&self, endpoint: &str, variant: &str, wanted: &Scaling) -> Answer<()> {
        const DOING: &str = "RegisterScalableTarget";
        let client = &self.clients(DOING).await?.scaling;
        let count = |capacity: u32| i32::try_from(capacity).unwrap_or(i32::MAX);
        client
            .register_scalable_target()
            .service_namespace(scaling::ServiceNamespace::Sagemaker)
            .resource_id(resource(endpoint, variant))
            .scalable_dimension(scaling::ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .min_capacity(count(wanted.min))
            .max_capacity(count(wanted.max))
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let Some(target) = wanted.invocations_per_instance else { return Ok(()) };
        let metric = scaling::PredefinedMetricSpecification::builder().predefined_metric_type(METRIC.into()).build();
        let metric = metric.map_err(|error| super::unsent("PutScalingPolicy", Why::Refused, error.to_string()))?;
        let tracking = scaling::TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(target)
            .predefined_metric_specification(metric)
            .build()
            .map_err(|error| super::unsent("PutScalingPolicy", Why::Refused, error.to_string()))?;
        let answer = client
            .put_scaling_policy()
            .policy_name(POLICY)
            .service_namespace(scaling::ServiceNamespace::Sagemaker)
            .resource_id(resource(endpoint, variant))
            .scalable_dimension(scaling::ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .policy_type(scaling::PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(tracking)
            .send()
            .await;
        answer.map(drop).map_err(|error| vendor("PutScalingPolicy", error))
    }

    async fn remove_scaling(&self, endpoint: &str, variant: &str) -> Answer<()> {
        const DOING: &str = "DeregisterScalableTarget";
        let client = &self.clients(DOING).await?.scaling;
        let answer = client
            .deregister_scalable_target()
            .service_namespace(scaling::ServiceNamespace::Sagemaker)
            .resource_id(resource(endpoint, variant))
            .scalable_dimension(scaling::ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .send()
            .await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn invoke(&self, invocation: &Invocation) -> Answer<Invoked> {
        const DOING: &str = "InvokeEndpoint";
        let request = self.clients(DOING).await?.runtime.invoke_endpoint();
        let began = Instant::now();
        // Every attempt costs: it is made once, and has the caller's time.
        let timeouts = aws_sdk_sagemakerruntime::config::timeout::TimeoutConfig::builder()
            .operation_timeout(invocation.limit)
            .operation_attempt_timeout(invocation.limit)
            .build();
        let once =
            aws_sdk_sagemakerruntime::Config::builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        let answer = request
            .endpoint_name(&invocation.endpoint)
            .content_type(&invocation.content_type)
            .accept(&invocation.accept)
            .body(Blob::new(invocation.body.clone()))
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        Ok(Invoked {
            body: answer.body.map(Blob::into_inner).unwrap_or_default(),
            content_type: answer.content_type,
            variant: answer.invoked_production_variant,
            took: began.elapsed(),
        })
    }
}

impl Aws {
    async fn youngest_streams(&self, endpoint: &str) -> Result<Vec<String>, SageMakerError> {
        const DOING: &str = "DescribeLogStreams";
        let request = self.clients(DOING).await?.logs.describe_log_streams().log_group_name(group(endpoint));
        let request = request.order_by(aws_sdk_cloudwatchlogs::types::OrderBy::LastEventTime).descending(true);
        let answer = request.limit(50).send().await.map_err(|error| vendor(DOING, error))?;
        let streams = answer.log_streams.unwrap_or_default().into_iter();
        Ok(streams.filter_map(|stream| stream.log_stream_name).take(STREAMS).collect())
    }

    async fn end_of(
        &self,
        endpoint: &str,
        stream: &str,
        since: Option<SystemTime>,
        lines: u32,
    ) -> Result<Vec<LogLine>, SageMakerError> {
        const DOING: &str = "GetLogEvents";
        let request = self.clients(DOING).await?.logs.get_log_events().log_group_name(group(endpoint));
        let request = request.log_stream_name(stream).start_from_head(false).set_start_time(since.map(millis));
        let answer = request.limit(i32::try_from(lines).unwrap_or(i32::MAX)).send().await;
        let events = answer.map_err(|error| vendor(DOING, error))?.events.unwrap_or_default();
        let line = |event: aws_sdk_cloudwatchlogs::types::OutputLogEvent| LogLine {
            at: moment(event.timestamp),
            stream: stream.to_owned(),
            text: event.message.unwrap_or_default(),
        };
        Ok(events.into_iter().map(line).collect())
    }
}

/// SageMaker's name for the log group of an endpoint.
fn group(endpoint: &str) -> String {
    format!("/aws/sagemaker/Endpoints/{endpoint}")
}

fn resource(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

fn millis(at: SystemTime) -> i64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn moment(millis: Option<i64>) -> SystemTime {
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    millis.map_or_else(clock::now, |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
}

/// The role behind a session, which is what IAM can simulate; anybody else is simulated as they are.
fn role_of_session(caller: &str) -> Option<&str> {
    caller.split_once(":assumed-role/")?.1.split('/').next()
}

/// The dollars an hour that a product of the price list costs on demand.
fn on_demand_usd(product: &str) -> Option<f64> {
    let product: Value = serde_json::from_str(product).ok()?;
    let terms = product.pointer("/terms/OnDemand")?.as_object()?;
    let dimensions = terms.values().filter_map(|term| term.get("priceDimensions")?.as_object());
    let prices = dimensions.flat_map(|dimensions| dimensions.values());
    let prices = prices.filter_map(|price| price.pointer("/pricePerUnit/USD")?.as_str()?.parse::<f64>().ok());
    prices.filter(|price| *price > 0.0).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_session_is_a_role() {
        assert_eq!(role_of_session("arn:aws:sts::123456789012:assumed-role/Studio/me@x"), Some("Studio"));
        assert_eq!(role_of_session("arn:aws:iam::1:user/me"), None);
    }

    #[test]
    fn the_price_is_the_one_on_demand() {
        let product = r#"{"product":{"attributes":{"instanceName":"ml.g5.xlarge"}},"terms":{"OnDemand":{"A.B":
            {"priceDimensions":{"A.B.C":{"unit":"Hrs","pricePerUnit":{"USD":"1.4080000000"}}}}}}}"#;
        assert_eq!(on_demand_usd(product), Some(1.408));
        for odd in ["", "{}", r#"{"terms":{"OnDemand":{"A":{"priceDimensions":{"B":{"pricePerUnit":{"CNY":"1"}}}}}}}"#]
        {
            assert_eq!(on_demand_usd(odd), None, "{odd}");
        }
    }
}

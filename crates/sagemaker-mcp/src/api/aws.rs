//! The real client: AWS's SDK, built when it is first needed.
//!
//! A server starts and lists its tools without credentials; the first call that needs them says
//! what is missing. Requests are bounded in time and retried by the SDK's standard mode, which is
//! safe for creations too, because their names make a second one visible as taken.

mod answers;
mod shapes;
mod surroundings;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use answers::{chain, unsent, vendor};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sagemaker::types;
use aws_smithy_types::DateTime;
use shapes::{container, part, production_variant, tags, time, variant};
use surroundings::Known;
use tokio::sync::OnceCell;

use super::{Answer, Api, ConfigSeen, EndpointSeen, Filter, HubDocument, Identity, Listed, Page, PartKind, Tags};
use crate::{
    config::Config,
    error::{SageMakerError, Why, classify},
    jumpstart::{self, CreateEndpoint, CreateEndpointConfig, CreateModel},
};

/// Where AWS publishes JumpStart's models.
const PUBLIC_HUB: &str = "SageMakerPublicHub";

/// The price list is not offered in every region (AWS's documentation of the endpoints).
const PRICING_REGION: &str = "us-east-1";

/// Largest public object that is read: the manifest of all models has some megabytes.
const OBJECT_LIMIT: usize = 64 << 20;

/// AWS through its SDK.
pub struct Aws {
    config: Config,
    clients: OnceCell<Clients>,
    known: Mutex<Known>,
}

struct Clients {
    region: String,
    sagemaker: aws_sdk_sagemaker::Client,
    sts: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    quotas: aws_sdk_servicequotas::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    pricing: aws_sdk_pricing::Client,
    runtime: aws_sdk_sagemakerruntime::Client,
    public: reqwest::Client,
}

impl Aws {
    /// A client that connects when it is first used.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, clients: OnceCell::new(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn clients(&self, doing: &'static str) -> Answer<&Clients> {
        self.clients.get_or_try_init(|| Clients::load(&self.config, doing)).await
    }

    async fn sagemaker(&self, doing: &'static str) -> Answer<&aws_sdk_sagemaker::Client> {
        Ok(&self.clients(doing).await?.sagemaker)
    }
}

impl Clients {
    async fn load(config: &Config, doing: &'static str) -> Answer<Self> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(4))
            .operation_attempt_timeout(Duration::from_secs(9))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts);
        if let Some(region) = &config.region {
            // The region becomes part of a host's name.
            if !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                return Err(SageMakerError::Setting(format!(
                    "{region:?} is no AWS region; AWS_REGION is like us-east-1"
                )));
            }
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &config.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let shared: SdkConfig = loader.load().await;
        let Some(region) = shared.region().map(ToString::to_string).filter(|region| !region.is_empty()) else {
            return Err(SageMakerError::Setting(
                "no AWS region is set: set AWS_REGION, or `region` in the AWS profile".to_owned(),
            ));
        };
        let public = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(4))
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unsent(doing, Why::Unreachable, chain(&error)))?;
        let sts = aws_sdk_sts::Client::new(&shared);
        if let Some(expected) = &config.account_id {
            let account = caller(&sts).await?.account;
            if account != *expected {
                let why =
                    format!("the credentials belong to account {account}, and AWS_ACCOUNT_ID allows {expected} only");
                return Err(SageMakerError::Setting(why));
            }
        }
        Ok(Self {
            region,
            sagemaker: aws_sdk_sagemaker::Client::new(&shared),
            sts,
            iam: aws_sdk_iam::Client::new(&shared),
            logs: aws_sdk_cloudwatchlogs::Client::new(&shared),
            quotas: aws_sdk_servicequotas::Client::new(&shared),
            scaling: aws_sdk_applicationautoscaling::Client::new(&shared),
            pricing: aws_sdk_pricing::Client::from_conf(
                aws_sdk_pricing::config::Builder::from(&shared).region(Region::new(PRICING_REGION)).build(),
            ),
            runtime: aws_sdk_sagemakerruntime::Client::new(&shared),
            public,
        })
    }
}

impl Api for Aws {
    fn region(&self) -> &str {
        let loaded = self.clients.get().map(|clients| clients.region.as_str());
        loaded.or(self.config.region.as_deref()).unwrap_or_default()
    }

    async fn describe_endpoint(&self, name: &str) -> Answer<EndpointSeen> {
        const DOING: &str = "DescribeEndpoint";
        let answer = self.sagemaker(DOING).await?.describe_endpoint().endpoint_name(name).send().await;
        let seen = answer.map_err(|error| vendor(DOING, error))?;
        // An answer about nothing, or about another endpoint, is a proxy's or a broken one.
        if !seen.endpoint_name.as_deref().is_some_and(|answered| answered.eq_ignore_ascii_case(name))
            || seen.endpoint_status.is_none()
        {
            return Err(unsent(DOING, Why::Unreachable, "the answer is not about this endpoint".to_owned()));
        }
        let created = time(seen.creation_time.as_ref());
        Ok(EndpointSeen {
            name: seen.endpoint_name.unwrap_or_default(),
            arn: seen.endpoint_arn.unwrap_or_default(),
            status: seen.endpoint_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            config: seen.endpoint_config_name.unwrap_or_default(),
            pending_config: seen.pending_deployment_summary.and_then(|pending| pending.endpoint_config_name),
            created,
            modified: seen.last_modified_time.as_ref().map_or(created, |at| time(Some(at))),
            failure_reason: seen.failure_reason,
            variants: seen.production_variants.unwrap_or_default().into_iter().map(variant).collect(),
        })
    }

    async fn describe_config(&self, name: &str) -> Answer<ConfigSeen> {
        const DOING: &str = "DescribeEndpointConfig";
        let answer = self.sagemaker(DOING).await?.describe_endpoint_config().endpoint_config_name(name).send().await;
        let seen = answer.map_err(|error| vendor(DOING, error))?;
        let variants = seen.production_variants.unwrap_or_default();
        Ok(ConfigSeen {
            arn: seen.endpoint_config_arn.unwrap_or_default(),
            variants: variants.into_iter().map(shapes::config_variant).collect(),
        })
    }

    async fn describe_model(&self, name: &str) -> Answer<String> {
        const DOING: &str = "DescribeModel";
        let answer = self.sagemaker(DOING).await?.describe_model().model_name(name).send().await;
        Ok(answer.map_err(|error| vendor(DOING, error))?.model_arn.unwrap_or_default())
    }

    async fn list_endpoints(&self, filter: &Filter) -> Answer<Page> {
        const DOING: &str = "ListEndpoints";
        let request = self.sagemaker(DOING).await?.list_endpoints();
        let answer = request
            .sort_by(types::EndpointSortKey::CreationTime)
            .sort_order(types::OrderKey::Descending)
            .max_results(page_size(filter))
            .set_next_token(filter.cursor.clone())
            .set_name_contains(filter.name_contains.clone())
            .set_status_equals(filter.status.as_deref().map(types::EndpointStatus::from))
            .set_creation_time_after(filter.created_after.map(DateTime::from))
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let listed = |item: types::EndpointSummary| Listed {
            name: item.endpoint_name.unwrap_or_default(),
            arn: item.endpoint_arn.unwrap_or_default(),
            status: item.endpoint_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            created: time(item.creation_time.as_ref()),
            modified: item.last_modified_time.as_ref().map(|at| time(Some(at))),
        };
        Ok(Page {
            items: needed(DOING, answer.endpoints)?.into_iter().map(listed).collect(),
            cursor: answer.next_token,
        })
    }

    async fn list_parts(&self, kind: PartKind, filter: &Filter) -> Answer<Page> {
        match kind {
            PartKind::Config => self.list_configs(filter).await,
            PartKind::Model => self.list_models(filter).await,
        }
    }

    async fn list_tags(&self, arn: &str) -> Answer<Tags> {
        const DOING: &str = "ListTags";
        let answer = self.sagemaker(DOING).await?.list_tags().resource_arn(arn).max_results(100).send().await;
        let tags = answer.map_err(|error| vendor(DOING, error))?.tags.unwrap_or_default();
        Ok(tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    async fn create_model(&self, request: &CreateModel) -> Answer<()> {
        const DOING: &str = "CreateModel";
        let input = self.sagemaker(DOING).await?.create_model();
        let answer = input
            .model_name(&request.model_name)
            .execution_role_arn(&request.execution_role_arn)
            .primary_container(container(&request.primary_container))
            .enable_network_isolation(request.enable_network_isolation)
            .set_tags(Some(tags(&request.tags)))
            .send()
            .await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn create_config(&self, request: &CreateEndpointConfig) -> Answer<()> {
        const DOING: &str = "CreateEndpointConfig";
        let input = self.sagemaker(DOING).await?.create_endpoint_config();
        let answer = input
            .endpoint_config_name(&request.endpoint_config_name)
            .set_production_variants(Some(request.production_variants.iter().map(production_variant).collect()))
            .set_tags(Some(tags(&request.tags)))
            .send()
            .await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn create_endpoint(&self, request: &CreateEndpoint) -> Answer<()> {
        const DOING: &str = "CreateEndpoint";
        let input = self.sagemaker(DOING).await?.create_endpoint();
        let answer = input
            .endpoint_name(&request.endpoint_name)
            .endpoint_config_name(&request.endpoint_config_name)
            .set_tags(Some(tags(&request.tags)))
            .send()
            .await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn update_endpoint(&self, name: &str, config: &str) -> Answer<()> {
        const DOING: &str = "UpdateEndpoint";
        let input = self.sagemaker(DOING).await?.update_endpoint();
        let answer = input.endpoint_name(name).endpoint_config_name(config).send().await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn set_instance_count(&self, name: &str, variant: &str, count: u32) -> Answer<()> {
        const DOING: &str = "UpdateEndpointWeightsAndCapacities";
        let wanted = types::DesiredWeightAndCapacity::builder()
            .variant_name(variant)
            .desired_instance_count(i32::try_from(count).unwrap_or(i32::MAX))
            .build();
        let input = self.sagemaker(DOING).await?.update_endpoint_weights_and_capacities();
        let answer = input.endpoint_name(name).desired_weights_and_capacities(wanted).send().await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn add_tags(&self, arn: &str, given: &Tags) -> Answer<()> {
        const DOING: &str = "AddTags";
        let given = given.iter().map(|(key, value)| types::Tag::builder().key(key).value(value).build()).collect();
        let answer = self.sagemaker(DOING).await?.add_tags().resource_arn(arn).set_tags(Some(given)).send().await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn remove_tag(&self, arn: &str, key: &str) -> Answer<()> {
        const DOING: &str = "DeleteTags";
        let answer = self.sagemaker(DOING).await?.delete_tags().resource_arn(arn).tag_keys(key).send().await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn delete_endpoint(&self, name: &str) -> Answer<()> {
        const DOING: &str = "DeleteEndpoint";
        let answer = self.sagemaker(DOING).await?.delete_endpoint().endpoint_name(name).send().await;
        answer.map(drop).map_err(|error| vendor(DOING, error))
    }

    async fn delete_part(&self, kind: PartKind, name: &str) -> Answer<()> {
        match kind {
            PartKind::Config => {
                const DOING: &str = "DeleteEndpointConfig";
                let client = self.sagemaker(DOING).await?;
                let answer = client.delete_endpoint_config().endpoint_config_name(name).send().await;
                answer.map(drop).map_err(|error| vendor(DOING, error))
            }
            PartKind::Model => {
                const DOING: &str = "DeleteModel";
                let answer = self.sagemaker(DOING).await?.delete_model().model_name(name).send().await;
                answer.map(drop).map_err(|error| vendor(DOING, error))
            }
        }
    }

    async fn identity(&self) -> Answer<Identity> {
        caller(&self.clients("GetCallerIdentity").await?.sts).await
    }

    async fn sagemaker_roles(&self) -> Answer<Vec<String>> {
        const DOING: &str = "ListRoles";
        let iam = &self.clients(DOING).await?.iam;
        let mut pages = iam.list_roles().into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let roles = page.map_err(|error| vendor(DOING, error))?.roles;
            let trusting =
                |role: &aws_sdk_iam::types::Role| role.assume_role_policy_document().is_some_and(trusts_sagemaker);
            found.extend(roles.into_iter().filter(trusting).map(|role| role.arn));
        }
        Ok(found)
    }

    async fn hub_document(&self, model_id: &str, version: Option<&str>) -> Answer<HubDocument> {
        const DOING: &str = "DescribeHubContent";
        let input = self.sagemaker(DOING).await?.describe_hub_content();
        let answer = input
            .hub_name(PUBLIC_HUB)
            .hub_content_type(types::HubContentType::Model)
            .hub_content_name(model_id)
            .set_hub_content_version(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        Ok(HubDocument {
            version: answer.hub_content_version.unwrap_or_default(),
            deprecated: answer.support_status == Some(types::HubContentSupportStatus::Deprecated),
            text: answer.hub_content_document.unwrap_or_default(),
        })
    }

    async fn public_object(&self, bucket: &str, key: &str) -> Answer<String> {
        const DOING: &str = "GetObject";
        let clients = self.clients(DOING).await?;
        let url = match &self.config.endpoint_url {
            Some(base) => format!("{}/{bucket}/{key}", base.trim_end_matches('/')),
            None => jumpstart::Region::new(&clients.region).https(&format!("s3://{bucket}/{key}")),
        };
        read_object(&clients.public, &url).await.map_err(|(why, text)| unsent(DOING, why, text))
    }
}

impl Aws {
    async fn list_configs(&self, filter: &Filter) -> Answer<Page> {
        const DOING: &str = "ListEndpointConfigs";
        let request = self.sagemaker(DOING).await?.list_endpoint_configs();
        let answer = request
            .sort_by(types::EndpointConfigSortKey::CreationTime)
            .sort_order(types::OrderKey::Descending)
            .max_results(page_size(filter))
            .set_next_token(filter.cursor.clone())
            .set_name_contains(filter.name_contains.clone())
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let listed = |item: types::EndpointConfigSummary| {
            part(item.endpoint_config_name, item.endpoint_config_arn, item.creation_time)
        };
        Ok(Page {
            items: needed(DOING, answer.endpoint_configs)?.into_iter().map(listed).collect(),
            cursor: answer.next_token,
        })
    }

    async fn list_models(&self, filter: &Filter) -> Answer<Page> {
        const DOING: &str = "ListModels";
        let request = self.sagemaker(DOING).await?.list_models();
        let answer = request
            .sort_by(types::ModelSortKey::CreationTime)
            .sort_order(types::OrderKey::Descending)
            .max_results(page_size(filter))
            .set_next_token(filter.cursor.clone())
            .set_name_contains(filter.name_contains.clone())
            .send()
            .await
            .map_err(|error| vendor(DOING, error))?;
        let listed = |item: types::ModelSummary| part(item.model_name, item.model_arn, item.creation_time);
        Ok(Page { items: needed(DOING, answer.models)?.into_iter().map(listed).collect(), cursor: answer.next_token })
    }
}

/// A list that is there, if only empty: an answer without one is a proxy's or a broken one.
fn needed<T>(doing: &'static str, list: Option<Vec<T>>) -> Answer<Vec<T>> {
    list.ok_or_else(|| unsent(doing, Why::Unreachable, "the answer holds no list".to_owned()))
}

async fn caller(sts: &aws_sdk_sts::Client) -> Answer<Identity> {
    let answer = sts.get_caller_identity().send().await;
    let caller = answer.map_err(|error| vendor("GetCallerIdentity", error))?;
    Ok(Identity { account: caller.account.unwrap_or_default(), arn: caller.arn.unwrap_or_default() })
}

async fn read_object(client: &reqwest::Client, url: &str) -> Result<String, (Why, String)> {
    let unreachable = |error: reqwest::Error| (Why::Unreachable, chain(&error.without_url()));
    let mut response = client.get(url).send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    if status != 200 {
        // A public bucket answers 403 for a missing object where listing is not allowed.
        let why = if matches!(status, 403 | 404) { Why::Missing } else { classify(None, "", Some(status)) };
        return Err((why, format!("HTTP status {status}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > OBJECT_LIMIT {
            return Err((Why::Refused, format!("the object is larger than {OBJECT_LIMIT} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|error| (Why::Refused, error.to_string()))
}

/// Whether a role's trust policy, percent-encoded as IAM returns it, lets SageMaker assume it.
fn trusts_sagemaker(encoded: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
    let Ok(policy) = serde_json::from_str::<serde_json::Value>(&decoded) else { return false };
    let statements = policy.get("Statement").map(one_or_many).unwrap_or_default();
    statements.into_iter().any(|statement| {
        let service = statement.pointer("/Principal/Service").map(one_or_many).unwrap_or_default();
        let allows = statement.get("Effect").is_some_and(|effect| effect == "Allow");
        allows && service.into_iter().any(|service| service == "sagemaker.amazonaws.com")
    })
}

fn one_or_many(value: &serde_json::Value) -> Vec<&serde_json::Value> {
    value.as_array().map_or_else(|| vec![value], |many| many.iter().collect())
}

fn page_size(filter: &Filter) -> i32 {
    i32::try_from(filter.page_size.clamp(1, 100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(policy: &str, trusts: bool) {
        let encoded = percent_encoding::utf8_percent_encode(policy, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(trusts_sagemaker(&encoded), trusts, "{policy}");
    }

    #[test]
    fn a_role_is_a_candidate_only_if_sagemaker_may_assume_it() {
        check(r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"}}]}"#, true);
        check(
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","sagemaker.amazonaws.com"]}}}"#,
            true,
        );
        check(r#"{"Statement":[{"Effect":"Deny","Principal":{"Service":"sagemaker.amazonaws.com"}}]}"#, false);
        check(r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"sagemaker.amazonaws.com"}}]}"#, false);
        check("not json", false);
    }
}

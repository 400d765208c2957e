//! SageMaker, JumpStart's documents and who calls.

use sagemaker_mcp::{
    api::{Api, ConfigSeen, ConfigVariant, EndpointSeen, Filter, HubDocument, Identity, Listed, Page, PartKind, Tags},
    jumpstart::{CreateEndpoint, CreateEndpointConfig, CreateModel},
};
use serde_json::json;
use tokio::time::Instant;

use super::{Answer, Fake, GATED, OPEN, as_tags, aws, missing};

impl Api for Fake {
    fn region(&self) -> &str {
        self.state().region
    }

    async fn describe_endpoint(&self, name: &str) -> Answer<EndpointSeen> {
        self.ask("DescribeEndpoint", name).await?.look(name)
    }

    async fn describe_config(&self, name: &str) -> Answer<ConfigSeen> {
        let part = self.ask("DescribeConfig", name).await?.part(PartKind::Config, name)?;
        let variant = ConfigVariant {
            name: "AllTraffic".into(),
            models: std::iter::once(part.listed.name).chain(part.pool_models).collect(),
            instance_types: part.instances,
            instance_count: part.count,
        };
        Ok(ConfigSeen { arn: part.listed.arn, variants: vec![variant] })
    }

    async fn describe_model(&self, name: &str) -> Answer<String> {
        Ok(self.ask("DescribeModel", name).await?.part(PartKind::Model, name)?.listed.arn)
    }

    async fn list_endpoints(&self, filter: &Filter) -> Answer<Page> {
        let state = self.ask("ListEndpoints", "").await?;
        let seen = state.endpoints.keys().filter_map(|name| state.look(name).ok());
        let listed = seen.map(|seen| Listed {
            name: seen.name,
            arn: seen.arn,
            status: seen.status,
            created: seen.created,
            modified: Some(seen.modified),
        });
        let page = page(listed.collect(), filter)?;
        Ok(Page { cursor: page.cursor.or_else(|| state.cursor.clone()), ..page })
    }

    async fn list_parts(&self, kind: PartKind, filter: &Filter) -> Answer<Page> {
        let state = self.ask("ListParts", "").await?;
        let parts = state.parts.iter().filter(|part| part.kind == kind);
        page(parts.map(|part| part.listed.clone()).collect(), filter)
    }

    async fn list_tags(&self, arn: &str) -> Answer<Tags> {
        let state = self.ask("ListTags", arn).await?;
        let endpoint = state.endpoints.values().find(|kept| kept.seen.arn == arn).map(|kept| kept.tags.clone());
        let part = || state.parts.iter().find(|part| part.listed.arn == arn).map(|part| part.tags.clone());
        endpoint.or_else(part).ok_or_else(|| missing(arn))
    }

    async fn create_model(&self, request: &CreateModel) -> Answer<()> {
        let mut state = self.ask("CreateModel", &request.model_name).await?;
        state.sent.push(("CreateModel", json!(request)));
        state.add(PartKind::Model, &request.model_name, &request.tags).map(drop)
    }

    async fn create_config(&self, request: &CreateEndpointConfig) -> Answer<()> {
        let variant = &request.production_variants[0];
        let mut state = self.ask("CreateConfig", &request.endpoint_config_name).await?;
        state.sent.push(("CreateEndpointConfig", json!(request)));
        let part = state.add(PartKind::Config, &request.endpoint_config_name, &request.tags)?;
        let pools = variant.instance_pools.iter();
        part.instances =
            variant.instance_type.iter().chain(pools.clone().map(|pool| &pool.instance_type)).cloned().collect();
        part.pool_models = pools.filter_map(|pool| pool.model_name_override.clone()).collect();
        part.count = variant.initial_instance_count;
        Ok(())
    }

    async fn create_endpoint(&self, request: &CreateEndpoint) -> Answer<()> {
        let mut state = self.ask("CreateEndpoint", &request.endpoint_name).await?;
        state.sent.push(("CreateEndpoint", json!(request)));
        let config = state.part(PartKind::Config, &request.endpoint_config_name)?;
        if state.endpoints.contains_key(&request.endpoint_name) {
            return Err(aws("CreateEndpoint", "ValidationException", "Cannot create already existing endpoint", 400));
        }
        let show = state.show.clone();
        state.keep(&request.endpoint_name, &request.endpoint_config_name, as_tags(&request.tags), show);
        let count = i32::try_from(config.count).ok();
        let variant = &mut state.endpoints.get_mut(&request.endpoint_name).unwrap().seen.variants[0];
        (variant.current_instances, variant.desired_instances) = (count, count);
        if let [first, _, ..] = config.instances.as_slice() {
            variant.instance_types = vec![(first.clone(), config.count)];
        }
        Ok(())
    }

    async fn add_tags(&self, arn: &str, tags: &Tags) -> Answer<()> {
        let mut state = self.ask("AddTags", arn).await?;
        let kept = state.endpoints.values_mut().find(|kept| kept.seen.arn == arn).ok_or_else(|| missing(arn))?;
        kept.tags.extend(tags.clone());
        Ok(())
    }

    async fn remove_tag(&self, arn: &str, key: &str) -> Answer<()> {
        let mut state = self.ask("RemoveTag", key).await?;
        let kept = state.endpoints.values_mut().find(|kept| kept.seen.arn == arn).ok_or_else(|| missing(arn))?;
        kept.tags.remove(key);
        Ok(())
    }

    async fn update_endpoint(&self, name: &str, config: &str) -> Answer<()> {
        {
            let mut state = self.ask("UpdateEndpoint", name).await?;
            let count = i32::try_from(state.part(PartKind::Config, config)?.count).ok();
            state.change(name, Some(config.to_owned()), |end| {
                (end.config, end.variants[0].desired_instances) = (config.to_owned(), count);
            })?;
        }
        self.answered("UpdateEndpoint").await
    }

    async fn set_instance_count(&self, name: &str, _: &str, count: u32) -> Answer<()> {
        let mut state = self.ask("SetInstances", name).await?;
        state.change(name, None, |end| end.variants[0].desired_instances = i32::try_from(count).ok())
    }

    async fn delete_endpoint(&self, name: &str) -> Answer<()> {
        let mut state = self.ask("DeleteEndpoint", name).await?;
        let status = state.look(name)?.status;
        if matches!(status.as_str(), "Creating" | "SystemUpdating" | "Deleting") {
            return Err(aws("DeleteEndpoint", "ValidationException", "Cannot update in-progress endpoint", 400));
        }
        if !state.blind {
            state.endpoints.get_mut(name).unwrap().deleted = Some(Instant::now());
        }
        Ok(())
    }

    async fn delete_part(&self, kind: PartKind, name: &str) -> Answer<()> {
        let mut state = self.ask(if kind == PartKind::Config { "DeleteConfig" } else { "DeleteModel" }, name).await?;
        state.part(kind, name)?;
        if !state.blind {
            state.parts.retain(|part| part.kind != kind || part.listed.name != name);
        }
        Ok(())
    }

    async fn identity(&self) -> Answer<Identity> {
        Ok(Identity { account: "123456789012".into(), arn: self.ask("GetCallerIdentity", "").await?.caller.clone() })
    }

    async fn sagemaker_roles(&self) -> Answer<Vec<String>> {
        Ok(self.ask("ListRoles", "").await?.roles.clone())
    }

    async fn hub_document(&self, model_id: &str, _: Option<&str>) -> Answer<HubDocument> {
        let set = self.ask("DescribeHubContent", model_id).await?.document.clone();
        let text = match model_id {
            _ if set.is_some() => set.unwrap_or_default(),
            OPEN => include_str!("../../../fixtures/open_cpu.hub.json").to_owned(),
            GATED => include_str!("../../../fixtures/gated_chat.hub.json").to_owned(),
            _ => return Err(aws("DescribeHubContent", "ResourceNotFound", "no such content", 400)),
        };
        Ok(HubDocument { version: "1.0.0".into(), text, deprecated: false })
    }

    async fn public_object(&self, _: &str, key: &str) -> Answer<String> {
        let set = self.ask("GetObject", key).await?.document.clone();
        match key {
            "acme/acme-chat-rocket/specs_v1.10.0.json" => {
                Ok(include_str!("../../../fixtures/gated_chat.spec.json").to_owned())
            }
            "models_manifest.json" => Ok(include_str!("../../../fixtures/manifest.json").to_owned()),
            "acme/acme-tabular-oak/specs_v1.0.0.json" if set.is_some() => Ok(set.unwrap_or_default()),
            "acme/acme-tabular-oak/specs_v1.0.0.json" => {
                Ok(include_str!("../../../fixtures/open_cpu.spec.json").to_owned())
            }
            _ => Err(aws("GetObject", "NoSuchKey", "The specified key does not exist.", 404)),
        }
    }
}

/// A page of what fits the filter. A cursor is the number of the item that the page begins with.
fn page(mut items: Vec<Listed>, filter: &Filter) -> Answer<Page> {
    items.retain(|item| {
        filter.name_contains.as_ref().is_none_or(|part| item.name.contains(part))
            && filter.status.as_ref().is_none_or(|status| item.status == *status)
            && filter.created_after.is_none_or(|after| item.created > after)
    });
    let start = filter.cursor.as_ref().map_or(Ok(0), |cursor| cursor.parse::<usize>());
    let start = start.map_err(|_| aws("ListEndpoints", "ValidationException", "Invalid pagination token", 400))?;
    let end = start + filter.page_size as usize;
    let cursor = (end < items.len()).then(|| end.to_string());
    Ok(Page { items: items.into_iter().skip(start).take(filter.page_size as usize).collect(), cursor })
}

//! A scripted AWS: shows what a test says, in tokio's time, and writes down what it was asked.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use longhaul::{clock, fault::Backend};
use sagemaker_mcp::{
    api::{
        Api, ConfigSeen, ConfigVariant, EndpointSeen, Filter, HubDocument, Identity, Invocation, Invoked, Listed,
        LogLine, LogPage, LogSearch, Page, PartKind, Scaling, Surroundings, Tags, VariantSeen,
    },
    error::{SageMakerError, Why, classify},
    jumpstart::{CreateEndpoint, CreateEndpointConfig, CreateModel, Tag},
    names,
};
use tokio::time::Instant;

pub(crate) const OPEN: &str = "acme-tabular-oak";
pub(crate) const GATED: &str = "acme-chat-rocket";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/SageMaker";
const ARN: &str = "arn:aws:sagemaker:us-east-2:123456789012";

type Answer<T> = Result<T, SageMakerError>;
/// Makes of an endpoint what it is so many seconds after its creation. The status `gone` hides it.
pub(crate) type Show = Arc<dyn Fn(u64, &mut EndpointSeen) + Send + Sync>;
type Trouble = Box<dyn Fn() -> SageMakerError + Send + Sync>;

pub(crate) struct Fake {
    born: Instant,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) endpoints: BTreeMap<String, Kept>,
    pub(crate) parts: Vec<Part>,
    pub(crate) roles: Vec<String>,
    pub(crate) caller: String,
    pub(crate) region: &'static str,
    /// What becomes of an endpoint that is created from now on.
    pub(crate) show: Show,
    /// A deletion takes so long; what is asked for meanwhile is seen as `Deleting`.
    pub(crate) deleting: Duration,
    /// What the last page of a list says of the next one.
    pub(crate) cursor: Option<String>,
    /// What is published of every model.
    pub(crate) document: Option<String>,
    /// Deletions are acknowledged and never seen.
    pub(crate) blind: bool,
    /// Lines of every endpoint's log, oldest first; `None` where there is no log.
    pub(crate) log: Option<Vec<String>>,
    /// Instances that endpoints may have, by type.
    pub(crate) quotas: BTreeMap<String, f64>,
    /// Dollars an hour, by type.
    pub(crate) prices: BTreeMap<String, f64>,
    /// Scaling by load, by `endpoint/variant`.
    pub(crate) scaling: BTreeMap<String, Scaling>,
    /// Roles that do not trust SageMaker.
    pub(crate) distrusted: Vec<String>,
    /// Updates end with what was served before.
    pub(crate) rolls_back: bool,
    /// What becomes of an endpoint from the moment of an update, and of a change of its instances.
    pub(crate) changed: Show,
    /// What models answer.
    pub(crate) answer: Vec<u8>,
    /// What models were asked.
    pub(crate) invoked: Vec<Invocation>,
    troubles: Vec<(&'static str, Range<u64>, Trouble)>,
    asked: Vec<(u64, String)>,
}

#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) seen: EndpointSeen,
    pub(crate) tags: Tags,
    pub(crate) show: Show,
    born: Instant,
    deleted: Option<Instant>,
    /// When it was asked to change.
    changed: Option<Instant>,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    pub(crate) listed: Listed,
    pub(crate) tags: Tags,
    pub(crate) instance: String,
    pool_models: Vec<String>,
}

/// Stages of a life: from so many seconds on, this status.
pub(crate) fn stages(stages: &'static [(u64, &'static str)]) -> Show {
    Arc::new(move |seconds, seen| {
        if let Some((since, status)) = stages.iter().rev().find(|(since, _)| *since <= seconds) {
            seen.status = (*status).to_owned();
            seen.modified = seen.created + Duration::from_secs(*since);
        }
    })
}

/// An error as AWS would answer it.
pub(crate) fn aws(doing: &'static str, code: &str, text: &str, http_status: u16) -> SageMakerError {
    let code = Some(code.to_owned()).filter(|code| !code.is_empty());
    let why = classify(code.as_deref(), text, Some(http_status));
    let backend = Backend { code, http_status: Some(http_status), request_id: None, text: Some(text.to_owned()) };
    SageMakerError::Vendor { doing, why, backend: Box::new(backend), retry_after: None }
}

pub(crate) fn throttled(after: Option<u64>) -> SageMakerError {
    let backend = Backend { code: Some("ThrottlingException".into()), http_status: Some(400), ..Backend::default() };
    let retry_after = after.map(Duration::from_secs);
    SageMakerError::Vendor { doing: "DescribeEndpoint", why: Why::Throttled, backend: Box::new(backend), retry_after }
}

fn missing(what: &str) -> SageMakerError {
    aws("Describe", "ValidationException", &format!("Could not find {what}."), 400)
}

impl Fake {
    /// Empty; what is created goes into service after ten minutes.
    pub(crate) fn new() -> Self {
        let state = State {
            endpoints: BTreeMap::new(),
            parts: vec![],
            roles: vec![ROLE.to_owned()],
            caller: "arn:aws:iam::123456789012:user/operator".to_owned(),
            region: "us-east-2",
            show: stages(&[(0, "Creating"), (600, "InService")]),
            deleting: Duration::from_secs(60),
            cursor: None,
            document: None,
            blind: false,
            log: None,
            quotas: BTreeMap::new(),
            prices: BTreeMap::new(),
            scaling: BTreeMap::new(),
            distrusted: vec![],
            rolls_back: false,
            changed: stages(&[(0, "Updating"), (300, "InService")]),
            answer: br#"{"generated_text": "hello"}"#.to_vec(),
            invoked: vec![],
            troubles: vec![],
            asked: vec![],
        };
        Self { born: Instant::now(), state: Mutex::new(state) }
    }

    /// With an endpoint that is there from the beginning.
    pub(crate) fn with(self, name: &str, show: Show) -> Self {
        self.state().keep(name, "config-of-others", Tags::new(), show);
        self
    }

    /// With what this server made for an endpoint: a configuration and a model called `part`.
    pub(crate) fn with_parts(self, part: &str, endpoint: &str, age: Duration) -> Self {
        for kind in [PartKind::Config, PartKind::Model] {
            let mut part = part_of(kind, part, names::tags("deploy_jumpstart_model", endpoint));
            part.listed.created = clock::now() - age;
            self.state().parts.push(part);
        }
        self
    }

    /// Requests called so (or all, with `""`) fail in these seconds.
    pub(crate) fn trouble(
        self,
        what: &'static str,
        when: Range<u64>,
        trouble: impl Fn() -> SageMakerError + Send + Sync + 'static,
    ) -> Self {
        self.state().troubles.push((what, when, Box::new(trouble)));
        self
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests called so (or all, with `""`): when they came.
    pub(crate) fn asked(&self, what: &str) -> Vec<u64> {
        self.state().asked.iter().filter(|(_, asked)| asked.starts_with(what)).map(|(at, _)| *at).collect()
    }

    /// Everything that changes something, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        let writes = ["Create", "AddTags", "RemoveTag", "Delete", "Update", "SetInstances", "Set", "Remove", "Invoke"];
        let state = self.state();
        let asked = state.asked.iter().map(|(_, asked)| asked.clone());
        asked.filter(|asked| writes.iter().any(|write| asked.starts_with(write))).collect()
    }

    /// Names of all that is there.
    pub(crate) fn remains(&self) -> Vec<String> {
        let mut state = self.state();
        state.age();
        let endpoints = state.endpoints.keys().map(|name| format!("endpoint {name}"));
        endpoints.chain(state.parts.iter().map(|part| format!("{:?} {}", part.kind, part.listed.name))).collect()
    }

    fn ask(&self, what: &'static str, of: &str) -> Answer<MutexGuard<'_, State>> {
        let seconds = self.born.elapsed().as_secs();
        let mut state = self.state();
        state.asked.push((seconds, format!("{what} {of}")));
        state.age();
        let trouble = state.troubles.iter().find(|(name, when, _)| what.starts_with(name) && when.contains(&seconds));
        match trouble {
            Some((_, _, trouble)) => Err(trouble()),
            None => Ok(state),
        }
    }
}

impl State {
    pub(crate) fn keep(&mut self, name: &str, config: &str, tags: Tags, show: Show) {
        let created = clock::now();
        let seen = EndpointSeen {
            name: name.to_owned(),
            arn: format!("{ARN}:endpoint/{name}"),
            status: "Creating".to_owned(),
            config: config.to_owned(),
            pending_config: None,
            created,
            modified: created,
            failure_reason: None,
            variants: vec![VariantSeen {
                name: "AllTraffic".into(),
                status: None,
                current_instances: Some(1),
                desired_instances: Some(1),
                instance_types: vec![],
            }],
        };
        self.endpoints
            .insert(name.to_owned(), Kept { seen, tags, show, born: Instant::now(), deleted: None, changed: None });
    }

    fn age(&mut self) {
        let deleting = self.deleting;
        self.endpoints.retain(|_, kept| kept.deleted.is_none_or(|at| at.elapsed() < deleting));
    }

    fn look(&self, name: &str) -> Answer<EndpointSeen> {
        let kept = self.endpoints.get(name).ok_or_else(|| missing(&format!("endpoint \"{name}\"")))?;
        let mut seen = kept.seen.clone();
        match kept.changed {
            None => (kept.show)(kept.born.elapsed().as_secs(), &mut seen),
            Some(at) => {
                (self.changed)(at.elapsed().as_secs(), &mut seen);
                seen.modified = seen.created + (at - kept.born);
                if seen.status == "InService" {
                    seen.pending_config = None;
                    seen.variants[0].current_instances = seen.variants[0].desired_instances;
                }
            }
        }
        if kept.deleted.is_some() {
            seen.status = "Deleting".to_owned();
        }
        if seen.status == "gone" { Err(missing("endpoint")) } else { Ok(seen) }
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut EndpointSeen)) -> Answer<()> {
        if self.look(name)?.status != "InService" {
            return Err(aws("Update", "ValidationException", "Cannot update in-progress endpoint", 400));
        }
        let kept = self.endpoints.get_mut(name).unwrap();
        kept.changed = Some(Instant::now());
        change(&mut kept.seen);
        Ok(())
    }

    fn add(&mut self, kind: PartKind, name: &str, tags: &[Tag], instance: &str) -> Answer<()> {
        if self.parts.iter().any(|part| part.kind == kind && part.listed.name == name) {
            return Err(aws("Create", "ValidationException", &format!("Cannot create already existing {name}"), 400));
        }
        let mut part = part_of(kind, name, as_tags(tags));
        part.instance = instance.to_owned();
        self.parts.push(part);
        Ok(())
    }

    fn part(&self, kind: PartKind, name: &str) -> Answer<Part> {
        let found = self.parts.iter().find(|part| part.kind == kind && part.listed.name == name);
        found.cloned().ok_or_else(|| missing(&format!("{kind:?} {name}")))
    }
}

fn part_of(kind: PartKind, name: &str, tags: Tags) -> Part {
    let arn = format!("{ARN}:{}/{name}", if kind == PartKind::Config { "endpoint-config" } else { "model" });
    let listed = Listed { name: name.into(), arn, status: String::new(), created: clock::now(), modified: None };
    Part { kind, listed, tags, instance: String::new(), pool_models: vec![] }
}

fn as_tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
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

impl Api for Fake {
    fn region(&self) -> &str {
        self.state().region
    }

    async fn describe_endpoint(&self, name: &str) -> Answer<EndpointSeen> {
        self.ask("DescribeEndpoint", name)?.look(name)
    }

    async fn describe_config(&self, name: &str) -> Answer<ConfigSeen> {
        let part = self.ask("DescribeConfig", name)?.part(PartKind::Config, name)?;
        let variant = ConfigVariant {
            name: "AllTraffic".into(),
            models: std::iter::once(part.listed.name).chain(part.pool_models).collect(),
            instance_types: vec![part.instance],
            instance_count: 1,
        };
        Ok(ConfigSeen { arn: part.listed.arn, variants: vec![variant] })
    }

    async fn describe_model(&self, name: &str) -> Answer<String> {
        Ok(self.ask("DescribeModel", name)?.part(PartKind::Model, name)?.listed.arn)
    }

    async fn list_endpoints(&self, filter: &Filter) -> Answer<Page> {
        let state = self.ask("ListEndpoints", "")?;
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
        let state = self.ask("ListParts", "")?;
        let parts = state.parts.iter().filter(|part| part.kind == kind);
        page(parts.map(|part| part.listed.clone()).collect(), filter)
    }

    async fn list_tags(&self, arn: &str) -> Answer<Tags> {
        let state = self.ask("ListTags", arn)?;
        let endpoint = state.endpoints.values().find(|kept| kept.seen.arn == arn).map(|kept| kept.tags.clone());
        let part = || state.parts.iter().find(|part| part.listed.arn == arn).map(|part| part.tags.clone());
        endpoint.or_else(part).ok_or_else(|| missing(arn))
    }

    async fn create_model(&self, request: &CreateModel) -> Answer<()> {
        let mut state = self.ask("CreateModel", &request.model_name)?;
        state.add(PartKind::Model, &request.model_name, &request.tags, "")
    }

    async fn create_config(&self, request: &CreateEndpointConfig) -> Answer<()> {
        let variant = &request.production_variants[0];
        let mut state = self.ask("CreateConfig", &request.endpoint_config_name)?;
        state.add(PartKind::Config, &request.endpoint_config_name, &request.tags, variant.first_type())?;
        let overrides = variant.instance_pools.iter().filter_map(|pool| pool.model_name_override.clone());
        if let Some(part) = state.parts.last_mut() {
            part.pool_models = overrides.collect();
        }
        Ok(())
    }

    async fn create_endpoint(&self, request: &CreateEndpoint) -> Answer<()> {
        let mut state = self.ask("CreateEndpoint", &request.endpoint_name)?;
        state.part(PartKind::Config, &request.endpoint_config_name)?;
        if state.endpoints.contains_key(&request.endpoint_name) {
            return Err(aws("CreateEndpoint", "ValidationException", "Cannot create already existing endpoint", 400));
        }
        let show = state.show.clone();
        state.keep(&request.endpoint_name, &request.endpoint_config_name, as_tags(&request.tags), show);
        Ok(())
    }

    async fn add_tags(&self, arn: &str, tags: &Tags) -> Answer<()> {
        let mut state = self.ask("AddTags", arn)?;
        let kept = state.endpoints.values_mut().find(|kept| kept.seen.arn == arn).ok_or_else(|| missing(arn))?;
        kept.tags.extend(tags.clone());
        Ok(())
    }

    async fn remove_tag(&self, arn: &str, key: &str) -> Answer<()> {
        let mut state = self.ask("RemoveTag", key)?;
        let kept = state.endpoints.values_mut().find(|kept| kept.seen.arn == arn).ok_or_else(|| missing(arn))?;
        kept.tags.remove(key);
        Ok(())
    }

    async fn update_endpoint(&self, name: &str, config: &str) -> Answer<()> {
        let mut state = self.ask("UpdateEndpoint", name)?;
        state.part(PartKind::Config, config)?;
        let rolls_back = state.rolls_back;
        state.change(name, |seen| {
            if !rolls_back {
                seen.config = config.to_owned();
            }
        })
    }

    async fn set_instance_count(&self, name: &str, _: &str, count: u32) -> Answer<()> {
        let count = i32::try_from(count).ok();
        self.ask("SetInstances", name)?.change(name, |seen| seen.variants[0].desired_instances = count)
    }

    async fn delete_endpoint(&self, name: &str) -> Answer<()> {
        let mut state = self.ask("DeleteEndpoint", name)?;
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
        let mut state = self.ask(if kind == PartKind::Config { "DeleteConfig" } else { "DeleteModel" }, name)?;
        state.part(kind, name)?;
        if !state.blind {
            state.parts.retain(|part| part.kind != kind || part.listed.name != name);
        }
        Ok(())
    }

    async fn identity(&self) -> Answer<Identity> {
        Ok(Identity { account: "123456789012".into(), arn: self.ask("GetCallerIdentity", "")?.caller.clone() })
    }

    async fn sagemaker_roles(&self) -> Answer<Vec<String>> {
        Ok(self.ask("ListRoles", "")?.roles.clone())
    }

    async fn hub_document(&self, model_id: &str, _: Option<&str>) -> Answer<HubDocument> {
        let set = self.ask("DescribeHubContent", model_id)?.document.clone();
        let text = match model_id {
            _ if set.is_some() => set.unwrap_or_default(),
            OPEN => include_str!("../../fixtures/open_cpu.hub.json").to_owned(),
            GATED => include_str!("../../fixtures/gated_chat.hub.json").to_owned(),
            _ => return Err(aws("DescribeHubContent", "ResourceNotFound", "no such content", 400)),
        };
        Ok(HubDocument { version: "1.0.0".into(), text, deprecated: false })
    }

    async fn public_object(&self, _: &str, key: &str) -> Answer<String> {
        let set = self.ask("GetObject", key)?.document.clone();
        match key {
            "models_manifest.json" => Ok(include_str!("../../fixtures/manifest.json").to_owned()),
            "acme/acme-tabular-oak/specs_v1.0.0.json" if set.is_some() => Ok(set.unwrap_or_default()),
            "acme/acme-tabular-oak/specs_v1.0.0.json" => {
                Ok(include_str!("../../fixtures/open_cpu.spec.json").to_owned())
            }
            _ => Err(aws("GetObject", "NoSuchKey", "The specified key does not exist.", 404)),
        }
    }
}

impl Surroundings for Fake {
    async fn log_tail(&self, endpoint: &str, lines: u32) -> Answer<Vec<LogLine>> {
        let state = self.ask("GetLogEvents", endpoint)?;
        let log = state.log.clone().ok_or_else(|| aws("GetLogEvents", "ResourceNotFoundException", "no group", 400))?;
        let skipped = log.len().saturating_sub(lines as usize);
        Ok(log.into_iter().skip(skipped).map(line).collect())
    }

    async fn log_search(&self, endpoint: &str, search: &LogSearch) -> Answer<LogPage> {
        let state = self.ask("FilterLogEvents", endpoint)?;
        let log = state.log.clone().ok_or_else(|| aws("FilterLogEvents", "ResourceNotFoundException", "none", 400))?;
        if search.cursor.as_ref().is_some_and(|cursor| cursor.parse::<u32>().is_err()) {
            return Err(aws(
                "FilterLogEvents",
                "InvalidParameterException",
                "The specified nextToken is invalid.",
                400,
            ));
        }
        let fits = |text: &String| search.contains.as_ref().is_none_or(|part| text.contains(part));
        let lines = log.into_iter().filter(fits).take(search.limit as usize).map(line).collect();
        Ok(LogPage { lines, cursor: None })
    }

    async fn endpoint_quotas(&self) -> Answer<BTreeMap<String, f64>> {
        Ok(self.ask("ListServiceQuotas", "")?.quotas.clone())
    }

    async fn role_is_trusting(&self, role_arn: &str) -> Answer<bool> {
        let state = self.ask("GetRole", role_arn)?;
        if role_arn.contains("/missing") {
            return Err(aws("GetRole", "NoSuchEntity", "The role cannot be found.", 404));
        }
        Ok(!state.distrusted.iter().any(|role| role == role_arn))
    }

    async fn permissions(&self, _: &str, actions: &[&str]) -> Answer<BTreeMap<String, bool>> {
        drop(self.ask("SimulatePrincipalPolicy", "")?);
        Ok(actions.iter().map(|action| ((*action).to_owned(), !action.starts_with("iam:"))).collect())
    }

    async fn hourly_usd(&self, instance_type: &str) -> Answer<Option<f64>> {
        Ok(self.ask("GetProducts", instance_type)?.prices.get(instance_type).copied())
    }

    async fn scaling(&self, endpoint: &str, variant: &str) -> Answer<Option<Scaling>> {
        Ok(self.ask("DescribeScalableTargets", endpoint)?.scaling.get(&format!("{endpoint}/{variant}")).copied())
    }

    async fn set_scaling(&self, endpoint: &str, variant: &str, scaling: &Scaling) -> Answer<()> {
        self.ask("SetScaling", endpoint)?.scaling.insert(format!("{endpoint}/{variant}"), *scaling);
        Ok(())
    }

    async fn remove_scaling(&self, endpoint: &str, variant: &str) -> Answer<()> {
        let removed = self.ask("RemoveScaling", endpoint)?.scaling.remove(&format!("{endpoint}/{variant}"));
        removed.map(drop).ok_or_else(|| aws("DeregisterScalableTarget", "ObjectNotFoundException", "none", 400))
    }

    async fn invoke(&self, invocation: &Invocation) -> Answer<Invoked> {
        let mut state = self.ask("InvokeEndpoint", &invocation.endpoint)?;
        state.invoked.push(invocation.clone());
        let took = Duration::from_millis(120);
        let variant = Some("AllTraffic".to_owned());
        Ok(Invoked { body: state.answer.clone(), content_type: Some("application/json".into()), variant, took })
    }
}

fn line(text: String) -> LogLine {
    LogLine { at: clock::now(), stream: "AllTraffic/i-1".to_owned(), text }
}

//! `plan_deployment`: what deploy_jumpstart_model would do, and what stands in its way.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use longhaul::{
    context::Context,
    fault::Fault,
    report::Next,
    tool::{Class, QuickTool},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{DEPLOY, PLAN, deploy_jumpstart_model::DeployJumpStartModel};
use crate::{
    api::Api,
    config::Config,
    error::if_there,
    jumpstart::{CreateModel, Requests},
    names,
    operation::Endpoint,
    plan::plan,
    preflight::{Check, Verdict},
    price::{self, HourlyUsd},
    states::{self, Standing},
};

/// The arguments of deploy_jumpstart_model.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct PlanDeployment(pub DeployJumpStartModel);

impl JsonSchema for PlanDeployment {
    fn schema_name() -> Cow<'static, str> {
        "PlanDeployment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        as_for_deploy(
            generator,
            "Checks a deployment without starting it: the exact requests that deploy_jumpstart_model would send, \
             whether name, model, licence, role and quota allow it, warnings, and the price. Changes nothing.",
        )
    }
}

/// The schema of deploy_jumpstart_model's arguments under another description. What each means is
/// told there: models read it twice otherwise.
pub(super) fn as_for_deploy(generator: &mut SchemaGenerator, description: &str) -> Schema {
    let mut schema = DeployJumpStartModel::json_schema(generator);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (_, property) in properties.iter_mut() {
            if let Some(told) = property.get_mut("description") {
                *told = "As for deploy.".into();
            }
        }
    }
    schema.insert("description".to_owned(), description.into());
    schema
}

/// A deployment, thought through.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Planned {
    /// Whether nothing that could be looked at stands in the way.
    pub ready: bool,
    /// The endpoint that would be created.
    pub endpoint_name: String,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// What the publisher and the rules warn of.
    pub warnings: Vec<String>,
    /// What the instances would cost an hour, in US dollars.
    pub hourly_usd: HourlyUsd,
    /// What would be sent to SageMaker, by operation; the caller's variables are left out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(default)]
    pub requests: Map<String, Value>,
    /// The call that carries it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// The tool.
pub struct Plan<A> {
    endpoint: Endpoint<A>,
    config: Config,
}

impl<A: Api> Plan<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: Config) -> Self {
        Self { endpoint: Endpoint::new(api), config }
    }
}

impl<A: Api> QuickTool for Plan<A> {
    const NAME: &'static str = PLAN;
    const CLASS: Class = Class::Read;
    type Args = PlanDeployment;
    type Output = Planned;

    fn resource(&self, args: &PlanDeployment) -> String {
        args.0.model_id.clone()
    }

    async fn call(&self, cx: &Context, PlanDeployment(args): PlanDeployment) -> Result<Planned, Fault> {
        let api = self.endpoint.api();
        let start = args.clone().asked(cx, &self.config, DEPLOY);
        super::deploy_jumpstart_model::check(&start)?;
        let config = start.parts_name();
        let ((name, joins), planned) =
            futures_util::join!(self.name_is_free(&start.endpoint_name, &config), plan(api, cx, &start, &config, true));
        // What is there already needs no more room: it takes up the quota itself.
        let planned_checks = planned.checks.into_iter().filter(|check| !joins || check.check != "quota");
        let checks: Vec<Check> = std::iter::once(name).chain(planned_checks).collect();
        let ready = checks.iter().all(|check| check.fault.is_none());
        let instances = planned.requests.as_ref().map(|requests| {
            let [variant] = &requests.config.production_variants;
            BTreeMap::from([(variant.first_type().to_owned(), variant.initial_instance_count)])
        });
        let hourly_usd = match &instances {
            Some(instances) => price::of_instances(api, instances).await,
            None => HourlyUsd(None),
        };
        let again = Next::new(DEPLOY, "Starts it. Ask the user: it costs money until it is deleted.");
        let arguments = serde_json::to_value(&args).ok().and_then(|value| value.as_object().cloned());
        let next = Next { arguments: arguments.unwrap_or_default(), ..again };
        Ok(Planned {
            ready,
            endpoint_name: start.endpoint_name.clone(),
            warnings: planned.requests.as_ref().map(|requests| requests.warnings.clone()).unwrap_or_default(),
            hourly_usd,
            requests: planned.requests.map(|requests| shown(requests, &start.environment)).unwrap_or_default(),
            checks,
            // With the caller's variables it would show them, without them it would be another call.
            next: (ready && start.environment.is_empty()).then_some(next),
        })
    }

    fn sentence(&self, output: &Planned) -> String {
        let blocked = output.checks.iter().filter(|check| check.verdict != Verdict::Ok);
        let blocked: Vec<String> = blocked.map(|check| format!("{}: {}", check.check, check.message)).collect();
        let how = if output.next.is_some() { String::new() } else { format!(" by {DEPLOY} with the same arguments") };
        match (output.ready, blocked.is_empty()) {
            (true, true) => format!("{} can be deployed{how}.", output.endpoint_name),
            (true, false) => {
                format!("{} can be deployed{how}, as far as was seen; {}.", output.endpoint_name, blocked.join("; "))
            }
            (false, _) => format!("{} cannot be deployed like this; {}.", output.endpoint_name, blocked.join("; ")),
        }
    }
}

impl<A: Api> Plan<A> {
    /// What a deployment finds under the name, and whether it joins that.
    async fn name_is_free(&self, name: &str, config: &str) -> (Check, bool) {
        let standing = async {
            let seen = self.endpoint.find(name).await?;
            let tags = match &seen {
                Some(seen) => if_there(self.endpoint.api().list_tags(&seen.arn).await)?.unwrap_or_default(),
                None => BTreeMap::new(),
            };
            let ending = tags.get(names::TAG_ENDING).map(String::as_str);
            Ok::<_, Fault>(states::before_start(seen.as_ref(), config, ending, &Next::new(PLAN, "Looks again.")))
        };
        match standing.await {
            Ok(Standing::Free) => (Check::ok("name", format!("{name} is free")), false),
            Ok(Standing::Join) => {
                (Check::ok("name", format!("{name} is there as it is wanted: a deployment joins it")), true)
            }
            Ok(Standing::InTheWay(fault)) => (Check::blocked("name", *fault), false),
            Err(fault) => (Check::blocked("name", fault), false),
        }
    }
}

/// The requests by operation. The caller knows the values of its own variables; they may be tokens.
fn shown(mut requests: Requests, own: &BTreeMap<String, String>) -> Map<String, Value> {
    let hide = |model: &mut CreateModel| {
        for (name, value) in &mut model.primary_container.environment {
            if own.contains_key(name) {
                "[as given]".clone_into(value);
            }
        }
    };
    hide(&mut requests.model);
    requests.pool_models.iter_mut().for_each(hide);
    let mut shown = Map::new();
    shown.insert("CreateModel".to_owned(), json!(requests.model));
    if !requests.pool_models.is_empty() {
        shown.insert("CreateModelOfPools".to_owned(), json!(requests.pool_models));
    }
    shown.insert("CreateEndpointConfig".to_owned(), json!(requests.config));
    shown.insert("CreateEndpoint".to_owned(), json!(requests.endpoint));
    shown
}

//! Removing: an endpoint with what stands behind it, and what partial starts have left.
//!
//! In SageMaker's order: endpoint, then configuration, then model; a configuration must not go
//! while its endpoint is there. Only what this server made is removed behind an endpoint: models
//! and configurations of others may serve elsewhere, too.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use longhaul::{
    clock,
    context::Context,
    fault::Fault,
    operation::{Observation, Operation, Running},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, EndpointSeen, PartKind},
    error::{SageMakerError, Why, if_there},
    names,
    operation::{Endpoint, EndpointHandle, Goal, Parts, delete_part, mark_ending, unmarked},
    parts::{AT_ONCE, behind, made_parts},
    states,
};

/// A start tries for some 90 s; what is younger than this may belong to one that is under way.
pub const YOUNG: Duration = Duration::from_secs(600);

/// The endpoint called `name`, as it is, and what this server made behind it.
///
/// # Errors
/// AWS could not be asked.
pub async fn find<A: Api>(endpoint: &Endpoint<A>, name: &str) -> Result<(Option<EndpointSeen>, Parts), SageMakerError> {
    let api = endpoint.api();
    let seen = endpoint.find(name).await?;
    let mut parts = behind(api, name).await?;
    if let Some(seen) = seen.as_ref().filter(|seen| !parts.configs.contains(&seen.config)) {
        let models =
            if_there(api.describe_config(&seen.config).await)?.map(|config| config.models()).unwrap_or_default();
        let config = format!("endpoint-config {} (not made by this server)", seen.config);
        parts.others = vec![config];
        parts.others.extend(models.iter().map(|model| format!("model {model} (not made by this server)")));
    }
    Ok((seen, parts))
}

/// The handle of a removal. Records the wish in the endpoint's tags and asks for the deletion;
/// where SageMaker refuses for now, [`advance`] asks again.
///
/// # Errors
/// The wish could not be recorded, or SageMaker refuses for good.
pub async fn begin<A: Api>(endpoint: &Endpoint<A>, name: &str) -> Result<EndpointHandle, Fault> {
    let (seen, parts) = find(endpoint, name).await?;
    let Some(seen) = seen else { return Ok(EndpointHandle::unseen(name, Goal::Gone { parts })) };
    if seen.status != "Deleting" {
        mark_ending(endpoint.api(), &seen.arn).await?;
        if let Err(error) = delete_endpoint(endpoint.api(), &seen.name, &seen.status).await {
            let fault = unmarked(endpoint.api(), &seen.arn, error).await;
            return Err(fault.with_leftovers(states::named(Some(&seen.name), &parts)));
        }
    }
    Ok(EndpointHandle::of(&seen, Goal::Gone { parts }))
}

/// The next step of a removal, given where it stands: one request that may be repeated.
///
/// # Errors
/// SageMaker refuses the step.
pub async fn advance<A: Api>(
    endpoint: &Endpoint<A>,
    handle: &EndpointHandle,
    running: &Running,
) -> Result<bool, Fault> {
    let api = endpoint.api();
    let Goal::Gone { parts } = &handle.goal else { return Ok(false) };
    match running.phase.as_str() {
        states::REMOVING_CONFIG => {
            for config in &parts.configs {
                delete_part(api, PartKind::Config, config).await?;
            }
        }
        states::REMOVING_MODELS => {
            for model in &parts.models {
                delete_part(api, PartKind::Model, model).await?;
            }
        }
        "Deleting" => return Ok(false),
        status => {
            match delete_endpoint(api, &handle.name, status).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // What is left is told with what was seen last.
                Err(error) => return Err(unmarked(api, &handle.arn, error).await.with_leftovers(Vec::new())),
            }
        }
    }
    // Reads are eventually consistent: a step that cannot be seen yet is waited for at the pace,
    // or it would be taken again and again without a pause.
    let seen = endpoint.observe(&Context::local(), handle).await;
    Ok(seen.is_ok_and(|seen| !matches!(seen, Observation::Running(seen) if seen.phase == running.phase)))
}

/// Asks SageMaker to delete an endpoint; false where it cannot be deleted yet.
async fn delete_endpoint(api: &impl Api, name: &str, status: &str) -> Result<bool, SageMakerError> {
    if states::undeletable(status) {
        return Ok(false);
    }
    match if_there(api.delete_endpoint(name).await) {
        Ok(_) => Ok(true),
        Err(error) if error.why() == Some(Why::Busy) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a partial start or removal has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leftover {
    /// Name shared by the configuration and the model; `cleanup_leftovers` takes it.
    pub name: String,
    /// What is there: `endpoint-config`, `model`.
    pub kinds: Vec<String>,
    /// The endpoint that it was made for.
    pub endpoint: String,
    /// Why it is left over.
    pub why: String,
    /// Seconds since it was made.
    pub age_seconds: u64,
    /// It may belong to a start that is under way, so it is not removed yet.
    pub young: bool,
}

/// All that this server made and that no endpoint uses.
///
/// # Errors
/// AWS could not be asked.
pub async fn leftovers<A: Api>(endpoint: &Endpoint<A>) -> Result<Vec<Leftover>, SageMakerError> {
    let api = endpoint.api();
    let mut found: BTreeMap<String, (Vec<String>, String, SystemTime)> = BTreeMap::new();
    for (kind, word) in [(PartKind::Config, "endpoint-config"), (PartKind::Model, "model")] {
        for made in made_parts(api, kind, names::MARK).await? {
            let entry =
                found.entry(made.listed.name).or_insert_with(|| (Vec::new(), made.endpoint, made.listed.created));
            entry.0.push(word.to_owned());
            entry.2 = entry.2.max(made.listed.created);
        }
    }
    let mut looks = Vec::with_capacity(found.len());
    for (name, (kinds, made_for, created)) in found {
        looks.push(left_over(endpoint, name, kinds, made_for, created));
    }
    let looks: Vec<Option<Leftover>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    Ok(looks.into_iter().flatten().collect())
}

async fn left_over<A: Api>(
    endpoint: &Endpoint<A>,
    name: String,
    kinds: Vec<String>,
    made_for: String,
    created: SystemTime,
) -> Result<Option<Leftover>, SageMakerError> {
    let seen = endpoint.find(&made_for).await?;
    let why = match &seen {
        None => "its endpoint does not exist",
        Some(seen) if uses(endpoint.api(), seen, &name).await? => return Ok(None),
        Some(_) => "its endpoint serves another configuration",
    };
    let age = clock::now().duration_since(created).unwrap_or_default();
    Ok(Some(Leftover {
        name,
        kinds,
        endpoint: made_for,
        why: why.to_owned(),
        age_seconds: age.as_secs(),
        young: age < YOUNG,
    }))
}

/// Removes a leftover: its configuration, then its model. False where an endpoint has come to
/// use it since it was found.
///
/// # Errors
/// SageMaker refuses one of them; the other may be gone.
pub async fn remove<A: Api>(endpoint: &Endpoint<A>, leftover: &Leftover) -> Result<bool, SageMakerError> {
    let api = endpoint.api();
    if let Some(seen) = endpoint.find(&leftover.endpoint).await?
        && uses(api, &seen, &leftover.name).await?
    {
        return Ok(false);
    }
    delete_part(api, PartKind::Config, &leftover.name).await?;
    delete_part(api, PartKind::Model, &leftover.name).await?;
    Ok(true)
}

/// Whether an endpoint uses the configuration or model of that name. An instance pool may have a
/// model of its own name.
async fn uses(api: &impl Api, seen: &EndpointSeen, name: &str) -> Result<bool, SageMakerError> {
    for config in std::iter::once(&seen.config).chain(&seen.pending_config) {
        let named = || async {
            let config = if_there(api.describe_config(config).await)?;
            Ok::<_, SageMakerError>(config.is_some_and(|config| config.models().iter().any(|model| model == name)))
        };
        if config == name || named().await? {
            return Ok(true);
        }
    }
    Ok(false)
}

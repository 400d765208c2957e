//! `wait_sagemaker_endpoint`: follows what is already under way.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    tool::{Class, LongTool, Terms},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DELETE, WAIT, checked_name, resumable};
use crate::{
    api::Api,
    config::Config,
    error::if_there,
    names,
    operation::{Endpoint, EndpointHandle, Goal, Parts},
};

/// Follows a SageMaker endpoint until it is in service, or until it is deleted, and tells how it
/// goes. Changes nothing; works after a disconnect, from any client. To create an endpoint call
/// deploy_jumpstart_model, to remove one delete_sagemaker_endpoint.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitSageMakerEndpoint {
    /// Name of the endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub endpoint_name: String,
    /// What to wait for. Default: in_service.
    #[serde(default)]
    pub until: Until,
    /// Succeed only with this configuration. Default: any.
    #[schemars(length(max = 63))]
    pub endpoint_config_name: Option<String>,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented variants become a `oneOf`, which clients understand less than an `enum`")]
pub enum Until {
    #[default]
    InService,
    Deleted,
}

/// The tool.
pub struct Wait<A> {
    endpoint: Endpoint<A>,
    terms: Terms,
}

impl<A: Api> Wait<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: &Config) -> Self {
        Self { endpoint: Endpoint::new(api), terms: config.terms() }
    }
}

impl<A: Api> LongTool for Wait<A> {
    const NAME: &'static str = WAIT;
    const CLASS: Class = Class::Read;
    type Args = WaitSageMakerEndpoint;
    type Operation = Endpoint<A>;

    fn operation(&self) -> &Endpoint<A> {
        &self.endpoint
    }

    fn resource(&self, _: &Context, args: &WaitSageMakerEndpoint) -> String {
        args.endpoint_name.trim().to_owned()
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    async fn begin(&self, _: &Context, args: WaitSageMakerEndpoint) -> Result<EndpointHandle, Fault> {
        let name = checked_name("endpoint_name", &args.endpoint_name)?;
        let seen = self.endpoint.find(&name).await.map_err(|error| {
            resumable(error.into(), || match args.until {
                Until::InService => super::wait_until_in_service(&name),
                Until::Deleted => super::wait_until_deleted(&name),
            })
        })?;
        let gone = Goal::Gone { parts: Parts::default() };
        match (seen, args.until) {
            // An update goes to its pending configuration; otherwise what it serves is what was asked for.
            (Some(seen), Until::InService) => {
                let asked = args.endpoint_config_name.map(|config| checked_name("endpoint_config_name", &config));
                let going_to = || seen.pending_config.clone().unwrap_or_else(|| seen.config.clone());
                let config = asked.transpose()?.unwrap_or_else(going_to);
                Ok(EndpointHandle::of(&seen, Goal::in_service(&config)))
            }
            (Some(seen), Until::Deleted) => {
                let wished = async || {
                    let tags = if_there(self.endpoint.api().list_tags(&seen.arn).await)?.unwrap_or_default();
                    Ok::<_, Fault>(tags.contains_key(names::TAG_ENDING))
                };
                if seen.status == "Deleting" || wished().await? {
                    return Ok(EndpointHandle::of(&seen, gone));
                }
                // Nothing is offered that nobody has asked for.
                let message = format!("{name} is {}, and nobody has asked for its end", seen.status);
                Err(Fault::new(FaultCode::Conflict, message)
                    .with_status(&seen.status)
                    .with_advice(format!("If the user wants it removed, call {DELETE}.")))
            }
            (None, Until::Deleted) => Ok(EndpointHandle::unseen(&name, gone)),
            (None, Until::InService) => {
                Err(Fault::new(FaultCode::NotFound, format!("there is no endpoint called {name}"))
                    .with_advice(
                        "Check the region and the account; a start that was cut off may not have come to creating it.",
                    )
                    .with_next(super::list()))
            }
        }
    }
}

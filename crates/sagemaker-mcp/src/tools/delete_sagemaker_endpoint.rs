//! `delete_sagemaker_endpoint`: endpoint, then configuration, then model, until all are gone.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::Fault,
    operation::Running,
    report::Next,
    tool::{Class, LongTool, Terms},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DELETE, checked_name, resumable};
use crate::{
    api::Api,
    config::Config,
    names,
    operation::{Endpoint, EndpointHandle, Goal},
    removal,
};

/// Deletes a SageMaker endpoint and the configuration and model that deploy_jumpstart_model made
/// for it, and waits until they are gone. An endpoint that is being created cannot be deleted:
/// the call waits for it while it is open. Repeat an interrupted call to finish it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteSageMakerEndpoint {
    /// Name of the endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub endpoint_name: String,
    /// Only tell what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// The tool.
pub struct Delete<A> {
    endpoint: Endpoint<A>,
    terms: Terms,
}

impl<A: Api> Delete<A> {
    /// Removes through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: &Config) -> Self {
        Self { endpoint: Endpoint::new(api), terms: config.terms() }
    }
}

impl<A: Api> LongTool for Delete<A> {
    const NAME: &'static str = DELETE;
    const CLASS: Class = Class::Destructive;
    const STEPWISE: bool = true;
    type Args = DeleteSageMakerEndpoint;
    type Operation = Endpoint<A>;

    fn operation(&self) -> &Endpoint<A> {
        &self.endpoint
    }

    fn class(&self, args: &DeleteSageMakerEndpoint) -> Class {
        // A name that is refused in any case needs no confirmation first.
        let wanted = !args.dry_run && names::wrong_name(args.endpoint_name.trim()).is_none();
        if wanted { Class::Destructive } else { Class::Read }
    }

    fn resource(&self, _: &Context, args: &DeleteSageMakerEndpoint) -> String {
        args.endpoint_name.trim().to_owned()
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    async fn begin(&self, cx: &Context, args: DeleteSageMakerEndpoint) -> Result<EndpointHandle, Fault> {
        let name = checked_name("endpoint_name", &args.endpoint_name)?;
        if args.dry_run {
            let found = removal::find(&self.endpoint, &name).await;
            let again =
                || Next::new(DELETE, "The same call again.").with("endpoint_name", name.as_str()).with("dry_run", true);
            let (seen, parts) = found.map_err(|error| resumable(error.into(), again))?;
            let goal = Goal::Shown { parts };
            return Ok(seen.map_or_else(
                || EndpointHandle::unseen(&name, goal.clone()),
                |seen| EndpointHandle::of(&seen, goal.clone()),
            ));
        }
        cx.tell("asking SageMaker to delete it");
        let begun = removal::begin(&self.endpoint, &name).await;
        begun.map_err(|fault| resumable(fault, || super::delete(&name)))
    }

    async fn advance(&self, _: &Context, handle: &EndpointHandle, running: &Running) -> Result<bool, Fault> {
        removal::advance(&self.endpoint, handle, running).await
    }
}

//! [`Endpoints`]: the typed client, without MCP.

use std::sync::Arc;

use futures_util::Stream;
use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation},
};

use crate::{
    Config,
    api::{Api, Aws},
    operation::{Endpoint, EndpointHandle, EndpointResult, Goal},
    removal,
    start::{self, Start},
};

/// Endpoints of one account and region.
pub struct Endpoints<A = Aws> {
    endpoint: Endpoint<A>,
    config: Config,
    cx: Context,
}

impl Endpoints<Aws> {
    /// Connects when it is first used.
    #[must_use]
    pub fn connect(config: Config) -> Self {
        Self::new(Arc::new(Aws::new(config.clone())), config)
    }
}

impl<A: Api> Endpoints<A> {
    /// Endpoints behind any [`Api`].
    #[must_use]
    pub fn new(api: Arc<A>, config: Config) -> Self {
        Self { endpoint: Endpoint::new(api), config, cx: Context::local() }
    }

    /// Starts an endpoint or joins the one that the same words have started.
    ///
    /// # Errors
    /// What stands in the way; what was made so far is named in `leftovers`.
    pub async fn deploy(&self, wanted: &Start) -> Result<EndpointHandle, Fault> {
        let default_role = wanted.default_role.clone().or_else(|| self.config.role_arn.clone());
        start::start(&self.endpoint, &self.cx, &Start { default_role, ..wanted.clone() }).await
    }

    /// The endpoint called `name`, to be followed into service.
    ///
    /// # Errors
    /// [`FaultCode::NotFound`], or AWS could not be asked.
    pub async fn find(&self, name: &str) -> Result<EndpointHandle, Fault> {
        let seen = self.endpoint.find(name).await?;
        let seen =
            seen.ok_or_else(|| Fault::new(FaultCode::NotFound, format!("there is no endpoint called {name}")))?;
        let config = seen.pending_config.clone().unwrap_or_else(|| seen.config.clone());
        Ok(EndpointHandle::of(&seen, Goal::in_service(&config)))
    }

    /// Looks once.
    ///
    /// # Errors
    /// AWS could not be asked, which says nothing of the endpoint.
    pub async fn observe(&self, handle: &EndpointHandle) -> Result<Observation<EndpointResult>, Fault> {
        self.endpoint.observe(&self.cx, handle).await
    }

    /// Looks at the configured pace, at once first. Dropping the stream stops the looking only.
    pub fn watch<'a>(
        &'a self,
        handle: &'a EndpointHandle,
    ) -> impl Stream<Item = Result<Observation<EndpointResult>, Fault>> + Send + 'a {
        self.endpoint.watch(&self.cx, handle, self.config.terms().pace)
    }

    /// Asks for the removal of an endpoint and what was made for it. Watch the handle, and call
    /// [`Self::go_on`] with what is seen, until it is gone.
    ///
    /// # Errors
    /// SageMaker refuses.
    pub async fn remove(&self, name: &str) -> Result<EndpointHandle, Fault> {
        removal::begin(&self.endpoint, name).await
    }

    /// Takes the next step of a removal; true if it changed something.
    ///
    /// # Errors
    /// SageMaker refuses the step.
    pub async fn go_on(&self, handle: &EndpointHandle, running: &longhaul::operation::Running) -> Result<bool, Fault> {
        removal::advance(&self.endpoint, handle, running).await
    }
}

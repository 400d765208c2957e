//! `update_sagemaker_endpoint`: changes what an endpoint serves, without an interruption.

use std::{borrow::Cow, sync::Arc};

use longhaul::{
    context::Context,
    fault::Fault,
    tool::{Class, LongTool, Terms},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

use super::{UPDATE, deploy_jumpstart_model::DeployJumpStartModel, plan_deployment::as_for_deploy};
use crate::{
    api::Api,
    config::Config,
    operation::{Endpoint, EndpointHandle},
    start::{Start, start},
};

/// The arguments of deploy_jumpstart_model, for an endpoint that is there.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct UpdateSageMakerEndpoint(pub DeployJumpStartModel);

impl JsonSchema for UpdateSageMakerEndpoint {
    fn schema_name() -> Cow<'static, str> {
        "UpdateSageMakerEndpoint".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = as_for_deploy(
            generator,
            "Changes an endpoint to what deploy_jumpstart_model would deploy: name all that matters, the rest becomes \
             the model's default. It goes on serving; if SageMaker goes back to what it served, that is a failure. For \
             the number of instances alone use scale_sagemaker_endpoint.",
        );
        schema.insert("required".to_owned(), json!(["endpoint_name", "model_id"]));
        schema
    }
}

/// The tool.
pub struct Update<A> {
    endpoint: Endpoint<A>,
    config: Config,
}

impl<A: Api> Update<A> {
    /// Updates through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: Config) -> Self {
        Self { endpoint: Endpoint::new(api), config }
    }

    fn asked(&self, cx: &Context, args: DeployJumpStartModel) -> Start {
        Start { update: true, ..args.asked(cx, &self.config, UPDATE) }
    }
}

impl<A: Api> LongTool for Update<A> {
    const NAME: &'static str = UPDATE;
    const CLASS: Class = Class::Write;
    type Args = UpdateSageMakerEndpoint;
    type Operation = Endpoint<A>;

    fn operation(&self) -> &Endpoint<A> {
        &self.endpoint
    }

    fn resource(&self, _: &Context, UpdateSageMakerEndpoint(args): &UpdateSageMakerEndpoint) -> String {
        args.endpoint_name.as_deref().unwrap_or_default().trim().to_owned()
    }

    fn terms(&self) -> Terms {
        self.config.terms()
    }

    async fn begin(
        &self,
        cx: &Context,
        UpdateSageMakerEndpoint(args): UpdateSageMakerEndpoint,
    ) -> Result<EndpointHandle, Fault> {
        super::checked_name("endpoint_name", args.endpoint_name.as_deref().unwrap_or_default())?;
        let asked = self.asked(cx, args);
        super::deploy_jumpstart_model::check(&asked)?;
        start(&self.endpoint, cx, &asked).await
    }
}

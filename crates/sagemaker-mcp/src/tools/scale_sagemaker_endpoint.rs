//! `scale_sagemaker_endpoint`: how many instances an endpoint has.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    tool::{Class, LongTool, Terms},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SCALE, checked_name, resumable};
use crate::{
    api::{Api, EndpointSeen, Scaling},
    config::Config,
    error::{SageMakerError, Why, if_there},
    names,
    operation::{Endpoint, EndpointHandle, Goal, Serving},
    states,
};

/// Most instances that are taken.
const MOST: u32 = 100;

/// Gives an endpoint a fixed number of instances, or lets AWS scale it between two numbers by its
/// load; a fixed number ends that. It goes on serving; more instances cost more.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleSageMakerEndpoint {
    /// Name of the endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub endpoint_name: String,
    /// A fixed number of instances.
    #[schemars(range(min = 1, max = 100))]
    pub instance_count: Option<u32>,
    /// Instead: the fewest instances.
    #[schemars(range(min = 1, max = 100))]
    pub min_instances: Option<u32>,
    /// And the most instances.
    #[schemars(range(min = 1, max = 100))]
    pub max_instances: Option<u32>,
    /// And the invocations a minute for each.
    pub invocations_per_instance: Option<f64>,
    /// Variant. Default: the only one.
    #[schemars(length(max = 63))]
    pub variant_name: Option<String>,
}

/// The tool.
pub struct Scale<A> {
    endpoint: Endpoint<A>,
    terms: Terms,
}

impl<A: Api> Scale<A> {
    /// Scales through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: &Config) -> Self {
        Self { endpoint: Endpoint::new(api), terms: config.terms() }
    }
}

impl<A: Api> LongTool for Scale<A> {
    const NAME: &'static str = SCALE;
    const CLASS: Class = Class::Write;
    type Args = ScaleSageMakerEndpoint;
    type Operation = Endpoint<A>;

    fn operation(&self) -> &Endpoint<A> {
        &self.endpoint
    }

    fn resource(&self, _: &Context, args: &ScaleSageMakerEndpoint) -> String {
        args.endpoint_name.trim().to_owned()
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    async fn begin(&self, cx: &Context, args: ScaleSageMakerEndpoint) -> Result<EndpointHandle, Fault> {
        let name = checked_name("endpoint_name", &args.endpoint_name)?;
        let wanted = wanted(&args)?;
        let again = serde_json::to_value(&args).ok().and_then(|args| args.as_object().cloned()).unwrap_or_default();
        let again =
            longhaul::report::Next { arguments: again, ..longhaul::report::Next::new(SCALE, "The same call again.") };
        let scaled = self.scale(cx, &name, args.variant_name.as_deref(), wanted).await;
        scaled.map_err(|fault| resumable(fault, || again))
    }
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Fixed(u32),
    Tracking(Scaling),
}

impl<A: Api> Scale<A> {
    async fn scale(
        &self,
        cx: &Context,
        name: &str,
        variant: Option<&str>,
        wanted: Wanted,
    ) -> Result<EndpointHandle, Fault> {
        let api = self.endpoint.api();
        let seen = self.endpoint.find(name).await?;
        let seen = seen.ok_or_else(|| {
            Fault::new(FaultCode::NotFound, format!("there is no endpoint called {name}")).with_next(super::list())
        })?;
        let tags = if_there(api.list_tags(&seen.arn).await)?.unwrap_or_default();
        if let Some(since) = tags.get(names::TAG_ENDING) {
            let message = format!("the end of {name} was asked for at {since}");
            return Err(Fault::new(FaultCode::Conflict, message).with_status(&seen.status));
        }
        let variant = chosen(&seen, variant)?;
        let count = match wanted {
            Wanted::Fixed(count) => count,
            Wanted::Tracking(scaling) => return self.track(&seen, &variant, scaling).await,
        };
        let mut serving = Serving {
            before_ms: Some(states::millis(seen.modified)),
            instances: Some((variant.clone(), count)),
            ..goes_to(&seen)
        };
        let there = seen.variants.iter().find(|seen| seen.name == variant);
        let count_i32 = i32::try_from(count).ok();
        if there.is_some_and(|seen| seen.desired_instances == count_i32) {
            // It is there, or on its way: the same call joins.
            serving.before_ms = None;
            self.end_scaling(cx, name, &variant).await?;
            return Ok(EndpointHandle::of(&seen, Goal::InService(serving)));
        }
        if seen.status != "InService" {
            let message = format!("{name} is {}; it can be scaled when it is in service", seen.status);
            let fault = Fault::new(FaultCode::NotYet, message).with_status(&seen.status);
            return Err(fault.with_next(super::wait_until_in_service(name)));
        }
        self.end_scaling(cx, name, &variant).await?;
        cx.tell(&format!("asking for {count} instances of {variant}"));
        api.set_instance_count(name, &variant, count).await?;
        Ok(EndpointHandle::of(&seen, Goal::InService(serving)))
    }

    /// Load would change a fixed number again.
    async fn end_scaling(&self, cx: &Context, name: &str, variant: &str) -> Result<(), SageMakerError> {
        let api = self.endpoint.api();
        match api.scaling(name, variant).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                cx.tell("ending the scaling by load");
                if_there(api.remove_scaling(name, variant).await)?;
            }
            // Who may not look has not set it up either; SageMaker decides.
            Err(error) if error.why() == Some(Why::Denied) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn track(&self, seen: &EndpointSeen, variant: &str, scaling: Scaling) -> Result<EndpointHandle, Fault> {
        if let Err(error) = self.endpoint.api().set_scaling(&seen.name, variant, &scaling).await {
            // The target alone moves the number of instances into its range.
            let half = error.doing() == Some("PutScalingPolicy");
            let target = format!("scalable target endpoint/{}/variant/{variant}", seen.name);
            let fault = Fault::from(error);
            return Err(if half { fault.with_leftovers(vec![target]) } else { fault });
        }
        let serving = Serving { told: Some(told(&seen.name, variant, &scaling)), ..goes_to(seen) };
        Ok(EndpointHandle::of(seen, Goal::InService(serving)))
    }
}

/// It serves what it serves, or what an update that is under way goes to.
fn goes_to(seen: &EndpointSeen) -> Serving {
    Serving::new(seen.pending_config.as_ref().unwrap_or(&seen.config))
}

fn told(name: &str, variant: &str, scaling: &Scaling) -> String {
    let by = match scaling.invocations_per_instance {
        Some(target) => format!(", aiming at {target} invocations a minute and instance"),
        None => String::new(),
    };
    format!("{variant} of {name} scales from {} to {} instances{by}.", scaling.min, scaling.max)
}

/// The variant that is meant.
fn chosen(seen: &EndpointSeen, asked: Option<&str>) -> Result<String, Fault> {
    let names: Vec<&str> = seen.variants.iter().map(|variant| variant.name.as_str()).collect();
    match (asked.map(str::trim).filter(|asked| !asked.is_empty()), names.as_slice()) {
        (Some(asked), _) if names.contains(&asked) => Ok(asked.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => {
            let message = format!("{} has no instances yet; it is {}", seen.name, seen.status);
            Err(Fault::new(FaultCode::NotYet, message).with_next(super::wait_until_in_service(&seen.name)))
        }
        _ => Err(Fault::invalid("variant_name", format!("must be one of {}", names.join(", ")))),
    }
}

fn wanted(args: &ScaleSageMakerEndpoint) -> Result<Wanted, Fault> {
    for (argument, count) in [
        ("instance_count", args.instance_count),
        ("min_instances", args.min_instances),
        ("max_instances", args.max_instances),
    ] {
        if count.is_some_and(|count| !(1..=MOST).contains(&count)) {
            return Err(Fault::invalid(argument, format!("must be from 1 to {MOST}")));
        }
    }
    if args.invocations_per_instance.is_some_and(|target| !(target > 0.0 && target <= 1e9)) {
        return Err(Fault::invalid("invocations_per_instance", "must be a number above 0, at most 1000000000"));
    }
    match (args.instance_count, args.min_instances, args.max_instances, args.invocations_per_instance) {
        (Some(count), None, None, None) => Ok(Wanted::Fixed(count)),
        (None, Some(min), Some(max), _) if min > max => {
            Err(Fault::invalid("min_instances", "must not be above max_instances"))
        }
        (None, Some(min), Some(max), Some(target)) => {
            Ok(Wanted::Tracking(Scaling { min, max, invocations_per_instance: Some(target) }))
        }
        (None, Some(_), Some(_), None) => {
            Err(Fault::invalid("invocations_per_instance", "must be given: AWS scales by it; 100 is a beginning"))
        }
        _ => Err(Fault::invalid(
            "instance_count",
            "must be given alone, or instead of it min_instances, max_instances and invocations_per_instance",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(more: Value) -> Result<Wanted, String> {
        let mut all = json!({"endpoint_name": "e"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let args = serde_json::from_value(all).unwrap();
        wanted(&args).map_err(|fault| fault.message.split('`').nth(1).unwrap_or_default().to_owned())
    }

    #[test]
    fn it_is_a_fixed_number_or_a_range_with_a_target() {
        assert_eq!(check(json!({"instance_count": 3})), Ok(Wanted::Fixed(3)));
        let scaling = Scaling { min: 1, max: 4, invocations_per_instance: Some(100.0) };
        let range = json!({"min_instances": 1, "max_instances": 4, "invocations_per_instance": 100});
        assert_eq!(check(range), Ok(Wanted::Tracking(scaling)));
        for (wrong, argument) in [
            (json!({}), "instance_count"),
            (json!({"instance_count": 1, "min_instances": 1}), "instance_count"),
            (json!({"instance_count": 0}), "instance_count"),
            (json!({"min_instances": 4, "max_instances": 1, "invocations_per_instance": 1}), "min_instances"),
            (json!({"min_instances": 1, "max_instances": 101, "invocations_per_instance": 1}), "max_instances"),
            (json!({"min_instances": 1, "max_instances": 4}), "invocations_per_instance"),
            (
                json!({"min_instances": 1, "max_instances": 4, "invocations_per_instance": 0}),
                "invocations_per_instance",
            ),
        ] {
            assert_eq!(check(wrong.clone()), Err(argument.to_owned()), "{wrong}");
        }
    }
}

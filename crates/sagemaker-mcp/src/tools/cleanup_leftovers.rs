//! `cleanup_leftovers`: what partial starts and removals have left.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CLEANUP;
use crate::{
    api::Api,
    operation::Endpoint,
    removal::{Leftover, leftovers, remove},
};

/// Lists endpoint configurations and models that deploy_jumpstart_model made and no endpoint uses
/// any more; with dry_run false removes those that are named. They cost nothing by themselves.
/// Not for endpoints: use delete_sagemaker_endpoint.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupLeftovers {
    /// Only list.
    #[serde(default = "yes")]
    pub dry_run: bool,
    /// Names to remove, as a dry run lists them; `confirm` is their number.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub names: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What was found and what was removed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cleaned {
    /// What is still there.
    pub leftovers: Vec<Leftover>,
    /// Names that were removed.
    pub removed: Vec<String>,
}

/// The tool.
pub struct Cleanup<A> {
    endpoint: Endpoint<A>,
}

impl<A: Api> Cleanup<A> {
    /// Looks and removes through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { endpoint: Endpoint::new(api) }
    }
}

impl<A: Api> QuickTool for Cleanup<A> {
    const NAME: &'static str = CLEANUP;
    const CLASS: Class = Class::Destructive;
    const LISTED_FROM: Class = Class::Read;
    type Args = CleanupLeftovers;
    type Output = Cleaned;

    fn class(&self, args: &CleanupLeftovers) -> Class {
        if args.dry_run { Class::Read } else { Class::Destructive }
    }

    fn resource(&self, args: &CleanupLeftovers) -> String {
        args.names.len().to_string()
    }

    async fn call(&self, _: &Context, args: CleanupLeftovers) -> Result<Cleaned, Fault> {
        let found = leftovers(&self.endpoint).await?;
        if args.dry_run {
            return Ok(Cleaned { leftovers: found, removed: Vec::new() });
        }
        let chosen = choose(&found, &args.names)?;
        let mut removed = Vec::new();
        for leftover in chosen {
            if let Err(error) = remove(self.endpoint.api(), leftover).await {
                let rest = found.iter().filter(|other| !removed.contains(&other.name));
                let rest = rest.map(|other| format!("{} {}", other.kinds.join(" and "), other.name)).collect();
                return Err(Fault::from(error).with_leftovers(rest).with_next(super::find_leftovers()));
            }
            removed.push(leftover.name.clone());
        }
        let leftovers = found.into_iter().filter(|leftover| !removed.contains(&leftover.name)).collect();
        Ok(Cleaned { leftovers, removed })
    }

    fn sentence(&self, output: &Cleaned) -> String {
        format!("{} removed, {} left over.", output.removed.len(), output.leftovers.len())
    }
}

/// The leftovers that were named: each must be one, and old enough.
fn choose<'a>(found: &'a [Leftover], names: &[String]) -> Result<Vec<&'a Leftover>, Fault> {
    if names.is_empty() {
        let fault = Fault::invalid("names", "name what to remove, as a dry run lists it");
        return Err(fault.with_next(super::find_leftovers()));
    }
    let pick = |name: &String| match found.iter().find(|leftover| leftover.name == *name) {
        Some(leftover) if leftover.young => {
            let message = format!("{name} is so young that it may belong to a start that is under way");
            Err(Fault::new(FaultCode::NotYet, message).with_advice("Try again ten minutes after it was made."))
        }
        Some(leftover) => Ok(leftover),
        None => {
            let name = longhaul::text::cap(name, 64);
            let fault = Fault::invalid(
                "names",
                format!("{name:?} is no leftover: it is in use, gone, or was not made by this server"),
            );
            Err(fault.with_next(super::find_leftovers()))
        }
    };
    names.iter().map(pick).collect()
}

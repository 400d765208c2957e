//! `cleanup_leftovers`: what partial starts and removals have left.

use std::{sync::Arc, time::Duration};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    report::Next,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::CLEANUP;
use crate::{
    api::Api,
    operation::Endpoint,
    removal::{Leftover, YOUNG, leftovers, remove},
};

/// So many leftovers are removed by one call.
const MOST_NAMES: usize = 100;

/// A call ends after so long: clients give up after 60 s.
const TAKES_AT_MOST: Duration = Duration::from_secs(40);

/// Lists endpoint configurations and models that this server made and whose endpoint is gone or
/// serves another configuration; with dry_run false removes those that are named and older than
/// ten minutes. They cost nothing by themselves. For endpoints use delete_sagemaker_endpoint.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupLeftovers {
    /// Only list, remove nothing.
    #[serde(default = "yes")]
    pub dry_run: bool,
    /// Names to remove, as a dry run lists them; `confirm` is their number.
    #[serde(default)]
    #[schemars(length(max = MOST_NAMES))]
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
        // Arguments that are refused in any case need no confirmation first.
        let wanted = !args.dry_run && (1..=MOST_NAMES).contains(&args.names.len());
        if wanted { Class::Destructive } else { Class::Read }
    }

    fn resource(&self, args: &CleanupLeftovers) -> String {
        args.names.len().to_string()
    }

    async fn call(&self, _: &Context, args: CleanupLeftovers) -> Result<Cleaned, Fault> {
        let began = Instant::now();
        if args.names.len() > MOST_NAMES {
            return Err(Fault::invalid("names", format!("may hold at most {MOST_NAMES} names")));
        }
        let found = leftovers(&self.endpoint).await?;
        if args.dry_run {
            return Ok(Cleaned { leftovers: found, removed: Vec::new() });
        }
        let chosen = choose(&found, &args.names)?;
        let mut removed = Vec::new();
        for leftover in &chosen {
            if removed.contains(&leftover.name) {
                continue;
            }
            if began.elapsed() >= TAKES_AT_MOST {
                let rest = format!("{} are left for another call: AWS is slow just now", chosen.len() - removed.len());
                return Err(Fault::new(FaultCode::NotYet, rest).with_next(super::find_leftovers()));
            }
            match remove(&self.endpoint, leftover).await {
                Ok(true) => removed.push(leftover.name.clone()),
                // A start has come to use it; it is no leftover any more.
                Ok(false) => {}
                Err(error) => {
                    let rest = found.iter().filter(|other| !removed.contains(&other.name));
                    let rest = rest.map(|other| format!("{} {}", other.kinds.join(" and "), other.name)).collect();
                    return Err(Fault::from(error).with_leftovers(rest).with_next(super::find_leftovers()));
                }
            }
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
            let message = format!("{name} is younger than ten minutes: it may belong to a start that is under way");
            let again = Next::new(CLEANUP, "The same call again, when it is old enough.")
                .with("dry_run", false)
                .with("names", names.to_vec())
                .with("confirm", names.len().to_string());
            let wait = YOUNG.as_secs().saturating_sub(leftover.age_seconds);
            Err(Fault::new(FaultCode::NotYet, message).with_next(again.after(wait)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, api::Aws};

    fn leftover(name: &str, young: bool) -> Leftover {
        let (kinds, why) = (vec!["model".into()], "its endpoint does not exist".into());
        Leftover { name: name.into(), kinds, endpoint: "e".into(), why, age_seconds: 0, young }
    }

    #[track_caller]
    fn check(names: &[&str], chosen: Result<usize, FaultCode>) {
        let found = [leftover("old", false), leftover("older", false), leftover("young", true)];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(choose(&found, &names).map(|chosen| chosen.len()).map_err(|fault| fault.code), chosen, "{names:?}");
    }

    #[test]
    fn what_is_named_is_removed_only_if_all_of_it_may_be() {
        check(&["old"], Ok(1));
        check(&["old", "older"], Ok(2));
        check(&["old", "young"], Err(FaultCode::NotYet));
        check(&["old", "in-use"], Err(FaultCode::InvalidArgument));
        check(&[], Err(FaultCode::InvalidArgument));
    }

    #[test]
    fn only_a_call_that_could_remove_something_is_destructive() {
        let class = |dry_run, names: usize| {
            // It connects when it is first used, which is never here.
            let tool = Cleanup::new(Arc::new(Aws::new(Config::default())));
            tool.class(&CleanupLeftovers { dry_run, names: vec!["a".into(); names] })
        };
        assert_eq!(
            [class(true, 1), class(false, 0), class(false, 101), class(false, 1)].map(Class::as_str),
            ["read", "read", "read", "destructive"]
        );
    }
}

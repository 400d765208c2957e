//! `list_sagemaker_endpoints`: what is there, what is under way, and how to go on with it.

use std::{sync::Arc, time::SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};
use longhaul::{
    clock,
    context::Context,
    fault::Fault,
    report::{Next, timestamp},
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LIST;
use crate::{
    api::{Api, Filter, Listed, Tags},
    error::{SageMakerError, Why, if_there},
    names, states,
};

/// Requests for tags that are under way at the same time.
const AT_ONCE: usize = 8;

/// Lists SageMaker endpoints, newest first, a page at a time; shows what is under way and the
/// call that goes on with it. For one endpoint in detail use describe_sagemaker_endpoint.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSageMakerEndpoints {
    /// Only those in this state, for example InService, Creating or Failed.
    #[schemars(length(max = 64))]
    pub status_filter: Option<String>,
    /// Only those whose name contains this.
    #[schemars(length(max = 63))]
    pub name_contains: Option<String>,
    /// Only those created after this, RFC 3339, for example 2026-11-20T10:00:00Z.
    #[schemars(length(max = 64))]
    pub created_after: Option<String>,
    /// Only those that deploy_jumpstart_model made.
    #[serde(default)]
    pub managed_only: bool,
    /// Size of a page. With managed_only a page may hold fewer.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    pub max_results: u32,
    /// `cursor` of the page before.
    #[schemars(length(max = 8192))]
    pub cursor: Option<String>,
}

fn ten() -> u32 {
    10
}

/// A page of endpoints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Endpoints {
    /// The endpoints.
    pub endpoints: Vec<Line>,
    /// How many they are.
    pub count: usize,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// An endpoint in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Line {
    /// Its name.
    pub endpoint_name: String,
    /// AWS's word for its state.
    pub status: String,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_at: Option<String>,
    /// Seconds since it was created.
    pub age_seconds: u64,
    /// Kind of the operation that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The call that makes sense for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// The tool.
pub struct List<A> {
    api: Arc<A>,
}

impl<A: Api> List<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }

    /// Those of a page that this server made.
    async fn managed(&self, items: Vec<Listed>) -> Result<Vec<Listed>, SageMakerError> {
        let mut looks = Vec::with_capacity(items.len());
        for item in items {
            looks.push(async move {
                let tags: Tags = if_there(self.api.list_tags(&item.arn).await)?.unwrap_or_default();
                Ok::<_, SageMakerError>(tags.contains_key(names::TAG_ENDPOINT).then_some(item))
            });
        }
        let kept: Vec<Option<Listed>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(kept.into_iter().flatten().collect())
    }
}

impl<A: Api> QuickTool for List<A> {
    const NAME: &'static str = LIST;
    const CLASS: Class = Class::Read;
    type Args = ListSageMakerEndpoints;
    type Output = Endpoints;

    fn resource(&self, args: &ListSageMakerEndpoints) -> String {
        args.name_contains.clone().unwrap_or_default()
    }

    async fn call(&self, _: &Context, args: ListSageMakerEndpoints) -> Result<Endpoints, Fault> {
        let managed_only = args.managed_only;
        let filter = filter(args)?;
        let page = self.api.list_endpoints(&filter).await.map_err(|error| refused(error, &filter))?;
        let items = if managed_only { self.managed(page.items).await? } else { page.items };
        let now = clock::now();
        let endpoints: Vec<Line> = items.into_iter().map(|item| line(item, now)).collect();
        Ok(Endpoints { count: endpoints.len(), endpoints, cursor: page.cursor })
    }

    fn sentence(&self, output: &Endpoints) -> String {
        let more = if output.cursor.is_some() { "; there are more, see cursor" } else { "" };
        let busy = output.endpoints.iter().filter(|line| line.operation.is_some()).count();
        format!("{} endpoints, {busy} of them under way{more}.", output.count)
    }
}

/// What AWS is asked, from what the caller gave.
fn filter(args: ListSageMakerEndpoints) -> Result<Filter, Fault> {
    if !(1..=100).contains(&args.max_results) {
        return Err(Fault::invalid("max_results", "must be from 1 to 100"));
    }
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let status = given(args.status_filter).map(|status| known_status(&status)).transpose()?;
    let name_contains = given(args.name_contains);
    if let Some(part) = &name_contains
        && (part.len() > names::NAME_LIMIT || !part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    {
        return Err(Fault::invalid("name_contains", "may hold letters, digits and hyphens only, at most 63"));
    }
    let created_after = given(args.created_after).map(|at| moment(&at)).transpose()?;
    let cursor = given(args.cursor);
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > 8192 || !cursor.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Fault::invalid("cursor", "must be the `cursor` of the page before"));
    }
    Ok(Filter { name_contains, status, created_after, page_size: args.max_results, cursor })
}

/// Of what AWS is asked here, the cursor is all that this server cannot judge itself.
fn refused(error: SageMakerError, filter: &Filter) -> Fault {
    if filter.cursor.is_none() || error.why() != Some(Why::Refused) {
        return error.into();
    }
    let fault = Fault::from(error);
    let message = Fault::invalid("cursor", "AWS does not know it; start again without it").message;
    Fault { message, ..fault }.with_advice("A cursor is good for the same filters only, and expires.")
}

/// AWS's spelling of a state, however it was written.
fn known_status(given: &str) -> Result<String, Fault> {
    let known = states::STATUSES.into_iter().find(|known| known.eq_ignore_ascii_case(given));
    known.map(str::to_owned).ok_or_else(|| {
        let given = longhaul::text::cap(given, 64);
        Fault::invalid(
            "status_filter",
            format!("{given:?} is no state of an endpoint; it may be {}", states::STATUSES.join(", ")),
        )
    })
}

fn moment(given: &str) -> Result<SystemTime, Fault> {
    humantime::parse_rfc3339_weak(given)
        .map_err(|_| Fault::invalid("created_after", "must be a time such as 2026-11-20T10:00:00Z"))
}

fn line(item: Listed, now: SystemTime) -> Line {
    let name = item.name.as_str();
    let (under_way, next) = match item.status.as_str() {
        "InService" => (false, None),
        "Failed" | "OutOfService" | "UpdateRollbackFailed" => (false, Some(super::delete(name))),
        "Deleting" => (true, Some(super::wait_until_deleted(name))),
        _ => (true, Some(super::wait_until_in_service(name))),
    };
    // A name that no tool would take is not worth a call.
    let next = next.filter(|_| names::wrong_name(name).is_none());
    Line {
        operation: under_way.then(|| "sagemaker.endpoint".to_owned()),
        next,
        created_at: timestamp(item.created),
        last_modified_at: item.modified.map(timestamp),
        age_seconds: now.duration_since(item.created).unwrap_or_default().as_secs(),
        endpoint_name: item.name,
        status: item.status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(status: &str) -> ListSageMakerEndpoints {
        ListSageMakerEndpoints { status_filter: Some(status.into()), max_results: 10, ..Default::default() }
    }

    #[test]
    fn a_status_is_trimmed_and_may_be_empty_and_in_any_case() {
        for (given, asked) in
            [("", None), ("  ", None), (" InService ", Some("InService")), ("creating", Some("Creating"))]
        {
            assert_eq!(filter(args(given)).unwrap().status.as_deref(), asked, "{given:?}");
        }
    }

    #[test]
    fn a_wrong_status_is_refused_with_the_valid_ones() {
        let fault = filter(args("Running")).unwrap_err();
        assert!(states::STATUSES.iter().all(|status| fault.message.contains(status)), "{fault}");
    }

    #[test]
    fn a_time_is_rfc_3339() {
        let at = |given: &str| {
            filter(ListSageMakerEndpoints { created_after: Some(given.into()), max_results: 1, ..Default::default() })
        };
        assert!(at("2026-11-20T10:00:00Z").is_ok());
        assert!(at("yesterday").is_err() && at("2026-13-01T00:00:00Z").is_err());
    }
}

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

use super::{LIST, checked_cursor, refused};
use crate::{
    api::{Api, Filter, Listed, Tags},
    error::{SageMakerError, if_there},
    names,
    price::{self, HourlyUsd},
    states,
};

/// Lines whose tags and prices are looked for at the same time.
const AT_ONCE: usize = 8;

/// So many lines of a page are priced: each takes three requests.
const PRICED: usize = 25;

/// Lists SageMaker endpoints, newest first, a page at a time; shows what is under way and the
/// call that goes on with it. For one endpoint in detail use describe_sagemaker_endpoint.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSageMakerEndpoints {
    /// Only those in this state, e.g. InService.
    #[schemars(length(max = 64))]
    pub status_filter: Option<String>,
    /// Only those whose name contains this.
    #[schemars(length(max = 63))]
    pub name_contains: Option<String>,
    /// Only those created after this time, RFC 3339.
    #[schemars(length(max = 64))]
    pub created_after: Option<String>,
    /// Only those made by this server.
    #[serde(default)]
    pub managed_only: bool,
    /// Size of a page; prices are told up to 25.
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
    /// What its instances cost an hour, in US dollars.
    pub hourly_usd: HourlyUsd,
    /// When its owner will no longer need it. Nothing happens then by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
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

    /// The lines of a page; of what this server made only, if so wanted.
    async fn lines(&self, items: Vec<Listed>, managed_only: bool) -> Result<Vec<Line>, SageMakerError> {
        let now = clock::now();
        let mut looks = Vec::with_capacity(items.len());
        for (number, item) in items.into_iter().enumerate() {
            looks.push(async move {
                // Whose it is must be known only to whoever asks for it.
                let tags = match self.api.list_tags(&item.arn).await {
                    Err(error) if managed_only => if_there(Err(error))?.unwrap_or_default(),
                    tags => tags.unwrap_or_default(),
                };
                if managed_only && !tags.contains_key(names::TAG_ENDPOINT) {
                    return Ok(None);
                }
                let priced = number < PRICED && item.status != "Failed";
                let price = if priced { price::of_endpoint(&*self.api, &item.name).await } else { HourlyUsd(None) };
                Ok::<_, SageMakerError>(Some(line(item, &tags, price, now)))
            });
        }
        let lines: Vec<Option<Line>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(lines.into_iter().flatten().collect())
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
        let page = self.api.list_endpoints(&filter).await.map_err(|error| refused(error, filter.cursor.as_ref()))?;
        let endpoints = self.lines(page.items, managed_only).await?;
        Ok(Endpoints { count: endpoints.len(), endpoints, cursor: page.cursor })
    }

    fn sentence(&self, output: &Endpoints) -> String {
        let more = if output.cursor.is_some() { "; there are more, see cursor" } else { "" };
        let busy = output.endpoints.iter().filter(|line| line.operation.is_some()).count();
        format!("Endpoints: {}, of them under way: {busy}{more}.", output.count)
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
    let cursor = checked_cursor(args.cursor)?;
    Ok(Filter { name_contains, status, created_after, page_size: args.max_results, cursor })
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

fn line(item: Listed, tags: &Tags, hourly_usd: HourlyUsd, now: SystemTime) -> Line {
    let name = item.name.as_str();
    let (under_way, next) = match item.status.as_str() {
        // Its end was asked for and has not been carried out.
        status if status != "Deleting" && tags.contains_key(names::TAG_ENDING) => {
            (!matches!(status, "InService" | "Failed"), Some(super::go_on_deleting(name)))
        }
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
        hourly_usd,
        expires_at: tags.get(names::TAG_EXPIRES).cloned(),
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

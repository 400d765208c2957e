//! The configurations and models that this server made, found by their names and tags.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    api::{Api, Filter, Listed, PartKind},
    error::{SageMakerError, if_there},
    names,
    operation::handle::Parts,
};

/// Requests that are under way at the same time.
pub(crate) const AT_ONCE: usize = 4;

/// Lists are read up to so many pages of a hundred.
const PAGES: usize = 50;

/// What this server made for the endpoint called `name` and is still there.
pub(crate) async fn behind(api: &impl Api, name: &str) -> Result<Parts, SageMakerError> {
    let prefix = names::parts_prefix(name);
    let configs = made_parts(api, PartKind::Config, &prefix).await?;
    let models = made_parts(api, PartKind::Model, &prefix).await?;
    let of = |parts: Vec<Made>| {
        parts.into_iter().filter(|part| part.endpoint == name).map(|part| part.listed.name).collect()
    };
    Ok(Parts { configs: of(configs), models: of(models), others: Vec::new() })
}

/// A configuration or a model, and the endpoint that it was made for.
pub(crate) struct Made {
    pub(crate) listed: Listed,
    pub(crate) endpoint: String,
}

/// All configurations or models that this server made, narrowed to names that contain `part`.
pub(crate) async fn made_parts(api: &impl Api, kind: PartKind, part: &str) -> Result<Vec<Made>, SageMakerError> {
    let mut filter = Filter { name_contains: Some(part.to_owned()), page_size: 100, ..Filter::default() };
    let mut listed = Vec::new();
    for _ in 0..PAGES {
        let page = api.list_parts(kind, &filter).await?;
        listed.extend(page.items);
        filter.cursor = page.cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    let mut looks = Vec::with_capacity(listed.len());
    for part in listed {
        looks.push(tagged(api, part));
    }
    let made: Vec<Option<Made>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    Ok(made.into_iter().flatten().collect())
}

/// A part with the endpoint that it was made for, if this server made it and it is still there.
async fn tagged(api: &impl Api, listed: Listed) -> Result<Option<Made>, SageMakerError> {
    let tags = if_there(api.list_tags(&listed.arn).await)?.unwrap_or_default();
    Ok(tags.get(names::TAG_ENDPOINT).map(|endpoint| Made { endpoint: endpoint.clone(), listed }))
}

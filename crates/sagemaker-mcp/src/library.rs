//! JumpStart's published documents: from the public hub, or from the bucket where the hub has none
//! or the caller may not read it.

use longhaul::fault::Fault;

use crate::{
    api::{Api, EndpointSeen, Tags},
    error::{SageMakerError, Why, if_there},
    jumpstart::{Manifest, Model, Region},
    names,
};

/// The document of a model. `asked` is a version, `*` or a pattern such as `1.*`; the newest if absent.
///
/// # Errors
/// There is no such model or version, its document cannot be used, or AWS could not be asked.
pub async fn model(api: &impl Api, id: &str, asked: Option<&str>) -> Result<Model, Fault> {
    let asked = asked.map(str::trim).filter(|asked| !matches!(*asked, "" | "*"));
    // The hub knows whole versions only.
    if asked.is_none_or(|asked| !asked.contains('*')) {
        match api.hub_document(id, asked).await {
            Ok(found) => {
                let region = Region::new(api.region());
                let model = Model::from_hub(id, &found.version, &found.text, &region).map_err(SageMakerError::from)?;
                return Ok(Model { deprecated: model.deprecated || found.deprecated, ..model });
            }
            Err(error) if matches!(error.why(), Some(Why::Missing | Why::Denied)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let manifest = manifest(api).await?;
    let entry = manifest.pick(id, asked).map_err(SageMakerError::from)?;
    let region = Region::new(api.region());
    let spec = api.public_object(&region.content_bucket, &entry.spec_key).await?;
    Ok(Model::from_spec(&spec, &region).map_err(SageMakerError::from)?)
}

/// The list of all models of the region. Some megabytes.
///
/// # Errors
/// It is no list, or AWS could not be asked.
pub async fn manifest(api: &impl Api) -> Result<Manifest, Fault> {
    if api.region().is_empty() {
        // The AWS profile may name the region; it is read with the first request.
        api.identity().await?;
    }
    let region = Region::new(api.region());
    let text = api.public_object(&region.content_bucket, "models_manifest.json").await?;
    Ok(Manifest::read(&text).map_err(SageMakerError::from)?)
}

/// The tags that tell which model an endpoint serves: those of its configuration, which change with
/// an update, over its own.
///
/// # Errors
/// AWS could not be asked.
pub async fn tags(api: &impl Api, seen: &EndpointSeen) -> Result<Tags, SageMakerError> {
    let mut tags = if_there(api.list_tags(&seen.arn).await)?.unwrap_or_default();
    // Another's configuration may have no tags, or none that may be read.
    if let Ok(config) = api.describe_config(&seen.config).await {
        let own = api.list_tags(&config.arn).await.unwrap_or_default();
        let ours = own.contains_key(names::TAG_ENDPOINT);
        tags.extend(own.into_iter().filter(|(key, _)| ours && !names::OF_THE_ENDPOINT.contains(&key.as_str())));
    }
    Ok(tags)
}

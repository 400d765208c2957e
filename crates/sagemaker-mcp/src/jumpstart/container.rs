//! The container of a model: its image, its environment, its data.

use std::collections::BTreeMap;

use super::Refusal;
use super::choice::Choice;
use super::consent::acceptance;
use super::model::{AdditionalSource, Artifact};
use super::requests::{Channel, Container, ModelDataSource, S3DataSource};
use super::resolve::bad_argument;
use super::view::malformed;

/// Most environment variables that `CreateModel` takes (source: the API's model).
const MOST_VARIABLES: usize = 100;

/// The container as `CreateModel` wants it.
pub(super) fn container(choice: &Choice<'_>, warnings: &mut Vec<String>) -> Result<Container, Refusal> {
    let image = image(choice, warnings)?;
    let environment = environment(choice)?;
    warnings.extend(contradiction(&image, &environment));
    let (model_data_url, model_data_source) = data(choice)?;
    let sources = choice.config.additional_sources.iter();
    Ok(Container {
        image,
        environment,
        model_data_url,
        model_data_source,
        additional_model_data_sources: sources.map(|source| channel(choice, source)).collect::<Result<_, _>>()?,
    })
}

fn image(choice: &Choice<'_>, warnings: &mut Vec<String>) -> Result<String, Refusal> {
    let Choice { model, config, instance_type, variants, .. } = choice;
    if let Some(image) = variants.iter().find_map(|variant| variant.image.clone()) {
        return Ok(image);
    }
    let Some(image) = config.fallback_image.clone() else {
        return Err(Refusal::NoImage {
            instance_type: instance_type.clone(),
            region: model.region.name.clone(),
            supported: config.supported_instance_types.clone(),
        });
    };
    warnings.push(format!("no image is published for {instance_type}; it gets the general one"));
    Ok(image)
}

/// The model's variables, then the family's, the type's and the caller's, later ones winning.
fn environment(choice: &Choice<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut environment = choice.config.environment.clone();
    let variants = choice.variants.iter().rev().map(|variant| &variant.environment);
    for additions in variants.chain([&choice.wanted.environment]) {
        environment.extend(additions.clone());
    }
    if environment.len() > MOST_VARIABLES {
        let count = environment.len();
        let why = format!("with the model's own there are {count}, at most {MOST_VARIABLES}");
        return Err(bad_argument("environment", why));
    }
    Ok(environment)
}

/// Beginning of a variable's name, and the repository of the image that reads it.
const ENGINES: [(&str, &str); 3] = [("SM_VLLM_", "vllm"), ("SM_SGLANG_", "sglang"), ("OPTION_", "djl-inference")];

/// Published specs pair one engine's image with another engine's settings, which the image
/// then ignores: gpt-oss-20b's `lmi-optimized` does so on g5.
fn contradiction(image: &str, environment: &BTreeMap<String, String>) -> Option<String> {
    let repository = image.rsplit('/').next()?.split(':').next()?;
    let (_, known) = ENGINES.into_iter().find(|(_, engine)| repository.contains(engine))?;
    let foreign = |name: &&str| ENGINES.into_iter().any(|(prefix, engine)| engine != known && name.starts_with(prefix));
    let ignored: Vec<&str> = environment.keys().map(String::as_str).filter(foreign).collect();
    (!ignored.is_empty()).then(|| {
        let ignored = ignored.join(", ");
        format!("the {repository} image ignores {ignored}; consider another inference config")
    })
}

/// A prefix is a data source, an open tarball a URL. A tarball under a EULA is a data source
/// too, since only that can carry the acceptance.
fn data(choice: &Choice<'_>) -> Result<(Option<String>, Option<ModelDataSource>), Refusal> {
    let s3_uri = artifact(choice)?;
    let model_access_config = acceptance(choice.config.eula.as_ref());
    let (s3_data_type, compression_type) = match (s3_uri.ends_with('/'), model_access_config) {
        (true, _) => ("S3Prefix".to_owned(), "None".to_owned()),
        (false, Some(_)) => ("S3Object".to_owned(), "Gzip".to_owned()),
        (false, None) => return Ok((Some(s3_uri), None)),
    };
    let s3_data_source = S3DataSource { s3_uri, s3_data_type, compression_type, model_access_config };
    Ok((None, Some(ModelDataSource { s3_data_source })))
}

/// The prepacked artifact of the type, the family or the model; else the plain one.
fn artifact(choice: &Choice<'_>) -> Result<String, Refusal> {
    let first = |kind: fn(&Artifact) -> Option<&String>| {
        let special = choice.variants.iter().map(|variant| &variant.artifact);
        special.chain([&choice.config.artifact]).find_map(kind).cloned()
    };
    if let Some(prepacked) = first(|artifact| artifact.prepacked.as_ref()) {
        return Ok(prepacked);
    }
    if choice.config.separate_script {
        // The official SDK downloads both, packs them and uploads the result to the caller's
        // bucket. That is more than three requests.
        let why = "its inference script is not packed with its artifact".to_owned();
        return Err(Refusal::NotDeployable { model_id: choice.model.id.clone(), why });
    }
    first(|artifact| artifact.plain.as_ref()).ok_or_else(|| malformed("hosting_artifact", "is missing"))
}

fn channel(choice: &Choice<'_>, source: &AdditionalSource) -> Result<Channel, Refusal> {
    let model = choice.model;
    let s3_uri = source.uri.clone().ok_or_else(|| Refusal::NotDeployable {
        model_id: model.id.clone(),
        why: format!("its {} is not published in {}", source.channel, model.region.name),
    })?;
    Ok(Channel {
        channel_name: source.channel.clone(),
        s3_data_source: S3DataSource {
            s3_uri,
            s3_data_type: source.data_type.clone(),
            compression_type: source.compression.clone(),
            model_access_config: acceptance(source.eula.as_ref()),
        },
    })
}

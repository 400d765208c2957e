//! A model's published document, read into one [`Model`] whichever form it has.
//!
//! JumpStart publishes each model twice: as the hub's `HubContentDocument`, which is
//! already for one region, and as a spec in S3, whose keys and aliases are resolved
//! here for the region. What a deployment needs only sometimes stays optional here and
//! is demanded by [`resolve()`](super::resolve()); what is present must have its type.

use std::collections::BTreeMap;

use serde_json::Value;

use super::presets::{benchmarks, payloads};
use super::view::{Form, View, in_bucket, malformed};
use super::{AdditionalSource, Artifact, Config, Eula, Model, Refusal, Region, Variant};

impl Model {
    /// Reads a spec from S3 (`snake_case`) for one region.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], naming the field.
    pub fn from_spec(text: &str, region: &Region) -> Result<Self, Refusal> {
        let document = parse(text)?;
        let top = View::of(Form::Spec, "", &document)?;
        Self::read(top.needed_text("model_id")?, top.needed_text("version")?, region, &top)
    }

    /// Reads the hub's `HubContentDocument` (`PascalCase`). It holds neither the model's id nor
    /// its version; both come from the `DescribeHubContent` answer around it.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], naming the field.
    pub fn from_hub(id: &str, version: &str, text: &str, region: &Region) -> Result<Self, Refusal> {
        let document = parse(text)?;
        let top = View::of(Form::Hub, "", &document)?;
        Self::read(id.to_owned(), version.to_owned(), region, &top)
    }

    fn read(id: String, version: String, region: &Region, top: &View<'_>) -> Result<Self, Refusal> {
        let notices = [top.text("usage_info_message")?, top.text("deprecate_warn_message")?];
        Ok(Self {
            id,
            version,
            region: region.clone(),
            deprecated: top.flag("deprecated")?.unwrap_or(false),
            deprecated_message: top.text("deprecated_message")?,
            subscription_link: top.text("model_subscription_link")?,
            // Courtesies: a document without them, or with odd ones, can be deployed all the same.
            task: top.text("task").unwrap_or_default(),
            license: top.text("license").unwrap_or_default(),
            notices: notices.into_iter().flatten().collect(),
            configs: configs(top, region)?,
        })
    }
}

fn parse(text: &str) -> Result<Value, Refusal> {
    serde_json::from_str(text).map_err(|_| malformed("", "is not JSON"))
}

/// All inference configs: the ranked ones in their order, then the others by name, which is
/// also what the official SDK does without a ranking.
fn configs(top: &View<'_>, region: &Region) -> Result<Vec<Config>, Refusal> {
    let table = top.field("inference_configs")?;
    let ranking = top.field("inference_config_rankings")?.entry("overall")?.texts("rankings")?;
    let mut unranked = table.keys();
    let mut names = Vec::new();
    for name in ranking {
        if unranked.remove(name.as_str()) {
            names.push(name);
        }
    }
    names.extend(unranked.into_iter().map(str::to_owned));
    if names.is_empty() {
        return Ok(vec![config(None, top, top, top, region)?]);
    }
    let components = top.field("inference_config_components")?;
    names
        .into_iter()
        .map(|name| {
            let mut view = top.clone();
            let line = table.entry(&name)?;
            for component in line.texts("component_names")? {
                view = components.needed_entry(&component)?.over(&view);
            }
            config(Some(name), &view, &line, top, region)
        })
        .collect()
}

/// `line` is what the table of configs says of this one.
fn config(
    name: Option<String>,
    view: &View<'_>,
    line: &View<'_>,
    top: &View<'_>,
    region: &Region,
) -> Result<Config, Refusal> {
    // A component cannot change the bucket: the official SDK ignores the field there as well.
    let gated = top.flag("gated_bucket")?.unwrap_or(false);
    let bucket = if gated { &region.gated_bucket } else { &region.content_bucket };
    // The spec keeps the time-outs apart, the hub among the other fields.
    let timeouts = match view.form() {
        Form::Spec => view.field("deploy_kwargs")?,
        Form::Hub => view.clone(),
    };
    let predictor = match view.form() {
        Form::Spec => view.field("predictor_specs")?,
        Form::Hub => view.field("sage_maker_sdk_predictor_specifications")?,
    };
    let address = view.location("hosting_eula", &region.content_bucket)?;
    Ok(Config {
        name,
        default_instance_type: view.text("default_inference_instance_type")?,
        supported_instance_types: view.texts("supported_inference_instance_types")?,
        variants: variants(view, region, bucket)?,
        fallback_image: view.text("hosting_ecr_uri")?,
        environment: environment(view)?,
        artifact: artifact(view, "hosting_", bucket)?,
        eula: eula(gated, address, region),
        additional_sources: additional_sources(view, region)?,
        network_isolation: view.flag("inference_enable_network_isolation")?.unwrap_or(false),
        volume_gb: view.number("inference_volume_size")?,
        download_timeout_s: timeouts.number("model_data_download_timeout")?,
        startup_timeout_s: timeouts.number("container_startup_health_check_timeout")?,
        vulnerable: view.flag("inference_vulnerable")?.unwrap_or(false),
        vulnerabilities: view.texts("inference_vulnerabilities")?,
        payloads: payloads(view),
        benchmarks: benchmarks(line),
        content_type: predictor.text("default_content_type")?,
        accept_type: predictor.text("default_accept_type")?,
        model_package: !view.field("hosting_model_package_arns")?.keys().is_empty()
            || view.text("hosting_model_package_arn")?.is_some(),
        // Absent means yes in a spec and no in the hub, as the official SDK reads them.
        separate_script: view.flag("hosting_use_script_uri")?.unwrap_or(view.form() == Form::Spec)
            && view.location("hosting_script", bucket)?.is_some(),
    })
}

fn eula(gated: bool, address: Option<String>, region: &Region) -> Option<Eula> {
    (gated || address.is_some()).then(|| Eula { address: address.map(|uri| region.https(&uri)) })
}

fn artifact(view: &View<'_>, prefix: &str, bucket: &str) -> Result<Artifact, Refusal> {
    Ok(Artifact {
        prepacked: view.location(&format!("{prefix}prepacked_artifact"), bucket)?,
        plain: view.location(&format!("{prefix}artifact"), bucket)?,
    })
}

/// The variables that a model must be given; the others are defaults of the container itself.
fn environment(view: &View<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut environment = BTreeMap::new();
    for variable in view.objects("inference_environment_variables")? {
        let name = variable.needed_text("name")?;
        let needed = variable.flag("required_for_model_class")?.unwrap_or(false);
        let for_container = variable.text("scope")?.is_none_or(|scope| scope == "container");
        if let Some(value) = variable.scalar("default")?.filter(|_| needed && for_container) {
            environment.insert(name, value);
        }
    }
    Ok(environment)
}

fn variants(view: &View<'_>, region: &Region, bucket: &str) -> Result<BTreeMap<String, Variant>, Refusal> {
    let table = view.field("hosting_instance_type_variants")?;
    let aliases = match view.form() {
        Form::Spec => table.field("regional_aliases")?.entry(&region.name)?,
        Form::Hub => table.field("aliases")?,
    }
    .scalars()?;
    let variants = table.field("variants")?;
    let named = |name: &str| {
        let variant = variants.entry(name)?;
        let properties = variant.field("properties")?;
        // The hub has one set of properties, since its documents are for one region.
        let regional = match view.form() {
            Form::Spec => variant.field("regional_properties")?,
            Form::Hub => properties.clone(),
        };
        Ok((
            name.to_owned(),
            Variant {
                image: regional.text("image_uri")?.and_then(|image| unaliased(image, &aliases)),
                environment: properties.field("environment_variables")?.scalars()?,
                artifact: artifact(&properties, "", bucket)?,
                model_package: regional.text("model_package_arn")?.is_some(),
            },
        ))
    };
    variants.keys().into_iter().map(named).collect()
}

/// `$name` stands for the region's entry of that name; without one, there is no image.
fn unaliased(image: String, aliases: &BTreeMap<String, String>) -> Option<String> {
    match image.strip_prefix('$') {
        Some(alias) => aliases.get(alias).cloned(),
        None => Some(image),
    }
}

/// The draft models. The other published group, `scripts`, is for optimisation jobs; the
/// official SDK leaves it out of deployments as well.
fn additional_sources(view: &View<'_>, region: &Region) -> Result<Vec<AdditionalSource>, Refusal> {
    let groups = view.field("hosting_additional_data_sources")?;
    let drafts = groups.objects_at("speculative_decoding")?;
    drafts.iter().map(|source| additional_source(source, region)).collect()
}

fn additional_source(source: &View<'_>, region: &Region) -> Result<AdditionalSource, Refusal> {
    let provider = source.field("provider")?;
    let by_jumpstart = provider.text("name")?.as_deref() == Some("JumpStart");
    let gated = provider.text("classification")?.as_deref() == Some("gated");
    let bucket = match (by_jumpstart, gated) {
        (true, true) => Some(&region.gated_bucket),
        (true, false) => Some(&region.content_bucket),
        (false, _) => region.draft_bucket.as_ref(),
    };
    let place = source.field("s3_data_source")?;
    let key = place.needed_text("s3_uri")?;
    let uri = match bucket {
        Some(bucket) => Some(in_bucket(bucket, &key)),
        None => Some(key).filter(|key| key.starts_with("s3://")),
    };
    // The hub gives complete URIs and no provider, so there the bucket tells.
    let in_gated_bucket = uri
        .as_deref()
        .and_then(|uri| uri.strip_prefix("s3://")?.split_once('/'))
        .is_some_and(|(bucket, _)| bucket == region.gated_bucket);
    // No published hub document has a draft model with an agreement, so its field's name there
    // is not known for certain; the official SDK reads `HostingEulaKey`.
    let key = source.text("hosting_eula_key")?.map(|key| in_bucket(&region.content_bucket, &key));
    let address = source.location("hosting_eula", &region.content_bucket)?.or(key);
    Ok(AdditionalSource {
        channel: source.needed_text("channel_name")?,
        uri,
        data_type: place.text("s3_data_type")?.unwrap_or_else(|| "S3Prefix".to_owned()),
        compression: place.text("compression_type")?.unwrap_or_else(|| "None".to_owned()),
        eula: eula(gated || in_gated_bucket, address, region),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = include_str!("../../fixtures/open_cpu.spec.json");
    const OPEN_HUB: &str = include_str!("../../fixtures/open_cpu.hub.json");
    const GATED: &str = include_str!("../../fixtures/gated_chat.spec.json");
    const GATED_HUB: &str = include_str!("../../fixtures/gated_chat.hub.json");

    /// Reads a fixture after one replacement in its text.
    #[track_caller]
    fn check(text: &str, from: &str, to: &str, field: &str, why: &'static str) {
        assert!(text.contains(from), "the fixture has no {from}");
        let text = text.replace(from, to);
        let region = Region::new("us-east-1");
        let read = if text.contains("model_id") || text.is_empty() {
            Model::from_spec(&text, &region)
        } else {
            Model::from_hub("m", "1.0.0", &text, &region)
        };
        assert_eq!(read, Err(malformed(field, why)));
    }

    #[test]
    fn a_missing_field_is_named() {
        check(OPEN, "\"version\"", "\"_\"", "version", "is missing");
        check(
            OPEN,
            "\"OAK_WORKERS\", \"type\"",
            "null, \"type\"",
            "inference_environment_variables[0].name",
            "is missing",
        );
        let components = "inference_config_components.";
        check(GATED, "\"djl\", \"draft\"", "\"other\"", &format!("{components}other"), "is missing");
        let source = "hosting_additional_data_sources.speculative_decoding[0]";
        let channel = format!("{components}draft.{source}.channel_name");
        check(GATED, "\"channel_name\": \"draft_model\"", "\"_\": 0", &channel, "is missing");
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named_as_its_document_spells_it() {
        let field = "inference_config_components.djl.deploy_kwargs.model_data_download_timeout";
        check(
            GATED,
            "\"model_data_download_timeout\": 1200",
            "\"model_data_download_timeout\": \"soon\"",
            field,
            "is not a whole number",
        );
        let field = "InferenceConfigComponents.djl.ModelDataDownloadTimeout";
        check(
            GATED_HUB,
            "\"ModelDataDownloadTimeout\": 1200",
            "\"ModelDataDownloadTimeout\": -1",
            field,
            "is not a whole number",
        );
        check(GATED_HUB, "\"GatedBucket\": true", "\"GatedBucket\": \"true\"", "GatedBucket", "is not true or false");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (text, why) in [("model_id", "is not JSON"), ("[\"model_id\"]", "is not an object")] {
            check(text, "model_id", "model_id", "the document", why);
        }
    }

    #[test]
    fn configs_are_ranked_and_names_without_a_config_are_passed_over() {
        let model = Model::from_spec(GATED, &Region::new("us-east-1")).unwrap();
        let names: Vec<_> = model.configs.iter().filter_map(|config| config.name.as_deref()).collect();
        assert_eq!(names, ["djl", "assisted-djl"]);
        let unranked = GATED.replace("\"overall\"", "\"other\"");
        let model = Model::from_spec(&unranked, &Region::new("us-east-1")).unwrap();
        let names: Vec<_> = model.configs.iter().filter_map(|config| config.name.as_deref()).collect();
        assert_eq!(names, ["assisted-djl", "djl"]);
    }

    #[test]
    fn a_script_lies_apart_unless_the_spec_denies_it_and_only_if_the_hub_affirms_it() {
        let region = Region::new("us-east-1");
        let spec = |text: &str| Model::from_spec(text, &region).unwrap().configs[0].separate_script;
        assert!(!spec(OPEN));
        assert!(spec(&OPEN.replace("\"hosting_use_script_uri\"", "\"_\"")));
        let hub = OPEN_HUB.replace("\"HostingUseScriptUri\"", "\"_\"");
        let hub = Model::from_hub("m", "1.0.0", &hub, &region).unwrap();
        assert!(!hub.configs[0].separate_script);
    }

    #[test]
    fn either_name_of_an_additional_eula_is_understood_in_the_hub() {
        let region = Region::new("us-east-1");
        let text = GATED_HUB.replace("\"HostingEulaUri\"", "\"HostingEulaKey\"");
        let eulas = [GATED_HUB, &text].map(|text| {
            let model = Model::from_hub("m", "1.0.0", text, &region).unwrap();
            model.configs[1].additional_sources[0].eula.clone().unwrap().address.unwrap()
        });
        assert!(eulas.iter().all(|address| address.starts_with("https://") && address.ends_with("/spark.txt")));
    }

    #[test]
    fn a_source_that_is_gated_in_any_way_needs_a_eula_even_if_none_is_named() {
        let text = GATED_HUB.replace("\"HostingEulaUri\"", "\"_\"");
        let model = Model::from_hub("m", "1.0.0", &text, &Region::new("us-east-1")).unwrap();
        let sources = &model.configs[1].additional_sources;
        assert_eq!(sources[0].eula, Some(Eula { address: None }));
        assert_eq!(sources[1].eula, None);
        let foreign = GATED.replace("\"JumpStart\"", "\"Other\"").replace("\"hosting_eula_key\"", "\"_\"");
        let model = Model::from_spec(&foreign, &Region::new("us-east-1")).unwrap();
        assert_eq!(model.configs[1].additional_sources[0].eula, Some(Eula { address: None }));
    }
}

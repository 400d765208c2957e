//! The rules that turn a model and the caller's wishes into requests.
//!
//! The rules are those of the official SageMaker Python SDK, observed through the
//! requests it sends. It is left where it is careless: see the comments. Whatever
//! can be told from the document is refused here, before anything costs money.

use std::collections::{BTreeMap, BTreeSet};

use super::choice::Choice;
use super::consent::agreed;
use super::container::container;
use super::requests::{
    CreateEndpoint, CreateEndpointConfig, CreateModel, InstancePool, ProductionVariant, Requests, Tag,
};
use super::{Model, Refusal};
use crate::names;

/// What the caller wants deployed. No `Debug` outside tests: the environment may hold tokens.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(test, derive(Debug))]
pub struct Wanted {
    /// Instance type; the model's default if absent.
    pub instance_type: Option<String>,
    /// Types to be tried next, in this order, where AWS has no capacity; at most four.
    pub fallback_instance_types: Vec<String>,
    /// Name of an inference config; the best ranked one if absent.
    pub inference_config: Option<String>,
    /// Number of instances, at least 1.
    pub instance_count: u32,
    /// Whether the model's own EULA is accepted.
    pub accept_eula: bool,
    /// Whose other EULAs are accepted: channel names, or ids of the models in them.
    pub accept_additional_eulas: Vec<String>,
    /// Go ahead on an instance type that the publisher does not list.
    pub allow_unsupported_instance: bool,
    /// Go ahead with a version that the publisher has withdrawn.
    pub allow_deprecated: bool,
    /// Go ahead with a version that the publisher calls vulnerable.
    pub allow_vulnerable: bool,
    /// Environment variables, which win over the model's.
    pub environment: BTreeMap<String, String>,
    /// Tags for all three resources.
    pub tags: Vec<(String, String)>,
    /// Role that the containers run as.
    pub role_arn: String,
    /// Names of the new resources.
    pub names: Names,
}

/// Names of the new resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Of the model.
    pub model: String,
    /// Of the endpoint config.
    pub config: String,
    /// Of the endpoint.
    pub endpoint: String,
    /// Of the models of the fallback types, one each.
    pub pool_models: Vec<String>,
}

/// Most fallback types: a variant takes five pools (source: the API's model).
pub const MOST_FALLBACKS: usize = 4;

/// Most tags that a resource takes (source: the API's model).
const MOST_TAGS: usize = 50;

/// The requests that deploy `model` as `wanted`.
///
/// # Errors
/// A [`Refusal`] for everything that the document tells to be impossible, unsupported or not
/// yet agreed to.
pub fn resolve(model: &Model, wanted: &Wanted) -> Result<Requests, Refusal> {
    if wanted.instance_count == 0 {
        return Err(bad_argument("instance_count", "at least 1 is needed".to_owned()));
    }
    let mut warnings = model.notices.clone();
    let choice = Choice::of(model, wanted, &mut warnings)?;
    sound(&choice, &mut warnings)?;
    agreed(&choice)?;
    let model_request = CreateModel {
        model_name: wanted.names.model.clone(),
        execution_role_arn: wanted.role_arn.clone(),
        primary_container: container(&choice, &mut warnings)?,
        enable_network_isolation: choice.config.network_isolation,
        tags: tags(&choice)?,
    };
    let tags = model_request.tags.clone();
    let mut variant = production_variant(&choice);
    let pool_models = pool(&choice, &model_request, &mut variant, &mut warnings)?;
    Ok(Requests {
        model: model_request,
        pool_models,
        config: CreateEndpointConfig {
            endpoint_config_name: wanted.names.config.clone(),
            production_variants: [variant],
            tags: tags.clone(),
        },
        endpoint: CreateEndpoint {
            endpoint_name: wanted.names.endpoint.clone(),
            endpoint_config_name: wanted.names.config.clone(),
            tags,
        },
        warnings,
    })
}

/// Whether the publisher stands by this version, and whether three requests can deploy it.
fn sound(choice: &Choice<'_>, warnings: &mut Vec<String>) -> Result<(), Refusal> {
    let Choice { model, wanted, config, variants, .. } = choice;
    let (model_id, version) = (|| model.id.clone(), || model.version.clone());
    if config.model_package || variants.iter().any(|variant| variant.model_package) {
        let subscription = model.subscription_link.clone();
        return Err(Refusal::Proprietary { model_id: model_id(), subscription });
    }
    let deprecated = model.deprecated.then(|| Refusal::Deprecated {
        model_id: model_id(),
        version: version(),
        message: model.deprecated_message.clone(),
    });
    let vulnerable = config.vulnerable.then(|| Refusal::Vulnerable {
        model_id: model_id(),
        version: version(),
        packages: config.vulnerabilities.clone(),
    });
    let concerns = [(deprecated, wanted.allow_deprecated), (vulnerable, wanted.allow_vulnerable)];
    for (concern, allowed) in concerns {
        match concern {
            Some(refusal) if !allowed => return Err(refusal),
            Some(refusal) => warnings.push(refusal.to_string()),
            None => {}
        }
    }
    Ok(())
}

/// Puts the fallback types beside the first one. Each is resolved for itself: another family may
/// need another image, environment or artifact, and so a model of its own.
fn pool(
    first: &Choice<'_>,
    first_model: &CreateModel,
    variant: &mut ProductionVariant,
    warnings: &mut Vec<String>,
) -> Result<Vec<CreateModel>, Refusal> {
    let wanted = first.wanted;
    let types = &wanted.fallback_instance_types;
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |why: String| bad_argument("fallback_instance_types", why);
    if types.len() > MOST_FALLBACKS {
        return Err(wrong(format!("at most {MOST_FALLBACKS} can be named")));
    }
    let mut pools =
        vec![InstancePool { instance_type: first.instance_type.clone(), priority: 1, model_name_override: None }];
    let mut models = Vec::new();
    for (number, instance_type) in types.iter().enumerate() {
        if pools.iter().any(|pool| pool.instance_type == *instance_type) {
            return Err(wrong(format!("{instance_type} is there twice")));
        }
        let alone = Wanted { instance_type: Some(instance_type.clone()), ..wanted.clone() };
        let choice = Choice::of(first.model, &alone, warnings)?;
        sound(&choice, warnings)?;
        let container = container(&choice, warnings)?;
        let name = wanted.names.pool_models.get(number).filter(|_| container != first_model.primary_container);
        models.extend(name.map(|name| CreateModel {
            model_name: name.clone(),
            primary_container: container,
            ..first_model.clone()
        }));
        let priority = u8::try_from(number + 2).unwrap_or(u8::MAX);
        let model_name_override = name.cloned();
        pools.push(InstancePool { instance_type: instance_type.clone(), priority, model_name_override });
        // One volume size for all: none where one of them takes none.
        variant.volume_size_in_gb = variant.volume_size_in_gb.filter(|_| choice.volume_gb().is_some());
    }
    warnings.sort();
    warnings.dedup();
    variant.instance_type = None;
    variant.instance_pools = pools;
    Ok(models)
}

fn production_variant(choice: &Choice<'_>) -> ProductionVariant {
    ProductionVariant {
        variant_name: "AllTraffic".to_owned(),
        model_name: choice.wanted.names.model.clone(),
        initial_variant_weight: 1,
        initial_instance_count: choice.wanted.instance_count,
        instance_type: Some(choice.instance_type.clone()),
        instance_pools: Vec::new(),
        volume_size_in_gb: choice.volume_gb(),
        model_data_download_timeout_in_seconds: choice.config.download_timeout_s,
        container_startup_health_check_timeout_in_seconds: choice.config.startup_timeout_s,
    }
}

/// The caller's tags, then those by which Studio recognises a JumpStart model.
fn tags(choice: &Choice<'_>) -> Result<Vec<Tag>, Refusal> {
    let own = [
        (names::TAG_MODEL_ID, Some(&choice.model.id)),
        (names::TAG_MODEL_VERSION, Some(&choice.model.version)),
        (names::TAG_INFERENCE_CONFIG, choice.config.name.as_ref()),
    ];
    let own = own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.clone())));
    // Tags copied from another deployment of the model are no collision.
    let own = own.filter(|tag| !choice.wanted.tags.contains(tag));
    let all = choice.wanted.tags.iter().cloned().chain(own);
    let tags: Vec<Tag> = all.map(|(key, value)| Tag { key, value }).collect();
    let mut keys = BTreeSet::new();
    if let Some(tag) = tags.iter().find(|tag| !keys.insert(tag.key.as_str())) {
        return Err(bad_argument("tags", format!("{} is there twice", tag.key)));
    }
    if tags.len() > MOST_TAGS {
        let why = format!("with JumpStart's own there are {}, at most {MOST_TAGS}", tags.len());
        return Err(bad_argument("tags", why));
    }
    Ok(tags)
}

pub(super) fn bad_argument(argument: &'static str, why: String) -> Refusal {
    Refusal::BadArgument { argument, why }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jumpstart::Region;

    const OPEN: &str = include_str!("../../fixtures/open_cpu.spec.json");
    const OPEN_HUB: &str = include_str!("../../fixtures/open_cpu.hub.json");
    const GATED: &str = include_str!("../../fixtures/gated_chat.spec.json");
    const GATED_HUB: &str = include_str!("../../fixtures/gated_chat.hub.json");

    const VARIANT: &str = "/config/ProductionVariants/0";
    const CONTAINER: &str = "/model/PrimaryContainer";
    const DATA: &str = "/model/PrimaryContainer/ModelDataSource/S3DataSource";
    const SOURCES: &str = "/model/PrimaryContainer/AdditionalModelDataSources";

    fn spec(text: &str) -> Model {
        Model::from_spec(text, &Region::new("us-east-1")).unwrap()
    }

    fn hub(id: &str, version: &str, text: &str) -> Model {
        Model::from_hub(id, version, text, &Region::new("us-east-1")).unwrap()
    }

    fn wanted(change: impl FnOnce(&mut Wanted)) -> Wanted {
        let pool_models = ["p1", "p2", "p3", "p4"].map(Into::into).into();
        let names = Names { model: "m".into(), config: "c".into(), endpoint: "e".into(), pool_models };
        let role_arn = "arn:aws:iam::111122223333:role/r".into();
        let mut wanted = Wanted { instance_count: 1, role_arn, names, ..Wanted::default() };
        change(&mut wanted);
        wanted
    }

    /// Checks one place of the outcome; a refusal is its text at `/refused`.
    #[track_caller]
    fn check(model: &Model, change: impl FnOnce(&mut Wanted), place: &str, expected: Value) {
        let outcome = match resolve(model, &wanted(change)) {
            Ok(requests) => serde_json::to_value(requests).unwrap(),
            Err(refusal) => json!({"refused": refusal.to_string()}),
        };
        let got = outcome.pointer(place).cloned().unwrap_or(Value::Null);
        assert_eq!(got, expected, "at {place} of {outcome:#}");
    }

    #[test]
    fn an_open_model_needs_nothing_but_names_and_a_role() {
        let tags = json!([
            {"Key": "sagemaker-sdk:jumpstart-model-id", "Value": "acme-tabular-oak"},
            {"Key": "sagemaker-sdk:jumpstart-model-version", "Value": "1.0.0"},
        ]);
        let image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/acme-inference:4.2-cpu";
        let uri = "s3://jumpstart-cache-prod-us-east-1/acme/acme-tabular-oak/artifacts/inference-prepack/v1.0.0/";
        let place = json!({"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"});
        let all = json!({
            "model": {
                "ModelName": "m",
                "ExecutionRoleArn": "arn:aws:iam::111122223333:role/r",
                "PrimaryContainer": {
                    "Image": image,
                    "Environment": {"OAK_STRICT": "True", "OAK_WORKERS": "1"},
                    "ModelDataSource": {"S3DataSource": place},
                },
                "EnableNetworkIsolation": true,
                "Tags": tags,
            },
            "config": {
                "EndpointConfigName": "c",
                "ProductionVariants": [{
                    "VariantName": "AllTraffic",
                    "ModelName": "m",
                    "InitialVariantWeight": 1,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 30,
                }],
                "Tags": tags,
            },
            "endpoint": {"EndpointName": "e", "EndpointConfigName": "c", "Tags": tags},
            "warnings": [],
        });
        check(&spec(OPEN), |_| {}, "", all);
    }

    #[test]
    fn both_published_forms_make_the_same_requests() {
        let oak = hub("acme-tabular-oak", "1.0.0", OPEN_HUB);
        let rocket = hub("acme-chat-rocket", "1.10.0", GATED_HUB);
        let accept = |config: &str| {
            wanted(|w| {
                w.inference_config = Some(config.into());
                w.accept_eula = true;
                w.accept_additional_eulas = vec!["draft_model".into()];
            })
        };
        for wanted in [accept("djl"), accept("assisted-djl")] {
            assert_eq!(resolve(&rocket, &wanted), resolve(&spec(GATED), &wanted));
        }
        let wanted = wanted(|w| w.instance_type = Some("ml.c5.xlarge".into()));
        assert_eq!(resolve(&oak, &wanted), resolve(&spec(OPEN), &wanted));
    }

    #[test]
    fn the_image_and_the_artifact_follow_the_instance_family() {
        let gpu = |w: &mut Wanted| w.instance_type = Some("ml.g5.xlarge".into());
        let image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/acme-inference:4.2-gpu";
        check(&spec(OPEN), gpu, &format!("{CONTAINER}/Image"), json!(image));
        let uri = "s3://jumpstart-cache-prod-us-east-1/acme/acme-tabular-oak/artifacts/inference-prepack/gpu/v1.0.0/";
        check(&spec(OPEN), gpu, &format!("{DATA}/S3Uri"), json!(uri));
    }

    #[test]
    fn the_family_the_type_and_the_caller_override_the_environment_in_that_order() {
        let change = |w: &mut Wanted| w.instance_type = Some("ml.c5.xlarge".into());
        let place = format!("{CONTAINER}/Environment");
        let theirs = json!({"OAK_STRICT": "True", "OAK_WORKERS": "4", "OAK_SIMD": "avx512"});
        check(&spec(OPEN), change, &place, theirs);
        let mine = |w: &mut Wanted| {
            change(w);
            w.environment = [("OAK_WORKERS", "9"), ("MINE", "1")].map(|(k, v)| (k.into(), v.into())).into();
        };
        let both = json!({"OAK_STRICT": "True", "OAK_WORKERS": "9", "OAK_SIMD": "avx512", "MINE": "1"});
        check(&spec(OPEN), mine, &place, both);
    }

    #[test]
    fn a_type_without_image_is_refused_or_gets_the_hubs_general_one_with_a_warning() {
        let arm = |w: &mut Wanted| w.instance_type = Some("ml.m7g.large".into());
        let refused = "no container image for ml.m7g.large in us-east-1; supported are \
                       ml.m5.large, ml.c5.xlarge, ml.g5.xlarge, ml.m7g.large";
        check(&spec(OPEN), arm, "/refused", json!(refused));
        let warning = "no image is published for ml.m7g.large; it gets the general one";
        check(&hub("o", "1.0.0", OPEN_HUB), arm, "/warnings", json!([warning]));
    }

    #[test]
    fn an_image_alias_unknown_in_the_region_is_no_image() {
        let elsewhere = Model::from_spec(OPEN, &Region::new("eu-west-1")).unwrap();
        let gpu = |w: &mut Wanted| w.instance_type = Some("ml.g5.xlarge".into());
        let refused = "no container image for ml.g5.xlarge in eu-west-1; supported are \
                       ml.m5.large, ml.c5.xlarge, ml.g5.xlarge, ml.m7g.large";
        check(&elsewhere, gpu, "/refused", json!(refused));
    }

    #[test]
    fn an_unlisted_instance_type_is_refused_unless_allowed() {
        let change = |w: &mut Wanted| w.instance_type = Some("ml.m5.4xlarge".into());
        let refused = "ml.m5.4xlarge is not among the supported instance types: \
                       ml.m5.large, ml.c5.xlarge, ml.g5.xlarge, ml.m7g.large";
        check(&spec(OPEN), change, "/refused", json!(refused));
        let allowed = |w: &mut Wanted| {
            change(w);
            w.allow_unsupported_instance = true;
        };
        let warning = "the publisher does not list ml.m5.4xlarge as supported";
        check(&spec(OPEN), allowed, "/warnings", json!([warning]));
    }

    #[test]
    fn an_unlisted_instance_type_is_refused_with_the_configs_that_list_it() {
        let wanted = wanted(|w| w.instance_type = Some("ml.g5.48xlarge".into()));
        let Err(Refusal::UnsupportedInstance { other_configs, .. }) = resolve(&spec(GATED), &wanted) else {
            panic!("not refused")
        };
        assert_eq!(other_configs, ["assisted-djl"]);
    }

    #[test]
    fn a_gated_model_is_refused_with_the_address_of_its_eula() {
        let refused = "acme-chat-rocket needs acceptance of the EULA of acme-chat-rocket \
                       (https://jumpstart-cache-prod-us-east-1.s3.us-east-1.amazonaws.com/acme/eula/rocket.txt)";
        check(&spec(GATED), |_| {}, "/refused", json!(refused));
    }

    #[test]
    fn a_eula_gates_a_model_even_in_the_open_bucket() {
        let open = spec(&GATED.replace("\"gated_bucket\": true", "\"gated_bucket\": false"));
        assert!(matches!(resolve(&open, &wanted(|_| {})), Err(Refusal::EulaNotAccepted { .. })));
        let accept = |w: &mut Wanted| w.accept_eula = true;
        let uri = "s3://jumpstart-cache-prod-us-east-1/acme/acme-chat-rocket/artifacts/inference-prepack/v1.0.0/";
        check(&open, accept, &format!("{DATA}/S3Uri"), json!(uri));
        check(&open, accept, &format!("{DATA}/ModelAccessConfig"), json!({"AcceptEula": true}));
    }

    #[test]
    fn the_eula_of_a_draft_model_is_accepted_by_its_own_name_only() {
        let names: [&[&str]; 5] = [&[], &["acme-chat-rocket"], &["artifacts"], &["draft_model"], &["acme-chat-spark"]];
        for (n, names) in names.into_iter().enumerate() {
            let wanted = wanted(|w| {
                w.inference_config = Some("assisted-djl".into());
                w.accept_eula = true;
                w.accept_additional_eulas = names.iter().map(|name| (*name).to_owned()).collect();
            });
            assert_eq!(resolve(&spec(GATED), &wanted).is_ok(), n > 2, "{names:?}");
        }
    }

    #[test]
    fn all_missing_eulas_are_named_at_once() {
        let wanted = wanted(|w| w.inference_config = Some("assisted-djl".into()));
        let Err(Refusal::EulaNotAccepted { eulas, .. }) = resolve(&spec(GATED), &wanted) else { panic!("not refused") };
        let named: Vec<_> = eulas.iter().map(|eula| (eula.of.as_str(), eula.argument)).collect();
        let draft = ("draft_model", "accept_additional_eulas");
        assert_eq!(named, [("acme-chat-rocket", "accept_eula"), draft]);
    }

    #[test]
    fn acceptance_is_sent_only_where_a_eula_exists() {
        let accept = |w: &mut Wanted| w.accept_eula = true;
        let place = format!("{DATA}/ModelAccessConfig");
        check(&spec(GATED), accept, &place, json!({"AcceptEula": true}));
        check(&spec(OPEN), accept, &place, Value::Null);
    }

    /// Accepts everything of the second config, which lays two components on top of each other.
    fn draft(w: &mut Wanted) {
        w.inference_config = Some("assisted-djl".into());
        w.accept_eula = true;
        w.accept_additional_eulas = vec!["draft_model".into()];
    }

    #[test]
    fn draft_models_come_from_the_bucket_of_their_provider() {
        let uri = |n: u8| format!("{SOURCES}/{n}/S3DataSource/S3Uri");
        let spark = "s3://jumpstart-private-cache-prod-us-east-1/acme/acme-chat-spark/artifacts/inference-prepack/v1/";
        check(&spec(GATED), draft, &uri(0), json!(spark));
        check(&spec(GATED), draft, &uri(1), json!("s3://sagemaker-sd-models-prod-us-east-1/acme-heads/"));
        let access = |n: u8| format!("{SOURCES}/{n}/S3DataSource/ModelAccessConfig");
        check(&spec(GATED), draft, &access(0), json!({"AcceptEula": true}));
        check(&spec(GATED), draft, &access(1), Value::Null);
        check(&spec(GATED), draft, &format!("{SOURCES}/2"), Value::Null);
    }

    #[test]
    fn a_draft_model_without_a_bucket_in_the_region_is_refused() {
        let text = GATED.replace("\"us-east-1\": {", "\"ca-west-1\": {");
        let model = Model::from_spec(&text, &Region::new("ca-west-1")).unwrap();
        let refused = "acme-chat-rocket is not deployable: its heads is not published in ca-west-1";
        check(&model, draft, "/refused", json!(refused));
    }

    #[test]
    fn a_component_replaces_lists_whole_and_other_fields_one_by_one() {
        let environment = json!({
            "OPTION_DRAFT": "/opt/ml/additional-model-data-sources/draft_model",
            "OPTION_TENSOR_PARALLEL_DEGREE": "8",
        });
        check(&spec(GATED), draft, &format!("{CONTAINER}/Environment"), environment);
        let place = |field: &str| format!("{VARIANT}/{field}TimeoutInSeconds");
        check(&spec(GATED), draft, &place("ModelDataDownload"), json!(3600));
        check(&spec(GATED), draft, &place("ContainerStartupHealthCheck"), json!(900));
    }

    #[test]
    fn an_unknown_inference_config_is_refused_with_the_known_ones() {
        let other = |w: &mut Wanted| w.inference_config = Some("withdrawn".into());
        check(&spec(GATED), other, "/refused", json!("no inference config withdrawn; the model has djl, assisted-djl"));
        check(&spec(OPEN), other, "/refused", json!("no inference config withdrawn; the model has none"));
    }

    #[test]
    fn families_with_a_disk_of_their_own_get_no_volume() {
        for (instance_type, volume) in [("ml.p4d.24xlarge", Value::Null), ("ml.p3.16xlarge", json!(256))] {
            let change = |w: &mut Wanted| {
                w.accept_eula = true;
                w.instance_type = Some(instance_type.into());
            };
            check(&spec(GATED), change, &format!("{VARIANT}/VolumeSizeInGB"), volume);
        }
    }

    #[test]
    fn settings_of_another_engine_are_a_warning() {
        let change = |w: &mut Wanted| {
            w.accept_eula = true;
            w.instance_type = Some("ml.p6-b200.48xlarge".into());
            w.environment = [("OPTION_DTYPE".to_owned(), "bf16".to_owned())].into();
        };
        let notice = "rocket answers in English only";
        let warning = "the vllm image ignores OPTION_DTYPE; consider another inference config";
        check(&spec(GATED), change, "/warnings", json!([notice, warning]));
        check(&spec(GATED), |w| w.accept_eula = true, "/warnings", json!([notice]));
    }

    #[test]
    fn a_tarball_is_a_url_when_open_and_a_data_source_under_a_eula() {
        let place = format!("{CONTAINER}/ModelDataUrl");
        let open = spec(&OPEN.replace("inference-prepack/v1.0.0/", "packed.tar.gz"));
        let url = "s3://jumpstart-cache-prod-us-east-1/acme/acme-tabular-oak/artifacts/packed.tar.gz";
        check(&open, |_| {}, &place, json!(url));
        check(&open, |_| {}, DATA, Value::Null);
        let gated = spec(&GATED.replace("inference-prepack/v1.0.0/", "packed.tar.gz"));
        let accept = |w: &mut Wanted| w.accept_eula = true;
        check(&gated, accept, &place, Value::Null);
        check(&gated, accept, &format!("{DATA}/S3DataType"), json!("S3Object"));
        check(&gated, accept, &format!("{DATA}/CompressionType"), json!("Gzip"));
    }

    #[test]
    fn a_model_whose_script_lies_apart_is_refused() {
        let text = OPEN
            .replace("\"hosting_prepacked", "\"unknown")
            .replace("use_script_uri\": false", "use_script_uri\": true");
        let refused = "acme-tabular-oak is not deployable: its inference script is not packed with its artifact";
        check(&spec(&text), |_| {}, "/refused", json!(refused));
    }

    #[test]
    fn withdrawn_and_vulnerable_versions_are_refused_unless_allowed() {
        let deprecated = spec(&OPEN.replace("\"deprecated\": false", "\"deprecated\": true"));
        let message = "acme-tabular-oak 1.0.0 is deprecated";
        check(&deprecated, |_| {}, "/refused", json!(message));
        check(&deprecated, |w| w.allow_deprecated = true, "/warnings", json!([message]));
        let text = OPEN.replace("\"inference_vulnerable\": false", "\"inference_vulnerable\": true");
        let vulnerable = spec(&text.replace("vulnerabilities\": []", "vulnerabilities\": [\"pip 1\"]"));
        let message = "acme-tabular-oak 1.0.0 has known vulnerabilities: pip 1";
        check(&vulnerable, |_| {}, "/refused", json!(message));
        check(&vulnerable, |w| w.allow_vulnerable = true, "/warnings", json!([message]));
    }

    #[test]
    fn a_marketplace_model_package_is_refused() {
        let packages =
            r#""model_subscription_link": "https://m/1", "hosting_model_package_arns": {"us-east-1": "a"}, "url""#;
        let refused = "acme-tabular-oak is a Marketplace model package: https://m/1";
        check(&spec(&OPEN.replace("\"url\"", packages)), |_| {}, "/refused", json!(refused));
        let variant = OPEN.replace(r#""image_uri": "$cpu_image""#, r#""model_package_arn": "$cpu_image""#);
        check(&spec(&variant), |_| {}, "/refused", json!("acme-tabular-oak is a Marketplace model package"));
    }

    #[test]
    fn a_default_that_is_missing_or_no_instance_type_is_named() {
        let field = "default_inference_instance_type";
        let refused = |why: &str| json!(format!("the published document is unusable: {field} {why}"));
        let missing = OPEN.replace(field, "_");
        check(&spec(&missing), |_| {}, "/refused", refused("is missing"));
        let mangled = OPEN.replace(": \"ml.m5.large\"", ": \"m5\"");
        check(&spec(&mangled), |_| {}, "/refused", refused("is not an instance type"));
    }

    #[test]
    fn bad_arguments_are_named() {
        check(&spec(OPEN), |w| w.instance_count = 0, "/refused", json!("instance_count: at least 1 is needed"));
        for asked in ["", "g5.xlarge", "ml.g5", "ml..xlarge", "ml.g5.", "ml.g5.x/y"] {
            let why = format!("instance_type: {asked:?} is not like ml.g5.xlarge");
            check(&spec(OPEN), |w| w.instance_type = Some(asked.into()), "/refused", json!(why));
        }
    }

    #[test]
    fn the_callers_tags_come_first_and_may_not_collide() {
        let tag = |key: &str| vec![(key.to_owned(), "v".to_owned())];
        check(&spec(OPEN), |w| w.tags = tag("team"), "/endpoint/Tags/0", json!({"Key": "team", "Value": "v"}));
        let key = "sagemaker-sdk:jumpstart-model-id";
        let copied = vec![(key.to_owned(), "acme-tabular-oak".to_owned())];
        check(&spec(OPEN), |w| w.tags = copied, "/endpoint/Tags/0/Value", json!("acme-tabular-oak"));
        let why = format!("tags: {key} is there twice");
        check(&spec(OPEN), |w| w.tags = tag(key), "/refused", json!(why));
    }

    #[test]
    fn the_limits_of_the_api_are_kept_before_anything_is_sent() {
        let many = |count: usize| (0..count).map(|n| (format!("k{n}"), "v".to_owned()));
        let tags = "tags: with JumpStart's own there are 51, at most 50";
        check(&spec(OPEN), |w| w.tags = many(49).collect(), "/refused", json!(tags));
        let variables = "environment: with the model's own there are 101, at most 100";
        check(&spec(OPEN), |w| w.environment = many(99).collect(), "/refused", json!(variables));
    }
}

//! The requests of the official SDK, case by case.
//!
//! The cases and the published documents behind them stay out of the repository;
//! `LONGHAUL_TEST_DATA` names the folder that holds them. What these tests leave out
//! of the comparison is what this crate does better on purpose, and each such
//! difference is asserted.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Model, Names, Refusal, Region, Wanted, resolve};

/// The folder with the test data, or a note that the test is left out.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("LONGHAUL_TEST_DATA")
        .filter(|data| !data.is_empty())
        // Relative to the repository, wherever the test runs.
        .map(|data| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(data).join("jumpstart"));
    if folder.is_none() {
        eprintln!("left out: LONGHAUL_TEST_DATA is not set");
    }
    folder
}

struct Case {
    id: String,
    inputs: Value,
    expected: Value,
    error: Option<String>,
    model: Model,
    wanted: Wanted,
}

fn cases() -> Option<Vec<Case>> {
    let folder = folder()?;
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let file: Value = serde_json::from_str(&read("expected-requests.json")).unwrap();
    let fixed = &file["fixed_inputs"];
    let cases = file["cases"].as_array().unwrap().iter().map(|case| {
        let inputs = &case["inputs"];
        let region = Region::new(inputs["region"].as_str().unwrap());
        let text = read(case["spec"].as_str().unwrap());
        let model = match case["format"].as_str().unwrap() {
            "s3_spec" => Model::from_spec(&text, &region).unwrap(),
            _ => {
                let version = fixed["hub_content_version"].as_str().unwrap();
                Model::from_hub(inputs["model_id"].as_str().unwrap(), version, &text, &region).unwrap()
            }
        };
        Case {
            id: case["id"].as_str().unwrap().to_owned(),
            wanted: wanted(inputs, fixed, &model),
            inputs: inputs.clone(),
            expected: expected(&case["requests"]),
            error: case["error"].as_str().map(str::to_owned),
            model,
        }
    });
    Some(cases.collect())
}

fn wanted(inputs: &Value, fixed: &Value, model: &Model) -> Wanted {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let endpoint = text(&fixed["endpoint_name"]).unwrap();
    let names =
        Names { model: text(&fixed["model_name"]).unwrap(), config: endpoint.clone(), endpoint, pool_models: vec![] };
    let additional = inputs["accept_additional_source_eula"] == true;
    let sources = model.configs.iter().flat_map(|config| &config.additional_sources);
    let strings =
        |map: &Map<String, Value>| map.iter().map(|(key, value)| (key.clone(), text(value).unwrap())).collect();
    let pair = |tag: &Value| (text(&tag["Key"]).unwrap(), text(&tag["Value"]).unwrap());
    Wanted {
        instance_type: text(&inputs["instance_type"]),
        inference_config: text(&inputs["inference_config"]),
        instance_count: inputs["initial_instance_count"].as_u64().unwrap_or(1) as u32,
        accept_eula: inputs["accept_eula"] == true,
        accept_additional_eulas: sources.filter(|_| additional).map(|s| s.channel.clone()).collect(),
        environment: inputs["env"].as_object().map(strings).unwrap_or_default(),
        tags: inputs["tags"].as_array().map(|tags| tags.iter().map(pair).collect()).unwrap_or_default(),
        role_arn: text(&fixed["role_arn"]).unwrap(),
        names,
        ..Wanted::default()
    }
}

/// The recorded requests, keyed by operation.
fn expected(requests: &Value) -> Value {
    let requests = requests.as_array().unwrap().iter();
    requests.map(|r| (r["operation"].as_str().unwrap().to_owned(), r["parameters"].clone())).collect()
}

/// Our requests in the same shape.
fn ours(case: &Case, change: impl FnOnce(&mut Wanted)) -> Result<Value, Refusal> {
    let mut wanted = case.wanted.clone();
    change(&mut wanted);
    resolve(&case.model, &wanted).map(|made| {
        json!({
            "CreateModel": made.model,
            "CreateEndpointConfig": made.config,
            "CreateEndpoint": made.endpoint,
        })
    })
}

/// `Tags` are a set.
fn sorted(mut requests: Value) -> Value {
    for request in requests.as_object_mut().unwrap().values_mut() {
        if let Some(tags) = request.get_mut("Tags").and_then(Value::as_array_mut) {
            tags.sort_by_key(Value::to_string);
        }
    }
    requests
}

#[track_caller]
fn check(case: &Case, got: Value, expected: Value) {
    let (got, expected) = (sorted(got), sorted(expected));
    assert_eq!(got, expected, "{}: {got:#}\nexpected {expected:#}", case.id);
}

const DATA: &str = "/CreateModel/PrimaryContainer/ModelDataSource/S3DataSource";

fn remove(requests: &mut Value, place: &str, key: &str) -> Option<Value> {
    requests.pointer_mut(place)?.as_object_mut()?.remove(key)
}

/// The draft model's or the model's own agreement, as the refusal gives it.
fn eula_of(refusal: Result<Value, Refusal>) -> String {
    match refusal {
        Err(Refusal::EulaNotAccepted { eulas, .. }) if eulas.len() == 1 => {
            eulas.into_iter().find_map(|eula| eula.address).unwrap()
        }
        other => panic!("not refused for one EULA: {other:?}"),
    }
}

/// Checks a case: equal, or different in exactly the way named here.
#[track_caller]
fn verify(case: &Case) {
    let plain = ours(case, |_| {});
    let mut expected = case.expected.clone();
    match case.id.as_str() {
        // Only a EULA that exists is accepted; the SDK sends the acceptance of an open model.
        "mobilenet-eula-true" => {
            let sent = remove(&mut expected, DATA, "ModelAccessConfig");
            assert_eq!(sent, Some(json!({"AcceptEula": true})));
            check(case, plain.unwrap(), expected);
        }
        // Refused here, with the address; the SDK sends a request that cannot succeed.
        "llama-eula-false" | "llama-eula-absent" => {
            assert!(eula_of(plain).ends_with("/fmhMetadata/eula/llama3_1Eula.txt"));
            let sent = remove(&mut expected, DATA, "ModelAccessConfig");
            let absent = case.inputs["accept_eula"].is_null();
            assert_eq!(sent, (!absent).then(|| json!({"AcceptEula": false})));
            let mut accepted = ours(case, |wanted| wanted.accept_eula = true).unwrap();
            remove(&mut accepted, DATA, "ModelAccessConfig").unwrap();
            check(case, accepted, expected);
        }
        // Refused unless told to go ahead; the SDK lets any type pass.
        "llama-p3.16xlarge" => {
            assert!(matches!(plain, Err(Refusal::UnsupportedInstance { .. })), "{plain:?}");
            check(case, ours(case, |w| w.allow_unsupported_instance = true).unwrap(), expected);
        }
        // The public hub needs no hub reference, and the time-outs are not lost here.
        "hub-llama-2-13b-f-eula-true" => {
            let arn = remove(&mut expected, DATA, "HubAccessConfig").unwrap()["HubContentArn"].take();
            for request in expected.as_object_mut().unwrap().values_mut() {
                let tags = request["Tags"].as_array_mut().unwrap();
                let before = tags.len();
                tags.retain(|tag| *tag != json!({"Key": "sagemaker-sdk:hub-content-arn", "Value": arn}));
                assert_eq!(tags.len() + 1, before);
            }
            let mut got = plain.unwrap();
            let variant = "/CreateEndpointConfig/ProductionVariants/0";
            for field in ["ModelDataDownload", "ContainerStartupHealthCheck"] {
                let sent = remove(&mut got, variant, &format!("{field}TimeoutInSeconds"));
                assert_eq!(sent, Some(json!(1200)));
            }
            check(case, got, expected);
        }
        "error-mobilenet-inf2" => {
            assert!(matches!(plain, Err(Refusal::UnsupportedInstance { .. })), "{plain:?}");
            let overridden = ours(case, |wanted| wanted.allow_unsupported_instance = true);
            assert!(matches!(overridden, Err(Refusal::NoImage { .. })), "{overridden:?}");
        }
        "error-llama-lmi-optimized-draft-eula-absent" => {
            let address = eula_of(plain);
            assert!(case.error.as_ref().unwrap().contains(&address), "{address}");
        }
        _ => check(case, plain.unwrap(), expected),
    }
}

#[test]
fn the_requests_are_those_of_the_official_sdk() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.len(), 16);
    cases.iter().for_each(verify);
}

#[test]
fn the_contradiction_in_gpt_oss_is_a_warning_and_the_default_has_none() {
    for case in cases().into_iter().flatten() {
        let Ok(made) = resolve(&case.model, &case.wanted) else { continue };
        let expected = if case.id == "gpt-oss-g5.12xlarge" { 1 } else { 0 };
        assert_eq!(made.warnings.len(), expected, "{}: {:?}", case.id, made.warnings);
    }
}

#[test]
fn every_config_of_every_published_document_resolves_on_each_supported_type() {
    for case in cases().into_iter().flatten() {
        for config in &case.model.configs {
            for instance_type in &config.supported_instance_types {
                let wanted = Wanted {
                    instance_type: Some(instance_type.clone()),
                    inference_config: config.name.clone(),
                    accept_eula: true,
                    accept_additional_eulas: vec!["draft_model".into()],
                    tags: Vec::new(),
                    ..case.wanted.clone()
                };
                let made = resolve(&case.model, &wanted);
                assert!(made.is_ok(), "{} {:?} {instance_type}: {made:?}", case.id, config.name);
            }
        }
    }
}

#[test]
fn the_published_manifest_leads_to_the_published_specs() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest = super::Manifest::read(&text).unwrap();
    assert_eq!((manifest.entries.len(), manifest.skipped), (3, 0));
    let entry = manifest.pick("pytorch-ic-mobilenet-v2", Some("3.*")).unwrap();
    assert_eq!(entry.spec_key, "community_models/pytorch-ic-mobilenet-v2/specs_v3.0.25.json");
}

#[test]
fn the_buckets_are_those_of_the_published_region_table() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("region_config.json")).unwrap();
    let table: Map<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(table.len(), 44);
    for (name, published) in table {
        let region = Region::new(&name);
        assert_eq!(published["content_bucket"], region.content_bucket);
        assert_eq!(published["gated_content_bucket"], region.gated_bucket);
        assert_eq!(published["neo_content_bucket"].as_str(), region.draft_bucket.as_deref());
    }
}

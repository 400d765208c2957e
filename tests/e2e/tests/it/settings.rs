//! Every setting that the server lists: read from its variable, its flag and the file, and refused
//! with its name where it is wrong.

use longhaul_e2e::Setup;
use serde_json::Value;

const KEY: &str = "k1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

async fn settings() -> Vec<Value> {
    let (code, out, err) = Setup::bare().flag("--print-config-keys").run().await;
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// A value that is not the default.
fn other(setting: &Value) -> &str {
    match setting["key"].as_str().unwrap() {
        "aws.account_id" => "123456789012",
        "aws.region" => "eu-west-1",
        "gates.allow" => "write",
        "handles.keys" => KEY,
        "logging.format" => "json",
        "logging.level" => "warn",
        "sagemaker.endpoint_url" => "http://127.0.0.1:9",
        "sagemaker.role_arn" => "arn:aws:iam::123456789012:role/other",
        "server.allowed_hosts" => "example.org",
        "server.allowed_origins" => "https://example.org",
        "server.host" => "127.0.0.2",
        "server.platform" => "agentcore",
        "server.transport" => "http",
        _ => match setting["type"].as_str().unwrap() {
            "true or false" if setting["default"] == true => "false",
            "true or false" => "true",
            whole if whole.starts_with("a whole number") => "77",
            "text" => "other",
            odd => panic!("no value is known here for {odd}: {setting}"),
        },
    }
}

/// Named already, and refused as long as what it belongs to is missing.
fn is_planned(setting: &Value) -> bool {
    setting["key"] == "server.platform" || setting["description"].as_str().unwrap().contains("Refused in this version")
}

/// The line of the setting, and whether the server took it.
async fn shown(setup: Setup, setting: &Value) -> (i32, String) {
    let (code, out, err) = setup.flag("--print-config").run().await;
    let name = setting["key"].as_str().unwrap().rsplit('.').next().unwrap();
    let line = out.lines().find(|line| line.trim_start().trim_start_matches("# ").starts_with(&format!("{name}:")));
    (code, line.map_or(err, str::to_owned))
}

#[tokio::test]
async fn every_setting_is_read_from_its_variable_and_from_its_flag() {
    let settings = settings().await;
    assert!(settings.len() >= 24, "{}", settings.len());
    for setting in &settings {
        let (variable, value) = (setting["env"].as_str().unwrap(), other(setting));
        let (code, line) = shown(Setup::bare().env(variable, value), setting).await;
        if is_planned(setting) {
            assert!(code == 2 && line.contains(variable), "{setting}: {line}");
            continue;
        }
        assert!(code == 0 && line.ends_with(&format!("# {variable}")), "{setting}: {line}");
        // A secret has no flag: command lines are seen by everybody.
        assert_eq!(setting["flag"].is_null(), setting["secret"] == true, "{setting}");
        if let Some(flag) = setting["flag"].as_str() {
            assert!(line.contains(value), "{line}");
            let set = Setup::bare().env(variable, value).flag(&format!("--{flag}={value}"));
            let (code, line) = shown(set, setting).await;
            assert!(code == 0 && line.ends_with(&format!("# --{flag}")), "a flag wins: {setting}: {line}");
        }
    }
}

#[tokio::test]
async fn every_setting_of_a_kind_is_refused_by_name_where_it_is_of_another() {
    for setting in settings().await {
        let kind = setting["type"].as_str().unwrap();
        if kind == "text" || kind.starts_with("a list") {
            continue;
        }
        let variable = setting["env"].as_str().unwrap();
        let (code, _, err) = Setup::bare().env(variable, "neither").flag("--print-config").run().await;
        assert!(code == 2 && err.contains(variable) && err.contains("must be"), "{setting}: {err}");
    }
}

#[tokio::test]
async fn what_aws_would_refuse_later_is_refused_at_once() {
    for (variable, wrong) in
        [("AWS_ACCOUNT_ID", "12"), ("SAGEMAKER_ROLE_ARN", "role/x"), ("AWS_ENDPOINT_URL", "localhost")]
    {
        let (code, _, err) = Setup::bare().env(variable, wrong).run().await;
        assert!(code == 2 && err.contains(variable), "{variable}: {code} {err}");
    }
}

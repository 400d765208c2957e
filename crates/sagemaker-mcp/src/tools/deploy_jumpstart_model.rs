//! `deploy_jumpstart_model`: starts an endpoint, or joins the one that the same call started.

use std::{collections::BTreeMap, sync::Arc};

use longhaul::{
    context::Context,
    fault::Fault,
    report::Next,
    tool::{Class, LongTool, Terms},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEPLOY, checked_model, checked_name, checked_version};
use crate::{
    api::Api,
    config::Config,
    jumpstart::MOST_FALLBACKS,
    names,
    operation::{Endpoint, EndpointHandle},
    start::{Start, start},
};

/// Deploys a SageMaker JumpStart model to a real-time endpoint, which takes 10 to 20 minutes and
/// then costs money until it is deleted. The same arguments again never deploy twice: they join.
/// Without endpoint_name any other argument is another endpoint. Check first with plan_deployment.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployJumpStartModel {
    /// JumpStart model id.
    #[schemars(length(min = 1, max = 256))]
    pub model_id: String,
    /// Such as `ml.g5.xlarge`. Default: the model's own.
    #[schemars(length(max = 64))]
    pub instance_type: Option<String>,
    /// Types to try next if AWS has no capacity, best first.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub fallback_instance_types: Vec<String>,
    /// Version, or a pattern such as `1.*`. Default: the newest.
    #[schemars(length(max = 32))]
    pub model_version: Option<String>,
    /// Number of instances.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub initial_instance_count: u32,
    /// Name for the endpoint. Default: derived from these arguments.
    #[schemars(length(max = 63))]
    pub endpoint_name: Option<String>,
    /// Whether the user accepts the model's end-user licence. Ask the user.
    #[serde(default)]
    pub accept_eula: bool,
    /// Further licences accepted, by the names in a refusal.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub accept_additional_eulas: Vec<String>,
    /// Where a model has several. Default: the best ranked.
    #[schemars(length(max = 128))]
    pub inference_config: Option<String>,
    /// Environment variables for the container.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Role that the model runs with. Default: the operator's, or the only one.
    #[schemars(length(max = 2048))]
    pub role_arn: Option<String>,
    /// When it will no longer be needed, RFC 3339; only shown.
    #[schemars(length(max = 64))]
    pub expires_at: Option<String>,
}

fn one() -> u32 {
    1
}

/// The tool.
pub struct Deploy<A> {
    endpoint: Endpoint<A>,
    config: Config,
}

impl<A: Api> Deploy<A> {
    /// Deploys through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: Config) -> Self {
        Self { endpoint: Endpoint::new(api), config }
    }
}

impl DeployJumpStartModel {
    /// What `tool` is asked to start. Names it, where the caller does not, after the caller's own
    /// words.
    pub(super) fn asked(self, cx: &Context, config: &Config, tool: &'static str) -> Start {
        let args = self;
        let again = Next {
            tool: tool.to_owned(),
            arguments: serde_json::to_value(&args)
                .ok()
                .and_then(|value| value.as_object().cloned())
                .unwrap_or_default(),
            after_seconds: None,
            why: "The same call again.".to_owned(),
        };
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut start = Start {
            model_id: args.model_id.trim().to_owned(),
            // A star and nothing are the same words.
            model_version: trimmed(args.model_version).filter(|version| version != "*"),
            instance_type: trimmed(args.instance_type),
            fallback_instance_types: args.fallback_instance_types,
            inference_config: trimmed(args.inference_config),
            instance_count: args.initial_instance_count,
            accept_eula: args.accept_eula,
            accept_additional_eulas: args.accept_additional_eulas,
            environment: args.environment,
            role_arn: trimmed(args.role_arn),
            expires_at: trimmed(args.expires_at),
            update: false,
            endpoint_name: String::new(),
            tool,
            default_role: config.role_arn.clone(),
            again: Some(again),
        };
        let derived = || names::endpoint_name(&start.model_id, DEPLOY, cx.principal().as_str(), &start);
        start.endpoint_name = trimmed(args.endpoint_name).unwrap_or_else(derived);
        start
    }
}

impl<A: Api> LongTool for Deploy<A> {
    const NAME: &'static str = DEPLOY;
    const CLASS: Class = Class::Write;
    const ABORTS: bool = true;
    type Args = DeployJumpStartModel;
    type Operation = Endpoint<A>;

    fn operation(&self) -> &Endpoint<A> {
        &self.endpoint
    }

    fn resource(&self, cx: &Context, args: &DeployJumpStartModel) -> String {
        args.clone().asked(cx, &self.config, DEPLOY).endpoint_name
    }

    fn terms(&self) -> Terms {
        self.config.terms()
    }

    async fn begin(&self, cx: &Context, args: DeployJumpStartModel) -> Result<EndpointHandle, Fault> {
        let asked = args.asked(cx, &self.config, DEPLOY);
        check(&asked)?;
        start(&self.endpoint, cx, &asked).await
    }
}

/// What can be told to be wrong before anything is asked of AWS.
pub(super) fn check(asked: &Start) -> Result<(), Fault> {
    checked_name("endpoint_name", &asked.endpoint_name)?;
    checked_model(&asked.model_id)?;
    let id_chars = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let no_type =
        |instance: &String| !instance.starts_with("ml.") || instance.len() > 64 || !instance.chars().all(id_chars);
    if asked.instance_type.as_ref().is_some_and(no_type) {
        return Err(Fault::invalid("instance_type", "must be a SageMaker instance type, for example `ml.g5.xlarge`"));
    }
    let fallbacks = &asked.fallback_instance_types;
    if fallbacks.len() > MOST_FALLBACKS || fallbacks.iter().any(no_type) {
        let why = format!("must be at most {MOST_FALLBACKS} SageMaker instance types");
        return Err(Fault::invalid("fallback_instance_types", why));
    }
    if asked.expires_at.as_ref().is_some_and(|at| humantime::parse_rfc3339_weak(at).is_err()) {
        return Err(Fault::invalid("expires_at", "must be a time such as 2026-11-20T10:00:00Z"));
    }
    if !(1..=100).contains(&asked.instance_count) {
        return Err(Fault::invalid("initial_instance_count", "must be from 1 to 100"));
    }
    checked_version(asked.model_version.as_deref())?;
    if let Some(config) = &asked.inference_config
        && (config.len() > 128 || !config.chars().all(id_chars))
    {
        return Err(Fault::invalid("inference_config", "must be a name such as `lmi`, at most 128 characters"));
    }
    let eulas = &asked.accept_additional_eulas;
    if eulas.len() > 10 || eulas.iter().any(|of| of.is_empty() || of.len() > 256 || !of.chars().all(id_chars)) {
        let why = "must be at most 10 names, spelled as a refusal gives them";
        return Err(Fault::invalid("accept_additional_eulas", why));
    }
    let role_chars = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/:".contains(c);
    if let Some(role) = &asked.role_arn
        && !(role.starts_with("arn:aws")
            && role.contains(":role/")
            && role.len() <= 2048
            && role.chars().all(role_chars))
    {
        return Err(Fault::invalid("role_arn", "must be an ARN such as `arn:aws:iam::123456789012:role/SageMaker`"));
    }
    check_environment(&asked.environment)
}

/// SageMaker's limits of `Environment`: 100 entries, names of 1024, values of 1024 characters.
fn check_environment(environment: &BTreeMap<String, String>) -> Result<(), Fault> {
    let wrong = environment.iter().find(|(key, value)| {
        let starts_well = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let well_formed = starts_well && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        !well_formed || key.len() > 1024 || value.chars().count() > 1024
    });
    match wrong {
        Some((key, _)) => {
            let key = longhaul::text::cap(key, 64);
            Err(Fault::invalid(
                "environment",
                format!("{key:?}: a name must be letters, digits and `_`, a value at most 1024 characters"),
            ))
        }
        None if environment.len() > 100 => Err(Fault::invalid("environment", "may hold at most 100 variables")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The argument that is refused, if one is.
    fn refused(more: Value) -> Option<String> {
        let mut arguments = json!({"model_id": "m"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let args: DeployJumpStartModel = serde_json::from_value(arguments).unwrap();
        let config = Config { role_arn: Some("arn:aws:iam::1:role/r".into()), ..Config::default() };
        let asked = args.asked(&Context::local(), &config, DEPLOY);
        check(&asked).err().map(|fault| fault.message.split('`').nth(1).unwrap().to_owned())
    }

    #[test]
    fn what_can_be_told_to_be_wrong_is_refused_by_its_name() {
        for (argument, wrong) in [
            ("model_id", json!("")),
            ("model_id", json!("a/b")),
            ("endpoint_name", json!("a_b")),
            ("instance_type", json!("g5.xlarge")),
            ("instance_type", json!("ml.g5;x")),
            ("initial_instance_count", json!(0)),
            ("initial_instance_count", json!(101)),
            ("model_version", json!("../1")),
            ("inference_config", json!("a b")),
            ("accept_additional_eulas", json!([""])),
            ("role_arn", json!("role")),
            ("role_arn", json!("arn:aws:iam::1:user/u")),
            ("role_arn", json!("arn:aws:iam::1:role/a b")),
            ("environment", json!({"1A": "x"})),
            ("environment", json!({"A": "x".repeat(1025)})),
        ] {
            assert_eq!(refused(json!({argument: wrong})).as_deref(), Some(argument), "{wrong}");
        }
    }

    #[test]
    fn what_aws_takes_is_taken() {
        for right in [
            json!({"model_version": "1.*", "instance_type": "ml.p6-b200.48xlarge", "inference_config": "lmi-optimized"}),
            json!({"role_arn": "arn:aws-us-gov:iam::123456789012:role/service-role/A.b+c=d,e@f-g_h"}),
            json!({"environment": {"_A1": "模".repeat(1024)}, "accept_additional_eulas": ["draft_model", "meta.llama-3"]}),
            json!({"endpoint_name": " ", "instance_type": "", "model_version": "*"}),
        ] {
            assert_eq!(refused(right.clone()), None, "{right}");
        }
    }

    #[test]
    fn a_name_is_derived_from_what_is_asked_for_and_by_whom() {
        let name = |principal: &str, instance: &str| {
            let args = json!({"model_id": "m", "instance_type": instance});
            let cx = Context::new(longhaul::tool::Principal::new(principal), "t");
            let args: DeployJumpStartModel = serde_json::from_value(args).unwrap();
            args.asked(&cx, &Config::default(), DEPLOY).endpoint_name
        };
        assert_eq!(name("alice", "ml.g5.xlarge"), name("alice", " ml.g5.xlarge "));
        assert_ne!(name("alice", "ml.g5.xlarge"), name("bob", "ml.g5.xlarge"));
        assert_ne!(name("alice", "ml.g5.xlarge"), name("alice", "ml.g5.2xlarge"));
    }
}

//! `create_inference_payload`: a request for text generation.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::Fault,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PAYLOAD, checked_model, checked_name};
use crate::{
    api::Api,
    payload::{Examples, Generation, Written, write},
};

/// Writes a request for a text model, in the form of the published examples of an endpoint's model,
/// or of a model, or else in the general form. Sends nothing; invoke_sagemaker_endpoint does.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInferencePayload {
    /// The prompt.
    #[schemars(length(min = 1, max = 100_000))]
    pub input_text: String,
    /// Endpoint whose model it is for.
    #[schemars(length(max = 63))]
    pub endpoint_name: Option<String>,
    /// Model that it is for, instead.
    #[schemars(length(max = 256))]
    pub model_id: Option<String>,
    /// Example to follow. Default: the first.
    #[schemars(length(max = 128))]
    pub preset: Option<String>,
    /// Most tokens to generate.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_new_tokens: u32,
    /// Nucleus sampling, 0 to 1.
    #[serde(default = "most")]
    pub top_p: f64,
    /// Randomness, from 0.
    #[serde(default = "some")]
    pub temperature: f64,
    /// Whether the answer repeats the prompt.
    #[serde(default)]
    pub return_full_text: bool,
    /// Makes answers repeatable.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub seed: Option<u32>,
    /// Above 1: fewer repetitions.
    pub repetition_penalty: Option<f64>,
    /// Whether to sample at all.
    pub do_sample: Option<bool>,
    /// Sample among so many.
    #[schemars(range(min = 1, max = 100_000))]
    pub top_k: Option<u32>,
}

fn sixty_four() -> u32 {
    64
}

fn most() -> f64 {
    0.9
}

fn some() -> f64 {
    0.6
}

/// The tool.
pub struct CreatePayload<A> {
    api: Arc<A>,
}

impl<A: Api> CreatePayload<A> {
    /// Looks at examples through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }
}

impl<A: Api> QuickTool for CreatePayload<A> {
    const NAME: &'static str = PAYLOAD;
    const CLASS: Class = Class::Read;
    type Args = CreateInferencePayload;
    type Output = Written;

    fn resource(&self, args: &CreateInferencePayload) -> String {
        args.endpoint_name.clone().or_else(|| args.model_id.clone()).unwrap_or_default()
    }

    async fn call(&self, _: &Context, args: CreateInferencePayload) -> Result<Written, Fault> {
        let generation = Generation { max_new_tokens: args.max_new_tokens, parameters: parameters(&args)? };
        let examples = examples(args.endpoint_name, args.model_id, args.preset)?;
        write(&self.api, &examples, |_| args.input_text, &generation).await
    }

    fn sentence(&self, output: &Written) -> String {
        match &output.preset {
            Some(preset) => format!("The request, in the form of the example {preset}."),
            None => "The request, in the general form.".to_owned(),
        }
    }
}

/// Whose examples a caller means.
pub(super) fn examples(
    endpoint: Option<String>,
    model_id: Option<String>,
    preset: Option<String>,
) -> Result<Examples, Fault> {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(Examples {
        endpoint: given(endpoint).map(|name| checked_name("endpoint_name", &name)).transpose()?,
        model_id: given(model_id).map(|id| checked_model(&id)).transpose()?,
        preset: given(preset),
    })
}

fn parameters(args: &CreateInferencePayload) -> Result<Map<String, Value>, Fault> {
    if args.input_text.is_empty() || args.input_text.len() > 100_000 {
        return Err(Fault::invalid("input_text", "must be a text of at most 100000 bytes"));
    }
    if !(1..=100_000).contains(&args.max_new_tokens) {
        return Err(Fault::invalid("max_new_tokens", "must be from 1 to 100000"));
    }
    for (argument, value, most) in [
        ("top_p", Some(args.top_p), 1.0),
        ("temperature", Some(args.temperature), 100.0),
        ("repetition_penalty", args.repetition_penalty, 100.0),
    ] {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(Fault::invalid(argument, format!("must be a number from 0 to {most}")));
        }
    }
    if args.top_k.is_some_and(|top_k| !(1..=100_000).contains(&top_k)) {
        return Err(Fault::invalid("top_k", "must be from 1 to 100000"));
    }
    let all = json!({
        "top_p": args.top_p,
        "temperature": args.temperature,
        "return_full_text": args.return_full_text,
        "seed": args.seed,
        "repetition_penalty": args.repetition_penalty,
        "do_sample": args.do_sample,
        "top_k": args.top_k,
    });
    let all = all.as_object().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

//! `create_instruction_payload`: a request from an instruction and its context.

use std::sync::Arc;

use longhaul::{
    context::Context,
    fault::Fault,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{INSTRUCTION, create_inference_payload::examples};
use crate::{
    api::Api,
    payload::{Form, Generation, Written, write},
};

/// Writes a request for an instruction: a message for chat models, else the Alpaca template. Sends
/// nothing; invoke_sagemaker_endpoint does. For a prompt use create_inference_payload.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInstructionPayload {
    /// What the model is to do.
    #[schemars(length(min = 1, max = 100_000))]
    pub instruction: String,
    /// What it is to do it with.
    #[serde(default)]
    #[schemars(length(max = 100_000))]
    pub context: String,
    /// Endpoint whose model it is for.
    #[schemars(length(max = 63))]
    pub endpoint_name: Option<String>,
    /// Model that it is for, instead.
    #[schemars(length(max = 256))]
    pub model_id: Option<String>,
    /// Most tokens to generate.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_new_tokens: u32,
}

fn hundred() -> u32 {
    100
}

/// The tool.
pub struct CreateInstruction<A> {
    api: Arc<A>,
}

impl<A: Api> CreateInstruction<A> {
    /// Looks at examples through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }
}

impl<A: Api> QuickTool for CreateInstruction<A> {
    const NAME: &'static str = INSTRUCTION;
    const CLASS: Class = Class::Read;
    type Args = CreateInstructionPayload;
    type Output = Written;

    fn resource(&self, args: &CreateInstructionPayload) -> String {
        args.endpoint_name.clone().or_else(|| args.model_id.clone()).unwrap_or_default()
    }

    async fn call(&self, _: &Context, args: CreateInstructionPayload) -> Result<Written, Fault> {
        for (argument, text) in [("instruction", &args.instruction), ("context", &args.context)] {
            if text.len() > 100_000 || (argument == "instruction" && text.trim().is_empty()) {
                return Err(Fault::invalid(argument, "must be a text of at most 100000 bytes"));
            }
        }
        if !(1..=100_000).contains(&args.max_new_tokens) {
            return Err(Fault::invalid("max_new_tokens", "must be from 1 to 100000"));
        }
        let generation = Generation { max_new_tokens: args.max_new_tokens, ..Generation::default() };
        let examples = examples(args.endpoint_name, args.model_id, None)?;
        write(&self.api, &examples, |form| prompt(form, &args.instruction, &args.context), &generation).await
    }

    fn sentence(&self, _: &Written) -> String {
        "The request for this instruction.".to_owned()
    }
}

/// The template that instruction-tuned models of the Alpaca kind were trained on.
fn prompt(form: Form, instruction: &str, context: &str) -> String {
    match (form, context.is_empty()) {
        (Form::Chat, true) => instruction.to_owned(),
        (Form::Chat, false) => format!("{instruction}\n\n{context}"),
        (Form::Text, false) => format!(
            "Below is an instruction that describes a task, paired with an input that provides further context. Write a \
             response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### \
             Input:\n{context}\n\n### Response:\n"
        ),
        (Form::Text, true) => format!(
            "Below is an instruction that describes a task. Write a response that appropriately completes the \
             request.\n\n### Instruction:\n{instruction}\n\n### Response:\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_a_message_or_a_template_with_its_context() {
        assert_eq!(prompt(Form::Chat, "Sum up.", "Text."), "Sum up.\n\nText.");
        let text = prompt(Form::Text, "Sum up.", "Text.");
        assert!(text.contains("### Instruction:\nSum up.\n\n### Input:\nText.\n\n### Response:\n"), "{text}");
        assert!(!prompt(Form::Text, "Sum up.", "").contains("### Input"));
    }
}

//! The suite's prompts.

use rmcp::{
    ErrorData,
    model::{
        CompleteResult, CompletionInfo, ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument,
        PromptMessage, Role,
    },
};
use serde_json::Value;

use crate::{
    content::{image, resource},
    rounds,
};

pub(crate) fn listed() -> Vec<Prompt> {
    let argument = |name: &str| PromptArgument::new(name).with_required(true);
    let prompt = |name: &str, about: &str, arguments: &[&str]| {
        let arguments: Vec<_> = arguments.iter().map(|name| argument(name)).collect();
        Prompt::new(name, Some(about), Some(arguments).filter(|arguments| !arguments.is_empty()))
    };
    vec![
        prompt("test_simple_prompt", "A text.", &[]),
        prompt("test_prompt_with_arguments", "A text with two arguments.", &["arg1", "arg2"]),
        prompt("test_prompt_with_embedded_resource", "A resource and a text.", &["resourceUri"]),
        prompt("test_prompt_with_image", "An image and a text.", &[]),
        prompt(rounds::PROMPT, "Asks for a context first.", &[]),
    ]
}

/// The prompt `name`; `answers` are those of the client where the prompt asked back.
pub(crate) fn get(name: &str, arguments: &JsonObject, answers: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| {
        let value = arguments.get(name).and_then(Value::as_str);
        value.ok_or_else(|| ErrorData::invalid_params(format!("the argument {name} is missing"), None))
    };
    let text = |text: &str| ContentBlock::text(text);
    let messages = match name {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (one, two) = (argument("arg1")?, argument("arg2")?);
            vec![text(&format!("Prompt with arguments: arg1='{one}', arg2='{two}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let embedded = resource(argument("resourceUri")?, "text/plain", "Embedded resource content for testing.");
            vec![embedded, text("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
        rounds::PROMPT => vec![text(&format!("In this context: {}", Value::Object(answers.clone())))],
        _ => return Err(ErrorData::invalid_params(format!("there is no prompt {name:?}"), None)),
    };
    Ok(GetPromptResult::new(messages.into_iter().map(|content| PromptMessage::new(Role::User, content)).collect()))
}

/// Completes an argument.
pub(crate) fn complete(given: &str) -> Result<CompleteResult, ErrorData> {
    let known = ["paris", "park", "party", "test"];
    let values = known.into_iter().filter(|value| value.starts_with(given)).map(str::to_owned).collect();
    let found = CompletionInfo::with_all_values(values).map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(found))
}

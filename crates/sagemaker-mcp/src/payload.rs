//! Requests to a model, in the form of its own published examples.

use std::sync::Arc;

use longhaul::{
    fault::{Fault, FaultCode},
    report::Next,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    api::{Api, Tags},
    calls,
    error::if_there,
    jumpstart::{Config, Payload},
    library, names,
};

/// Longest text of an example, in bytes.
const MOST_OF_AN_EXAMPLE: usize = 64 << 10;

/// A request, ready to be sent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Written {
    /// The request.
    pub payload: Value,
    /// Its MIME type.
    pub content_type: String,
    /// MIME type of the answer.
    pub accept: String,
    /// The published example that it follows; absent for the general form of text generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The call that sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// How text is to be generated. What is absent is left to the model.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// Most tokens to generate.
    pub max_new_tokens: u32,
    /// Further parameters, named as text generation inference names them.
    pub parameters: Map<String, Value>,
}

/// Whose examples are followed.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Of the model that this endpoint serves.
    pub endpoint: Option<String>,
    /// Of this model.
    pub model_id: Option<String>,
    /// Of this name.
    pub preset: Option<String>,
}

/// The examples that a model's document offers for the way it is served, and that way's types.
pub struct Offered {
    /// The model.
    pub model_id: String,
    /// The examples.
    pub payloads: Vec<Payload>,
    /// MIME type of a request.
    pub content_type: Option<String>,
    /// MIME type of an answer.
    pub accept: Option<String>,
}

/// What the model behind an endpoint offers; nothing where no JumpStart model is told by its tags.
///
/// # Errors
/// There is no such endpoint, or AWS could not be asked.
pub async fn offered_by_endpoint(api: &impl Api, endpoint: &str) -> Result<Option<Offered>, Fault> {
    offered_by_tags(api, &tags_of(api, endpoint).await?).await
}

/// The types of the model behind an endpoint, from its document, or as they were written into the
/// tags where that cannot be read.
///
/// # Errors
/// There is no such endpoint, or AWS could not be asked.
pub async fn types_of_endpoint(api: &impl Api, endpoint: &str) -> Result<Offered, Fault> {
    let tags = tags_of(api, endpoint).await?;
    if let Ok(Some(offered)) = offered_by_tags(api, &tags).await {
        return Ok(offered);
    }
    let told = |tag: &str| tags.get(tag).cloned();
    let (content_type, accept) = (told(names::TAG_CONTENT_TYPE), told(names::TAG_ACCEPT_TYPE));
    Ok(Offered { model_id: told(names::TAG_MODEL_ID).unwrap_or_default(), payloads: Vec::new(), content_type, accept })
}

async fn tags_of(api: &impl Api, endpoint: &str) -> Result<Tags, Fault> {
    let Some(seen) = if_there(api.describe_endpoint(endpoint).await)? else {
        let fault = Fault::new(FaultCode::NotFound, format!("there is no endpoint called {endpoint}"));
        return Err(fault.with_next(calls::list()));
    };
    Ok(library::tags(api, &seen).await?)
}

async fn offered_by_tags(api: &impl Api, tags: &Tags) -> Result<Option<Offered>, Fault> {
    let Some(id) = tags.get(names::TAG_MODEL_ID) else { return Ok(None) };
    let model = library::model(api, id, tags.get(names::TAG_MODEL_VERSION).map(String::as_str)).await?;
    let named = tags.get(names::TAG_INFERENCE_CONFIG);
    let config = model.configs.into_iter().find(|config| named.is_none() || config.name.as_ref() == named);
    Ok(config.map(|config| offered(model.id, config)))
}

fn offered(model_id: String, config: Config) -> Offered {
    Offered { model_id, payloads: config.payloads, content_type: config.content_type, accept: config.accept_type }
}

/// A request with this prompt, in the form of the examples that are asked for.
///
/// # Errors
/// There is no such endpoint, model or example, or the model takes no text.
pub async fn write<A: Api>(
    api: &Arc<A>,
    examples: &Examples,
    prompt: impl FnOnce(Form) -> String,
    generation: &Generation,
) -> Result<Written, Fault> {
    let offered = match (&examples.endpoint, &examples.model_id) {
        (Some(_), Some(_)) => return Err(Fault::invalid("model_id", "name an endpoint or a model, not both")),
        (Some(endpoint), None) => offered_by_endpoint(&**api, endpoint).await?,
        (None, Some(id)) => {
            let model = library::model(&**api, id, None).await?;
            model.configs.into_iter().next().map(|config| offered(model.id, config))
        }
        (None, None) => None,
    };
    let preset = match (&examples.preset, &offered) {
        (Some(name), Some(offered)) => {
            Some(offered.payloads.iter().find(|payload| payload.name == *name).ok_or_else(|| {
                let known: Vec<&str> = offered.payloads.iter().map(|payload| payload.name.as_str()).collect();
                Fault::invalid(
                    "preset",
                    format!(
                        "must be one of the model's examples: {}",
                        if known.is_empty() { "none".into() } else { known.join(", ") }
                    ),
                )
            })?)
        }
        (Some(_), None) => {
            return Err(Fault::invalid("preset", "must come with the endpoint or the model whose example it is"));
        }
        (None, offered) => offered.iter().flat_map(|offered| &offered.payloads).find(|payload| form(payload).is_some()),
    };
    let form = match (preset, &offered) {
        (Some(payload), offered) => form(payload).ok_or_else(|| no_text(offered.as_ref()))?,
        // A model whose examples are all no text takes none.
        (None, Some(offered)) if !offered.payloads.is_empty() || offered.takes_no_json() => {
            return Err(no_text(Some(offered)));
        }
        (None, _) => Form::Text,
    };
    let text = prompt(form);
    let payload = written(preset, form, &text, generation);
    let json = || "application/json".to_owned();
    let content_type = preset.and_then(|preset| preset.content_type.clone()).unwrap_or_else(json);
    let accept = preset.and_then(|preset| preset.accept.clone());
    let accept = accept.or_else(|| offered.as_ref().and_then(|offered| offered.accept.clone())).unwrap_or_else(json);
    let next = examples.endpoint.as_ref().map(|endpoint| {
        Next::new(calls::INVOKE, "Sends it; the endpoint's answer is shown.")
            .with("endpoint_name", endpoint.as_str())
            .with("payload", payload.clone())
            .with("content_type", content_type.as_str())
    });
    Ok(Written { payload, content_type, accept, preset: preset.map(|preset| preset.name.clone()), next })
}

impl Offered {
    fn takes_no_json(&self) -> bool {
        self.content_type.as_ref().is_some_and(|named| !named.contains("json"))
    }
}

fn no_text(offered: Option<&Offered>) -> Fault {
    let fault = Fault::new(FaultCode::Unsupported, "the model's examples are no text prompts");
    let Some(offered) = offered else { return fault };
    let next = Next::new(calls::DESCRIBE_MODEL, "Shows the content type and the examples of the model.");
    fault.with_next(next.with("model_id", offered.model_id.as_str()))
}

/// How a model takes a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a text to go on with.
    Text,
    /// As a message of a conversation.
    Chat,
}

fn form(payload: &Payload) -> Option<Form> {
    let body = payload.body.as_object()?;
    if body.get("messages").is_some_and(Value::is_array) {
        return Some(Form::Chat);
    }
    let key = payload.prompt_key.as_deref().unwrap_or("inputs");
    body.get(key).is_some_and(Value::is_string).then_some(Form::Text)
}

/// The example with the prompt and the parameters in place of its own.
fn written(preset: Option<&Payload>, form: Form, prompt: &str, generation: &Generation) -> Value {
    let mut body = preset.map(|preset| preset.body.clone()).unwrap_or_default();
    // A request is shown as it is: the publisher's part of it must be safe before.
    longhaul::text::clean_value(&mut body, MOST_OF_AN_EXAMPLE);
    let mut body = body.as_object().cloned().unwrap_or_default();
    match form {
        Form::Chat => {
            body.insert("messages".into(), json!([{"role": "user", "content": prompt}]));
            body.insert("max_tokens".into(), generation.max_new_tokens.into());
            for (name, value) in &generation.parameters {
                // What text generation inference alone knows, a chat would refuse.
                if matches!(name.as_str(), "temperature" | "top_p" | "seed") {
                    body.insert(name.clone(), value.clone());
                }
            }
        }
        Form::Text => {
            let key = preset.and_then(|preset| preset.prompt_key.as_deref()).unwrap_or("inputs");
            body.insert(longhaul::text::clean(key), prompt.into());
            let mut parameters = generation.parameters.clone();
            parameters.insert("max_new_tokens".into(), generation.max_new_tokens.into());
            match body.get_mut("parameters").and_then(Value::as_object_mut) {
                Some(own) => own.extend(parameters),
                None => drop(body.insert("parameters".into(), parameters.into())),
            }
        }
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(body: Value) -> Payload {
        Payload { name: "p".into(), content_type: None, accept: None, body, prompt_key: None }
    }

    fn generation() -> Generation {
        let parameters = json!({"temperature": 0.6, "return_full_text": false}).as_object().cloned().unwrap();
        Generation { max_new_tokens: 64, parameters }
    }

    #[test]
    fn without_an_example_it_is_what_text_generation_takes() {
        let wanted = json!({"inputs": "hi", "parameters": {"max_new_tokens": 64, "temperature": 0.6, "return_full_text": false}});
        assert_eq!(written(None, Form::Text, "hi", &generation()), wanted);
    }

    #[test]
    fn an_example_keeps_what_the_caller_does_not_say() {
        let example = preset(json!({"inputs": "old", "parameters": {"details": true, "temperature": 0.1}}));
        let wanted = json!({"inputs": "hi", "parameters":
            {"details": true, "max_new_tokens": 64, "temperature": 0.6, "return_full_text": false}});
        assert_eq!(written(Some(&example), form(&example).unwrap(), "hi", &generation()), wanted);
    }

    #[test]
    fn a_chat_gets_a_message_and_no_parameter_that_it_would_refuse() {
        let example = preset(json!({"messages": [{"role": "system", "content": "old"}], "max_tokens": 1, "top_p": 1}));
        let wanted =
            json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 64, "temperature": 0.6, "top_p": 1});
        assert_eq!(form(&example), Some(Form::Chat));
        assert_eq!(written(Some(&example), Form::Chat, "hi", &generation()), wanted);
    }

    #[test]
    fn an_image_is_no_prompt() {
        assert_eq!(form(&preset(json!("$s3<cat.jpg>"))), None);
        assert_eq!(form(&preset(json!({"inputs": {"image": "x"}}))), None);
    }
}

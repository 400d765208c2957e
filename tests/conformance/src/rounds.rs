//! Tools and prompts that ask the client back before they answer, in one round or several.
//!
//! Nothing is kept between rounds: what was answered so far travels in a sealed state.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResult, ClientCapabilities, ContentBlock, InputRequests, InputRequiredResult, InputResponses,
        JsonObject, RequestStateCodec, SealOptions, Tool,
    },
    service::RequestContext,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::content::tool;

/// Names, rounds of questions, and whether the state is needed to go on.
const ROUNDS: [(&str, &[&[&str]], bool); 12] = [
    ("test_input_required_result_elicitation", &[&["user_name"]], false),
    ("test_input_required_result_sampling", &[&["capital_question"]], false),
    ("test_input_required_result_list_roots", &[&["client_roots"]], false),
    ("test_input_required_result_request_state", &[&["confirm"]], true),
    ("test_input_required_result_multiple_inputs", &[&["user_name", "capital_question", "client_roots"]], true),
    ("test_input_required_result_multi_round", &[&["step1"], &["step2"]], true),
    ("test_input_required_result_tampered_state", &[&["confirm"]], true),
    ("test_input_required_result_capabilities", &[&["user_name", "capital_question"]], false),
    ("test_streaming_elicitation", &[&["user_name"]], false),
    ("test_missing_capability", &[&["capital_question"]], false),
    (PROMPT, &[&["user_context"]], false),
    (crate::face::WITH_TASK, &[&["user_name"]], true),
];

/// A prompt that asks back.
pub(crate) const PROMPT: &str = "test_input_required_result_prompt";

pub(crate) fn tools() -> Vec<Tool> {
    let tools = ROUNDS.iter().filter(|(name, ..)| ![PROMPT, crate::face::WITH_TASK].contains(name));
    tools.map(|(name, ..)| tool(name, "Asks the client back before it answers.", json!({}))).collect()
}

pub(crate) fn asks(name: &str) -> bool {
    ROUNDS.iter().any(|(known, ..)| *known == name)
}

/// What came of a round.
pub(crate) enum Round {
    /// The client has to answer first.
    Open(InputRequiredResult),
    /// All answers by their keys.
    Closed(JsonObject),
}

impl Round {
    /// As the answer of a tool that does nothing but ask.
    pub(crate) fn into_result(self) -> Result<CallToolResult, InputRequiredResult> {
        match self {
            Self::Open(required) => Err(required),
            Self::Closed(answers) => {
                let text = format!("state-ok; the answers: {}", Value::Object(answers));
                Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
            }
        }
    }
}

/// Which round it is, and what was answered in earlier ones.
#[derive(Default, Serialize, Deserialize)]
struct State {
    round: usize,
    answers: JsonObject,
}

/// Makes and opens states.
#[derive(Clone)]
pub(crate) struct Asker(RequestStateCodec);

impl Asker {
    pub(crate) fn new() -> Self {
        Self(RequestStateCodec::new_unchecked(fastrand::u128(..).to_be_bytes()))
    }

    /// Goes on with the rounds of the tool or prompt `name`.
    pub(crate) fn go_on(
        &self,
        name: &str,
        cx: &RequestContext<RoleServer>,
        responses: Option<InputResponses>,
        state: Option<String>,
    ) -> Result<Round, ErrorData> {
        let Some((_, rounds, stateful)) = ROUNDS.iter().find(|(known, ..)| *known == name) else {
            return Err(ErrorData::invalid_params(format!("{name} asks nothing"), None));
        };
        let bound = SealOptions::new().associated_data(name.as_bytes());
        let mut at: State = match &state {
            Some(state) => self
                .0
                .open_json_with(state, name.as_bytes())
                .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?,
            None => State::default(),
        };
        let declared = cx.client_capabilities().unwrap_or_default();
        let mut open = questions(rounds.get(at.round).copied().unwrap_or_default(), &declared)?;
        for (key, answer) in responses.unwrap_or_default() {
            if open.get(&key).is_some_and(|question| answers(question, &answer)) && (!stateful || state.is_some()) {
                open.remove(&key);
                at.answers.insert(key, answer);
            }
        }
        if open.is_empty() {
            at.round += 1;
            let Some(next) = rounds.get(at.round) else { return Ok(Round::Closed(at.answers)) };
            open = questions(next, &declared)?;
        }
        let sealed = stateful.then(|| self.0.seal_json_with(&at, &bound)).transpose();
        let sealed = sealed.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let open = serde_json::from_value::<InputRequests>(Value::Object(open))
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(Round::Open(InputRequiredResult::new(Some(open), sealed)))
    }
}

/// The questions that this client can answer; an error if it can answer none of them.
fn questions(keys: &[&str], declared: &ClientCapabilities) -> Result<JsonObject, ErrorData> {
    let mut questions = JsonObject::new();
    let mut missing = JsonObject::new();
    for key in keys {
        let (capability, question) = question(key);
        let has = serde_json::to_value(declared).is_ok_and(|declared| declared.get(capability).is_some());
        if has {
            questions.insert((*key).to_owned(), question);
        } else {
            missing.insert(capability.to_owned(), json!({}));
        }
    }
    if questions.is_empty() && !missing.is_empty() {
        let missing = serde_json::from_value(Value::Object(missing)).unwrap_or_default();
        return Err(ErrorData::missing_required_client_capability(missing));
    }
    Ok(questions)
}

/// A question, and the capability of the client that it takes.
fn question(key: &str) -> (&'static str, Value) {
    match key {
        "capital_question" => {
            let content = json!({ "type": "text", "text": "What is the capital of France?" });
            let params = json!({ "messages": [{ "role": "user", "content": content }], "maxTokens": 100 });
            ("sampling", json!({ "method": "sampling/createMessage", "params": params }))
        }
        "client_roots" => ("roots", json!({ "method": "roots/list", "params": {} })),
        "confirm" => ("elicitation", form("Please confirm.", "ok", "boolean")),
        "step2" => ("elicitation", form("Step 2: What is your favorite color?", "color", "string")),
        "user_context" => ("elicitation", form("What context should the prompt use?", "context", "string")),
        _ => ("elicitation", form("What is your name?", "name", "string")),
    }
}

/// A question with one field.
pub(crate) fn form(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    json!({ "method": "elicitation/create", "params": { "message": message, "requestedSchema": schema } })
}

/// Whether an answer has the shape that the question asks for.
fn answers(question: &Value, answer: &Value) -> bool {
    match question.get("method").and_then(Value::as_str) {
        Some("sampling/createMessage") => answer.get("content").is_some(),
        Some("roots/list") => answer.get("roots").is_some_and(Value::is_array),
        _ => {
            let required = question.pointer("/params/requestedSchema/required/0").and_then(Value::as_str);
            let given = required.and_then(|field| answer.get("content")?.get(field));
            answer.get("action").is_some_and(|action| action == "accept") && given.is_some()
        }
    }
}

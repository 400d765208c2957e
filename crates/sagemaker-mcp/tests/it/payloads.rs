//! `create_inference_payload` and `create_instruction_payload`: requests in the form that the
//! model takes. Nothing is sent.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told},
    fake::{Fake, OPEN, stages},
    invoke::{deployed, document},
};

const PAYLOAD: &str = "create_inference_payload";
const INSTRUCTION: &str = "create_instruction_payload";

/// Writes for a model whose document says so.
async fn of_model(more: Value, tool: &str, arguments: Value) -> Told {
    let fake = Fake::new();
    fake.state().document = Some(document(&more));
    let desk = Desk::open(fake).await;
    let mut all = json!({"model_id": OPEN});
    all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    let told = desk.call(tool, all).await;
    assert_eq!(desk.fake.writes(), [""; 0]);
    told
}

async fn general(tool: &str, arguments: Value) -> Told {
    let desk = Desk::open(Fake::new()).await;
    let told = desk.call(tool, arguments).await;
    assert_eq!(desk.fake.asked("").len(), 0, "without a model nobody is asked");
    told
}

fn text_example() -> Value {
    json!({"DefaultPayloads": {"story": {
        "Body": {"prompt": "Once", "parameters": {"details": true, "temperature": 0.1}, "stream": false},
        "ContentType": "application/vnd.oak+json", "Accept": "application/x-oak", "PromptKey": "prompt",
    }}})
}

fn chat_example() -> Value {
    json!({"DefaultPayloads": {"talk": {
        "Body": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 7, "logprobs": true},
        "ContentType": "application/json",
    }}})
}

fn image_example() -> Value {
    json!({"DefaultPayloads": {"cat": {"Body": "$s3<inference/cat.jpg>", "ContentType": "application/x-image"}}})
}

#[tokio::test(start_paused = true)]
async fn the_general_form_is_that_of_text_generation_with_the_usual_parameters() {
    let told = general(PAYLOAD, json!({"input_text": "hi"})).await;
    let parameters = json!({"max_new_tokens": 64, "top_p": 0.9, "temperature": 0.6, "return_full_text": false});
    assert_eq!(told.report["result"]["payload"], json!({"inputs": "hi", "parameters": parameters}));
    let types = (told.text("/result/content_type"), told.text("/result/accept"));
    assert_eq!((types, told.next().0), (("application/json", "application/json"), "nothing"));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_says_is_taken_and_what_it_leaves_out_is_left_out() {
    let own = json!({"max_new_tokens": 9, "top_p": 0.5, "temperature": 0.0, "return_full_text": true, "seed": 1,
        "repetition_penalty": 1.5, "do_sample": true, "top_k": 4});
    let mut arguments = own.clone();
    arguments["input_text"] = json!("hi");
    let told = general(PAYLOAD, arguments).await;
    assert_eq!(told.report["result"]["payload"], json!({"inputs": "hi", "parameters": own}));
}

#[tokio::test(start_paused = true)]
async fn a_model_is_asked_in_the_form_of_its_own_example() {
    let told = of_model(text_example(), PAYLOAD, json!({"input_text": "hi"})).await;
    let parameters =
        json!({"details": true, "max_new_tokens": 64, "top_p": 0.9, "temperature": 0.6, "return_full_text": false});
    let expected = json!({"prompt": "hi", "parameters": parameters, "stream": false});
    assert_eq!((&told.report["result"]["payload"], told.text("/result/preset")), (&expected, "story"));
    let types = (told.text("/result/content_type"), told.text("/result/accept"));
    assert_eq!(types, ("application/vnd.oak+json", "application/x-oak"));
}

#[tokio::test(start_paused = true)]
async fn a_chat_model_gets_a_message_and_no_parameter_that_it_would_refuse() {
    let told = of_model(chat_example(), PAYLOAD, json!({"input_text": "hi", "top_k": 4, "seed": 1})).await;
    let expected = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 64, "logprobs": true,
        "top_p": 0.9, "temperature": 0.6, "seed": 1});
    assert_eq!(told.report["result"]["payload"], expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_for_an_endpoint_is_sent_by_the_call_that_is_named() {
    let desk = deployed(text_example()).await;
    let written = desk.call(PAYLOAD, json!({"endpoint_name": "oak", "input_text": "hi"})).await;
    assert_eq!(written.next().0, "invoke_sagemaker_endpoint");
    assert!(!desk.go_on(&written).await.is_error);
    let sent = desk.fake.state().invoked[0].clone();
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!((&body, sent.content_type.as_str()), (&written.report["result"]["payload"], "application/vnd.oak+json"));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_others_is_asked_in_the_general_form() {
    let desk = Desk::open(Fake::new().with("llama", stages(&[(0, "InService")]))).await;
    let told = desk.call(PAYLOAD, json!({"endpoint_name": "llama", "input_text": "hi"})).await;
    assert_eq!((told.text("/result/payload/inputs"), told.next().0), ("hi", "invoke_sagemaker_endpoint"));
    let told = desk.call(PAYLOAD, json!({"endpoint_name": "lama", "input_text": "hi"})).await;
    assert_eq!((told.code(), told.next().0), ("not_found", "list_sagemaker_endpoints"));
}

#[tokio::test(start_paused = true)]
async fn a_long_prompt_is_written_whole() {
    let long = "word ".repeat(19_999);
    let told = general(PAYLOAD, json!({"input_text": long})).await;
    assert_eq!(told.report["result"]["payload"]["inputs"], json!(long));
    let told = general(INSTRUCTION, json!({"instruction": "Sum up.", "context": long})).await;
    assert!(told.text("/result/payload/inputs").contains(&format!("{long}\n\n### Response:\n")));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_looks_like_a_secret_is_the_callers_own_and_is_sent_as_it_is() {
    let desk = Desk::open(Fake::new().with("llama", stages(&[(0, "InService")]))).await;
    let prompt = "Is password=hunter2 a good one? \u{200b}And AKIAIOSFODNN7EXAMPLE?";
    let written = desk.call(PAYLOAD, json!({"endpoint_name": "llama", "input_text": prompt})).await;
    assert!(!desk.go_on(&written).await.is_error);
    let sent: Value = serde_json::from_slice(&desk.fake.state().invoked[0].body).unwrap();
    assert_eq!(sent["inputs"], prompt);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_takes_no_text_is_refused_with_the_call_that_shows_what_it_takes() {
    let typed = json!({"SageMakerSdkPredictorSpecifications": {"DefaultContentType": "application/x-image"}});
    for (more, arguments) in
        [(image_example(), json!({})), (typed, json!({})), (image_example(), json!({"preset": "cat"}))]
    {
        let mut arguments = arguments;
        arguments["input_text"] = json!("hi");
        let told = of_model(more, PAYLOAD, arguments).await;
        assert_eq!(
            (told.code(), told.next()),
            ("unsupported", ("describe_jumpstart_model", json!({"model_id": OPEN})))
        );
    }
    let desk = deployed(image_example()).await;
    let told = desk.call(INSTRUCTION, json!({"endpoint_name": "oak", "instruction": "Sum up."})).await;
    assert_eq!((told.code(), desk.go_on(&told).await.is_error), ("unsupported", false));
}

#[tokio::test(start_paused = true)]
async fn an_instruction_is_a_template_for_models_that_go_on_with_a_text() {
    let told = general(INSTRUCTION, json!({"instruction": "Sum up.", "context": "Text."})).await;
    let expected = "Below is an instruction that describes a task, paired with an input that provides further context. \
                    Write a response that appropriately completes the request.\n\n### Instruction:\nSum up.\n\n### \
                    Input:\nText.\n\n### Response:\n";
    assert_eq!(told.report["result"]["payload"], json!({"inputs": expected, "parameters": {"max_new_tokens": 100}}));
    let told = general(INSTRUCTION, json!({"instruction": "Sum up.", "max_new_tokens": 7})).await;
    assert!(!told.text("/result/payload/inputs").contains("### Input"));
    assert_eq!(told.report["result"]["payload"]["parameters"], json!({"max_new_tokens": 7}));
}

#[tokio::test(start_paused = true)]
async fn an_instruction_is_a_message_for_chat_models() {
    let told = of_model(chat_example(), INSTRUCTION, json!({"instruction": "Sum up.", "context": "Text."})).await;
    let messages = json!([{"role": "user", "content": "Sum up.\n\nText."}]);
    assert_eq!(told.report["result"]["payload"], json!({"messages": messages, "max_tokens": 100, "logprobs": true}));
}

#[tokio::test(start_paused = true)]
async fn an_example_that_the_model_has_not_is_refused_with_those_that_it_has() {
    let told = of_model(text_example(), PAYLOAD, json!({"input_text": "hi", "preset": "tale"})).await;
    assert_eq!(told.code(), "invalid_argument");
    assert!(told.sentence.starts_with("`preset`") && told.sentence.contains("story"), "{}", told.sentence);
    assert!(general(PAYLOAD, json!({"input_text": "hi", "preset": "x"})).await.sentence.starts_with("`preset`"));
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_refused() {
    for (tool, more, argument) in [
        (PAYLOAD, json!({"input_text": ""}), "input_text"),
        (PAYLOAD, json!({"input_text": "x".repeat(100_001)}), "input_text"),
        (PAYLOAD, json!({"input_text": "x", "max_new_tokens": 0}), "max_new_tokens"),
        (PAYLOAD, json!({"input_text": "x", "top_p": 1.1}), "top_p"),
        (PAYLOAD, json!({"input_text": "x", "temperature": -1}), "temperature"),
        (PAYLOAD, json!({"input_text": "x", "top_k": 0}), "top_k"),
        (PAYLOAD, json!({"input_text": "x", "endpoint_name": "a", "model_id": "b"}), "model_id"),
        (INSTRUCTION, json!({"instruction": " "}), "instruction"),
        (INSTRUCTION, json!({"instruction": "x", "context": "x".repeat(100_001)}), "context"),
        (INSTRUCTION, json!({"instruction": "x", "max_new_tokens": 0}), "max_new_tokens"),
    ] {
        let told = general(tool, more).await;
        assert_eq!(told.code(), "invalid_argument");
        assert!(told.sentence.starts_with(&format!("`{argument}`")), "{argument}: {}", told.sentence);
    }
}

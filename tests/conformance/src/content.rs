//! Tools that answer with more than text and JSON.

use std::sync::Arc;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ResourceContents, Tool};
use serde_json::{Value, json};

/// A red pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
/// A moment of silence.
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        tool("test_image_content", "Answers with an image.", json!({})),
        tool("test_audio_content", "Answers with sound.", json!({})),
        tool("test_embedded_resource", "Answers with a resource.", json!({})),
        tool("test_multiple_content_types", "Answers with a text, an image and a resource.", json!({})),
        Tool::new(
            "json_schema_2020_12_tool",
            "Has a schema with much of JSON Schema 2020-12.",
            object(schema_2020_12()),
        ),
    ]
}

/// A tool with these properties, none of them required.
pub(crate) fn tool(name: &'static str, description: &'static str, properties: Value) -> Tool {
    Tool::new(name, description, object(json!({ "type": "object", "properties": properties })))
}

fn object(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(object) => Arc::new(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Arc::default(),
    }
}

/// The answer of one of these tools.
pub(crate) fn answer(name: &str) -> Option<CallToolResult> {
    let content = match name {
        "test_image_content" => vec![image()],
        "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
        "test_embedded_resource" => {
            vec![resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
        }
        "test_multiple_content_types" => {
            let data = r#"{"test":"data","value":123}"#;
            let resource = resource("test://mixed-content-resource", "application/json", data);
            vec![ContentBlock::text("Multiple content types test:"), image(), resource]
        }
        "json_schema_2020_12_tool" => vec![ContentBlock::text("It is the schema that counts.")],
        _ => return None,
    };
    Some(CallToolResult::success(content))
}

pub(crate) fn image() -> ContentBlock {
    ContentBlock::image(PNG, "image/png")
}

pub(crate) fn resource(uri: &str, mime_type: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

/// What the engine's own lists leave out on purpose, because some clients stumble over it.
fn schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

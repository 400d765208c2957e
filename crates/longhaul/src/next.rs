//! [`Next`]: the call that makes sense now.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A call that makes sense now. Nothing makes it by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments, complete.
    pub arguments: Map<String, Value>,
    /// When it is worth while, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seconds: Option<u64>,
    /// What it would do.
    pub why: String,
}

/// Only what a client may rely on: the list of tools carries it once a tool, and models read it.
impl JsonSchema for Next {
    fn schema_name() -> Cow<'static, str> {
        "Next".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["tool", "arguments"],
            "properties": { "tool": { "type": "string" }, "arguments": { "type": "object" } },
        })
    }
}

impl Next {
    /// The call of `tool` that `why` describes.
    #[must_use]
    pub fn new(tool: &str, why: impl Into<String>) -> Self {
        Self { tool: tool.to_owned(), arguments: Map::new(), after_seconds: None, why: why.into() }
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, argument: &str, value: impl Into<Value>) -> Self {
        self.arguments.insert(argument.to_owned(), value.into());
        self
    }

    /// Worth while after so many seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.after_seconds = Some(seconds);
        self
    }
}

//! The tool list: built once, from the doc comments and types of the tools.
//!
//! Schemas are cleaned of what clients stumble over: `format: uint64` and `type: [x, "null"]`
//! (Ajv, Inspector `--strict`), `$ref`s, and words that only cost a model's attention.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::tool::Class;

/// What the list says of one tool, beside its types.
pub(super) struct Facts {
    pub(super) name: &'static str,
    pub(super) class: Class,
    pub(super) idempotent: bool,
    /// Whether the dispatcher takes `wait_seconds`.
    pub(super) long: bool,
}

/// The entry of a tool with arguments `A` that answers with `O`.
pub(super) fn entry<A: JsonSchema, O: JsonSchema>(facts: &Facts) -> Tool {
    let mut input = schema::<A>();
    let description = match input.remove("description") {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    add_own_arguments(&mut input, facts);
    let mut output = schema::<O>();
    strip(&mut output, "description");
    let annotations = ToolAnnotations::new()
        .read_only(facts.class == Class::Read)
        .destructive(facts.class == Class::Destructive)
        .idempotent(facts.idempotent)
        .open_world(true);
    Tool::new(facts.name, description, Arc::new(input))
        .with_title(title(facts.name))
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations)
}

/// What a model reads of the list: names, descriptions and input schemas, in bytes.
#[must_use]
pub fn read_by_models(tools: &[Tool]) -> usize {
    let read = |tool: &Tool| {
        let schema = serde_json::to_string(&tool.input_schema).unwrap_or_default();
        tool.name.len() + tool.description.as_deref().unwrap_or_default().len() + schema.len()
    };
    tools.iter().map(read).sum()
}

fn schema<T: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut value = settings.into_generator().into_root_schema_for::<T>().to_value();
    clean(&mut value);
    let mut schema = value.as_object_mut().map(std::mem::take).unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| json!({}));
    schema
}

fn add_own_arguments(input: &mut JsonObject, facts: &Facts) {
    let Some(Value::Object(properties)) = input.get_mut("properties") else { return };
    if facts.long {
        let wait = json!({
            "type": "integer", "minimum": 0, "maximum": super::MAX_WAIT_SECONDS,
            "description": "Answer after so many seconds; the work goes on. Default: 50, or to the end if progress is shown."
        });
        properties.insert("wait_seconds".into(), wait);
    }
    if facts.class == Class::Destructive {
        let confirm =
            json!({ "type": "string", "description": "Repeat the name of what is to go, or the number of several." });
        properties.insert("confirm".into(), confirm);
    }
}

/// `deploy_jumpstart_model` → `Deploy jumpstart model`.
fn title(name: &str) -> String {
    let mut title = name.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn clean(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            // Keywords, not properties that happen to be called so.
            fields.remove("$schema");
            if fields.get("title").is_some_and(Value::is_string) {
                fields.remove("title");
            }
            if fields.get("format").and_then(Value::as_str).is_some_and(is_rust_format) {
                fields.remove("format");
            }
            // What is nothing, empty or false by default needs no word.
            let tells = |default: &Value| {
                !matches!(default, Value::Null | Value::Bool(false)) && *default != json!([]) && *default != json!({})
            };
            if fields.get("default").is_some_and(|default| !tells(default)) {
                fields.remove("default");
            }
            drop_null(fields);
            join_words(fields);
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = unwrap_lines(text);
            }
            for (keyword, value) in fields.iter_mut() {
                match keyword.as_str() {
                    // Values, not schemas.
                    "enum" | "const" | "default" | "examples" => {}
                    // A map of names to schemas: its keys are not keywords.
                    "properties" => {
                        if let Value::Object(named) = value {
                            named.values_mut().for_each(clean)
                        }
                    }
                    _ => clean(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_rust_format(format: &str) -> bool {
    format.starts_with("uint") || format.starts_with("int") || matches!(format, "float" | "double")
}

/// An optional field is one that may be absent: `null` need not be offered too.
fn drop_null(fields: &mut JsonObject) {
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = fields.get_mut("enum") {
        choices.retain(|choice| !choice.is_null());
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            fields.remove("anyOf");
            for (keyword, value) in only {
                fields.entry(keyword).or_insert(value);
            }
        }
    }
}

/// A choice among documented words is said shorter as an `enum`; some clients know no `oneOf`.
fn join_words(fields: &mut JsonObject) {
    let Some(Value::Array(choices)) = fields.get("oneOf") else { return };
    let words: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(words) = words {
        fields.remove("oneOf");
        fields.insert("type".into(), "string".into());
        fields.insert("enum".into(), words.into());
    }
}

/// Lines of one paragraph become one line.
fn unwrap_lines(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

fn strip(schema: &mut JsonObject, keyword: &str) {
    if schema.get(keyword).is_some_and(Value::is_string) {
        schema.remove(keyword);
    }
    for value in schema.values_mut() {
        strip_value(value, keyword);
    }
}

fn strip_value(value: &mut Value, keyword: &str) {
    match value {
        Value::Object(fields) => strip(fields, keyword),
        Value::Array(items) => items.iter_mut().for_each(|item| strip_value(item, keyword)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Does a thing.
    /// Not another.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Args {
        /// How many.
        count: Option<u32>,
        /// A title, which is also a keyword.
        title: String,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Open,
        Gated,
    }

    fn tool(class: Class, long: bool) -> Tool {
        entry::<Args, crate::report::CallReport<u32>>(&Facts { name: "do_it", class, idempotent: true, long })
    }

    #[test]
    fn trap_11_schemas_carry_no_rust_formats_nulls_or_refs() {
        let text = serde_json::to_string(&tool(Class::Destructive, true)).unwrap();
        for word in ["uint32", "null", "$ref", "$schema", "$defs"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn the_doc_comment_is_the_description_and_properties_keep_their_names() {
        let tool = tool(Class::Read, false);
        assert_eq!(tool.description.as_deref(), Some("Does a thing. Not another."));
        let properties = tool.input_schema["properties"].as_object().unwrap();
        assert_eq!(properties.keys().collect::<Vec<_>>(), ["count", "kind", "title"]);
        assert_eq!(properties["count"], json!({"type": "integer", "minimum": 0, "description": "How many."}));
        assert_eq!(properties["kind"]["enum"], json!(["open", "gated"]));
        assert_eq!(tool.input_schema["required"], json!(["title"]));
        assert_eq!(tool.input_schema["additionalProperties"], json!(false));
    }

    #[test]
    fn all_four_annotations_are_told_and_the_dispatchers_arguments_are_listed() {
        let destructive = tool(Class::Destructive, true);
        let hints = destructive.annotations.unwrap();
        assert_eq!(
            (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint),
            (Some(false), Some(true), Some(true), Some(true))
        );
        let properties = destructive.input_schema["properties"].as_object().unwrap();
        assert!(properties.contains_key("wait_seconds") && properties.contains_key("confirm"));
        let read = tool(Class::Read, false);
        let properties = read.input_schema["properties"].as_object().unwrap();
        assert!(!properties.contains_key("wait_seconds") && !properties.contains_key("confirm"));
    }
}

//! From what a server says of itself to a table in Markdown. Pure.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A tool as the server lists it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool {
    name: String,
    description: String,
    input_schema: Schema,
    annotations: Annotations,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    required: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    read_only_hint: bool,
    destructive_hint: bool,
}

impl Annotations {
    fn class(&self) -> &'static str {
        match (self.read_only_hint, self.destructive_hint) {
            (true, _) => "read",
            (false, false) => "write",
            (false, true) => "destructive",
        }
    }
}

/// A setting as the server knows it.
#[derive(Deserialize)]
pub(super) struct Key {
    key: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    default: Value,
    #[serde(default)]
    env: Option<String>,
    #[serde(default)]
    flag: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    secret: bool,
}

/// The table of tools; required arguments are bold.
pub(super) fn tools(tools: &[Tool]) -> String {
    let rows = tools.iter().map(|tool| {
        let properties = tool.input_schema.properties.keys();
        let arguments = properties.map(|name| match tool.input_schema.required.contains(name) {
            true => format!("**`{name}`**"),
            false => format!("`{name}`"),
        });
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        [format!("`{}`", tool.name), tool.annotations.class().to_owned(), cell(&tool.description), arguments]
    });
    table(["Tool", "Class", "What it does", "Arguments"], rows)
}

/// The table of settings.
pub(super) fn config(keys: &[Key]) -> String {
    let code = |text: Option<&str>| text.map(|text| format!("`{text}`")).unwrap_or_default();
    let rows = keys.iter().map(|key| {
        let default = match key.default.as_str() {
            None if key.default.is_null() => String::new(),
            None => code(Some(&key.default.to_string())),
            text => code(text),
        };
        let secret = if key.secret { " Secret." } else { "" };
        let flag = key.flag.as_deref().map(|flag| format!("--{}", flag.trim_start_matches('-')));
        [
            code(Some(&key.key)),
            cell(&key.kind),
            default,
            code(key.env.as_deref()),
            code(flag.as_deref()),
            format!("{}{secret}", cell(&key.description)),
        ]
    });
    table(["Setting", "Type", "Default", "Environment", "Flag", "What it is"], rows)
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let row = |cells: &[String; N]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(N));
    let head = row(&head.map(str::to_owned));
    head + &rule + &rows.map(|cells| row(&cells)).collect::<String>()
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tool_is_a_row() {
        let tool = json!([{
            "name": "wait_endpoint", "description": "Waits.\nNot for\nstarting.",
            "inputSchema": {"properties": {"endpoint_name": {}, "until": {"enum": ["a"]}}, "required": ["endpoint_name"]},
            "annotations": {"readOnlyHint": true, "destructiveHint": false},
        }]);
        let made = tools(&serde_json::from_value::<Vec<Tool>>(tool).unwrap());
        let row = "| `wait_endpoint` | read | Waits. Not for starting. | **`endpoint_name`**, `until` |";
        assert_eq!(made.lines().last(), Some(row));
    }

    #[test]
    fn a_setting_is_a_row() {
        let key = json!([{
            "key": "server.port", "type": "integer", "default": 8000, "env": "MCP_SERVER_PORT", "flag": null,
            "description": "Port, 1 | 2.", "secret": false,
        }]);
        let made = config(&serde_json::from_value::<Vec<Key>>(key).unwrap());
        let row = "| `server.port` | integer | `8000` | `MCP_SERVER_PORT` |  | Port, 1 \\| 2. |";
        assert_eq!(made.lines().last(), Some(row));
    }
}

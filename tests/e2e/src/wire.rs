//! JSON-RPC messages, and what may stand on stdout.

use serde_json::{Map, Value, json};

/// The newest protocol version.
pub const MODERN: &str = "2026-07-28";
/// The last version with a handshake.
pub const LEGACY: &str = "2025-11-25";

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25: after a handshake, without metadata.
    Legacy,
    /// 2026-07-28.
    Modern,
    /// 2026-07-28, and the client declares that it reads tasks.
    Tasks,
}

/// A request.
#[must_use]
pub fn request(era: Era, id: u64, method: &str, params: Value) -> Value {
    let Value::Object(mut params) = params else { panic!("{params} are no parameters") };
    if era != Era::Legacy {
        let meta = params.entry("_meta").or_insert_with(|| Value::Object(Map::new()));
        let capabilities = match era {
            Era::Tasks => json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }),
            Era::Legacy | Era::Modern => json!({}),
        };
        meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "e2e", "version": "1" });
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    }
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A call of a tool.
#[must_use]
pub fn call(era: Era, id: u64, tool: &str, arguments: Value) -> Value {
    request(era, id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

/// The same message with a progress token.
#[must_use]
pub fn with_token(mut message: Value, token: &str) -> Value {
    message["params"]["_meta"]["progressToken"] = json!(token);
    message
}

/// The handshake of a legacy client that is modern enough to know of tasks.
#[must_use]
pub fn initialize(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": {
        "protocolVersion": LEGACY,
        "capabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } },
        "clientInfo": { "name": "e2e", "version": "1" },
    } })
}

/// What follows the handshake.
#[must_use]
pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// The structured content of a tool's answer.
#[must_use]
pub fn report(answer: &Value) -> &Value {
    answer.pointer("/result/structuredContent").unwrap_or_else(|| panic!("no structured content: {answer}"))
}

/// One line of stdout: a JSON-RPC message or nothing that may stand there.
///
/// # Errors
/// Why it is none.
pub fn message(line: &[u8]) -> Result<Value, String> {
    let shown = || String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("{error}: {}", shown()))?;
    let has = |field: &str| value.get(field).is_some();
    // MCP lets an error go without an id where the request had none that could be read.
    let answers = (has("id") || has("error")) && (has("result") != has("error")) && !has("method");
    let tells = has("method") && !has("result") && !has("error");
    if value["jsonrpc"] == "2.0" && (answers || tells) { Ok(value) } else { Err(shown()) }
}

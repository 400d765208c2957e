//! One skill with a folder in it: the extension `io.modelcontextprotocol/skills`.

use rmcp::{
    ErrorData,
    model::{CustomRequest, CustomResult, ErrorCode, JsonObject, Resource},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const MARKDOWN: &str = "text/markdown";
const FOLDER: &str = "inode/directory";
const NAME: &str = "boil-water";
const DESCRIPTION: &str = "How to boil water without burning the kettle";

const ROOT: &str = "skill://boil-water";
const SKILL: &str = "skill://boil-water/SKILL.md";
const REFERENCES: &str = "skill://boil-water/references";
const KETTLES: &str = "skill://boil-water/references/KETTLES.md";

const SKILL_TEXT: &str = "---\nname: boil-water\ndescription: How to boil water without burning the kettle\n---\n\nFill it, switch it on, wait.\n";
const KETTLES_TEXT: &str = "Electric ones switch themselves off.\n";

/// What the server declares.
pub(crate) fn extension() -> (String, JsonObject) {
    let mut settings = JsonObject::new();
    settings.insert("directoryRead".to_owned(), true.into());
    ("io.modelcontextprotocol/skills".to_owned(), settings)
}

pub(crate) fn resources() -> Vec<Resource> {
    vec![Resource::new(SKILL, NAME).with_description(DESCRIPTION).with_mime_type(MARKDOWN)]
}

/// The text of a file of the skill.
pub(crate) fn text(uri: &str) -> Option<(&'static str, &'static str)> {
    match uri {
        SKILL => Some((SKILL_TEXT, MARKDOWN)),
        KETTLES => Some((KETTLES_TEXT, MARKDOWN)),
        _ => None,
    }
}

/// The methods of the extension.
pub(crate) fn answer(request: &CustomRequest) -> Result<CustomResult, ErrorData> {
    let uri = request.params.as_ref().and_then(|params| params.get("uri")).and_then(Value::as_str);
    let unknown = || ErrorData::invalid_params("there is no such skill or folder here", Some(json!({ "uri": uri })));
    let mut result = match (request.method.as_str(), uri) {
        ("skills/list", _) => json!({ "skills": [skill()] }),
        ("skills/get", Some(SKILL)) => json!({ "skill": skill() }),
        ("resources/directory/read", Some(ROOT)) => {
            let folder = json!({ "uri": REFERENCES, "name": "references", "mimeType": FOLDER });
            json!({ "resources": [file(SKILL, "SKILL.md"), folder] })
        }
        ("resources/directory/read", Some(REFERENCES)) => json!({ "resources": [file(KETTLES, "KETTLES.md")] }),
        ("skills/get" | "resources/directory/read", _) => return Err(unknown()),
        (method, _) => return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)),
    };
    if let Some(result) = result.as_object_mut() {
        result.insert("resultType".to_owned(), "complete".into());
        result.insert("ttlMs".to_owned(), 300_000.into());
        result.insert("cacheScope".to_owned(), "private".into());
    }
    Ok(CustomResult::new(result))
}

fn skill() -> Value {
    let resources = [(SKILL, SKILL_TEXT), (KETTLES, KETTLES_TEXT)].map(|(uri, text)| {
        let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "uri": uri, "digest": format!("sha256:{digest}"), "size": text.len() })
    });
    json!({ "uri": SKILL, "frontmatter": { "name": NAME, "description": DESCRIPTION }, "resources": resources })
}

fn file(uri: &str, name: &str) -> Value {
    json!({ "uri": uri, "name": name, "mimeType": MARKDOWN })
}

//! The suite's resources.

use rmcp::{
    ErrorData,
    model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::json;

use crate::{content::PNG, skills};

pub(crate) fn listed() -> Vec<Resource> {
    let mut listed = vec![
        Resource::new("test://static-text", "static-text").with_mime_type("text/plain").with_description("A text."),
        Resource::new("test://static-binary", "static-binary").with_mime_type("image/png").with_description("A pixel."),
        Resource::new("test://watched-resource", "watched-resource").with_mime_type("text/plain"),
    ];
    listed.extend(skills::resources());
    listed
}

pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![ResourceTemplate::new("test://template/{id}/data", "template").with_mime_type("application/json")]
}

pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = |text: &str, mime_type: &str| ResourceContents::text(text, uri).with_mime_type(mime_type);
    let contents = match uri {
        "test://static-text" => text("This is the content of the static text resource.", "text/plain"),
        "test://static-binary" => ResourceContents::blob(PNG, uri).with_mime_type("image/png"),
        "test://watched-resource" => text("Nothing has changed.", "text/plain"),
        _ => match (from_template(uri), skills::text(uri)) {
            (Some(data), _) => text(&data, "application/json"),
            (None, Some((skill, mime_type))) => text(skill, mime_type),
            (None, None) => {
                return Err(ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": uri }))));
            }
        },
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

fn from_template(uri: &str) -> Option<String> {
    let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
    Some(json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string())
}

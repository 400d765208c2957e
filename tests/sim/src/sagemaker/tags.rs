//! AddTags, ListTags, DeleteTags.

use serde_json::{Value, json};

use super::input::Input;
use super::state::World;
use super::wire::AwsError;

/// How many tags a resource may have.
const LIMIT: usize = 50;

pub(crate) fn add(world: &mut World, input: Input<'_>) -> Result<Value, AwsError> {
    let arn = input.required_text("ResourceArn")?.to_owned();
    let new = input.tags()?;
    let tags = world.tags_mut(&arn)?;
    let mut merged = tags.clone();
    for tag in new {
        merged.retain(|old| old.key != tag.key);
        merged.push(tag);
    }
    if merged.len() > LIMIT {
        return Err(AwsError::new(
            "ResourceLimitExceeded",
            axum::http::StatusCode::BAD_REQUEST,
            format!("A resource can have at most {LIMIT} tags."),
        ));
    }
    tags.clone_from(&merged);
    Ok(json!({"Tags": merged}))
}

pub(crate) fn list(world: &World, input: Input<'_>) -> Result<Value, AwsError> {
    // A page holds as many tags as a resource may have, so there is only one.
    input.whole("MaxResults", 50, u64::MAX)?;
    let record = world.find(input.required_text("ResourceArn")?)?;
    Ok(json!({"Tags": record.tags}))
}

pub(crate) fn delete(world: &mut World, input: Input<'_>) -> Result<Value, AwsError> {
    let arn = input.required_text("ResourceArn")?.to_owned();
    let keys = input.list("TagKeys")?.map(Vec::as_slice);
    let keys = keys.unwrap_or_default();
    let tags = world.tags_mut(&arn)?;
    tags.retain(|tag| !keys.contains(&json!(tag.key)));
    Ok(json!({}))
}

//! Names of the tools, and the calls that answers name as `next`.

use longhaul::report::Next;

/// Name of the tool that starts.
pub const DEPLOY: &str = "deploy_jumpstart_model";
/// Name of the tool that waits.
pub const WAIT: &str = "wait_sagemaker_endpoint";
/// Name of the tool that lists.
pub const LIST: &str = "list_sagemaker_endpoints";
/// Name of the tool that describes.
pub const DESCRIBE: &str = "describe_sagemaker_endpoint";
/// Name of the tool that removes an endpoint.
pub const DELETE: &str = "delete_sagemaker_endpoint";
/// Name of the tool that removes leftovers.
pub const CLEANUP: &str = "cleanup_leftovers";
/// Name of the tool that looks at the surroundings.
pub const CHECK: &str = "check_environment";
/// Name of the tool that searches for models.
pub const SEARCH: &str = "search_jumpstart_models";
/// Name of the tool that describes a model.
pub const DESCRIBE_MODEL: &str = "describe_jumpstart_model";
/// Name of the tool that recommends instance types.
pub const RECOMMEND: &str = "recommend_instance";
/// Name of the tool that plans.
pub const PLAN: &str = "plan_deployment";
/// Name of the tool that reads a container's log.
pub const LOGS: &str = "get_sagemaker_endpoint_logs";
/// Name of the tool that writes a request.
pub const PAYLOAD: &str = "create_inference_payload";
/// Name of the tool that writes a request from an instruction.
pub const INSTRUCTION: &str = "create_instruction_payload";
/// Name of the tool that invokes.
pub const INVOKE: &str = "invoke_sagemaker_endpoint";
/// Name of the tool that updates.
pub const UPDATE: &str = "update_sagemaker_endpoint";
/// Name of the tool that scales.
pub const SCALE: &str = "scale_sagemaker_endpoint";

/// The call that follows an endpoint into service.
#[must_use]
pub fn wait_until_in_service(endpoint: &str) -> Next {
    Next::new(WAIT, "Follows the endpoint until it is in service or has failed.")
        .with("endpoint_name", endpoint)
        .with("until", "in_service")
        .after(30)
}

/// The call that follows an endpoint until it is gone.
#[must_use]
pub fn wait_until_deleted(endpoint: &str) -> Next {
    Next::new(WAIT, "Follows the endpoint until it is gone.")
        .with("endpoint_name", endpoint)
        .with("until", "deleted")
        .after(30)
}

/// The call that removes an endpoint and what this server made for it.
#[must_use]
pub fn delete(endpoint: &str) -> Next {
    Next::new(
        DELETE,
        "Removes the endpoint and what this server made for it; it costs nothing afterwards. Ask the user.",
    )
    .with("endpoint_name", endpoint)
    .with("confirm", endpoint)
}

/// The call that goes on with a removal that was begun.
#[must_use]
pub fn go_on_deleting(endpoint: &str) -> Next {
    Next { why: "Goes on with the removal that was asked for, to its end.".to_owned(), ..delete(endpoint) }.after(30)
}

/// The call that follows a change of the number of instances; it joins what was begun.
#[must_use]
pub fn scale(endpoint: &str, variant: &str, count: u32) -> Next {
    Next::new(SCALE, "Joins the same change and follows it.")
        .with("endpoint_name", endpoint)
        .with("variant_name", variant)
        .with("instance_count", count)
        .after(30)
}

/// The call that lists the endpoints.
#[must_use]
pub fn list() -> Next {
    Next::new(LIST, "Shows the endpoints that there are.")
}

/// The call that lists what partial starts have left.
#[must_use]
pub fn find_leftovers() -> Next {
    Next::new(CLEANUP, "Lists configurations and models that no endpoint uses.").with("dry_run", true)
}

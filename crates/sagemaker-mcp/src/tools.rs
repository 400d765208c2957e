//! The tools, one file each, and the calls that they name to each other.

pub mod cleanup_leftovers;
pub mod delete_sagemaker_endpoint;
pub mod deploy_jumpstart_model;
pub mod describe_sagemaker_endpoint;
pub mod list_sagemaker_endpoints;
pub mod wait_sagemaker_endpoint;

use longhaul::{fault::Fault, report::Next};

use crate::names;

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

/// The call that removes an endpoint and what stands behind it.
#[must_use]
pub fn delete(endpoint: &str) -> Next {
    Next::new(DELETE, "Removes the endpoint, its configuration and its model; nothing of it costs money afterwards.")
        .with("endpoint_name", endpoint)
        .with("confirm", endpoint)
}

/// The call that lists what partial starts have left.
#[must_use]
pub fn find_leftovers() -> Next {
    Next::new(CLEANUP, "Lists configurations and models that no endpoint uses.").with("dry_run", true)
}

/// An endpoint's name as a caller gives it: without blanks around it, and one that SageMaker takes.
pub(crate) fn checked_name(argument: &str, name: &str) -> Result<String, Fault> {
    let name = name.trim();
    match names::wrong_name(name) {
        None => Ok(name.to_owned()),
        Some(why) => Err(Fault::invalid(argument, why).with_advice(format!("{LIST} shows the names of endpoints."))),
    }
}

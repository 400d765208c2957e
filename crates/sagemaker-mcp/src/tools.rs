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

/// A fault that the same call may not meet again, with that call.
pub(crate) fn resumable(fault: Fault, again: impl FnOnce() -> Next) -> Fault {
    if !fault.retryable || fault.next.is_some() {
        return fault;
    }
    let after = fault.retry_after_seconds.unwrap_or(30);
    fault.with_next(again().after(after))
}

/// An endpoint's name as a caller gives it: without blanks around it, and one that SageMaker takes.
pub(crate) fn checked_name(argument: &str, name: &str) -> Result<String, Fault> {
    let name = name.trim();
    match names::wrong_name(name) {
        None => Ok(name.to_owned()),
        Some(why) => Err(Fault::invalid(argument, why).with_advice(format!("{LIST} shows the names of endpoints."))),
    }
}

#[cfg(test)]
mod tests {
    use longhaul::fault::FaultCode;

    use super::*;

    #[test]
    fn only_what_may_pass_names_the_same_call_and_only_where_nothing_better_is_named() {
        let told = |fault: Fault| resumable(fault, || wait_until_deleted("e")).next.map(|next| next.tool);
        assert_eq!(told(Fault::new(FaultCode::Throttled, "")).as_deref(), Some(WAIT));
        assert_eq!(told(Fault::new(FaultCode::Forbidden, "")), None);
        assert_eq!(told(Fault::new(FaultCode::NotYet, "").with_next(delete("e"))).as_deref(), Some(DELETE));
    }

    #[test]
    fn the_same_call_is_worth_while_when_the_vendor_says_so_or_in_half_a_minute() {
        let after = |wait: Option<u64>| {
            let fault = Fault::new(FaultCode::Throttled, "").with_retry_after(wait.map(std::time::Duration::from_secs));
            resumable(fault, || delete("e")).next.and_then(|next| next.after_seconds)
        };
        assert_eq!((after(None), after(Some(7))), (Some(30), Some(7)));
    }

    #[test]
    fn a_name_is_taken_without_the_blanks_around_it_or_refused_with_the_argument() {
        assert_eq!(checked_name("endpoint_name", " llama\n").unwrap(), "llama");
        let fault = checked_name("endpoint_name", " ; rm -rf / ").unwrap_err();
        assert!(fault.message.starts_with("`endpoint_name`") && fault.troubleshooting[0].contains(LIST), "{fault:?}");
    }
}

//! The tools, one file each, and the calls that they name to each other.

pub mod check_environment;
pub mod cleanup_leftovers;
pub mod create_inference_payload;
pub mod create_instruction_payload;
pub mod delete_sagemaker_endpoint;
pub mod deploy_jumpstart_model;
pub mod describe_jumpstart_model;
pub mod describe_sagemaker_endpoint;
pub mod get_sagemaker_endpoint_logs;
pub mod invoke_sagemaker_endpoint;
pub mod list_sagemaker_endpoints;
pub mod plan_deployment;
pub mod recommend_instance;
pub mod scale_sagemaker_endpoint;
pub mod search_jumpstart_models;
pub mod update_sagemaker_endpoint;
pub mod wait_sagemaker_endpoint;

use longhaul::{fault::Fault, report::Next};

pub use crate::calls::*;
use crate::{
    error::{SageMakerError, Why},
    names,
};

/// A fault that the same call may not meet again, with that call.
pub(crate) fn resumable(fault: Fault, again: impl FnOnce() -> Next) -> Fault {
    if !fault.retryable || fault.next.is_some() {
        return fault;
    }
    let after = fault.retry_after_seconds.unwrap_or(30);
    fault.with_next(again().after(after))
}

/// A model's id as a caller gives it: without blanks around it, and one that JumpStart could have.
pub(crate) fn checked_model(id: &str) -> Result<String, Fault> {
    let id = id.trim();
    let well_formed = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if id.is_empty() || id.len() > 256 || !well_formed {
        let why = "must be a JumpStart model id: letters, digits and hyphens, at most 256 characters";
        return Err(Fault::invalid("model_id", why).with_next(Next::new(SEARCH, "Finds models by words.")));
    }
    Ok(id.to_owned())
}

/// A cursor as a caller gives it. Of what it means only AWS knows.
pub(crate) fn checked_cursor(cursor: Option<String>) -> Result<Option<String>, Fault> {
    let cursor = cursor.map(|cursor| cursor.trim().to_owned()).filter(|cursor| !cursor.is_empty());
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > 8192 || !cursor.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Fault::invalid("cursor", "must be the `cursor` of the page before"));
    }
    Ok(cursor)
}

/// What AWS refuses although this server could not see anything wrong with it: the cursor, if there
/// is one.
pub(crate) fn refused(error: SageMakerError, cursor: Option<&String>) -> Fault {
    if cursor.is_none() || error.why() != Some(Why::Refused) {
        return error.into();
    }
    let message = Fault::invalid("cursor", "AWS does not know it; start again without it").message;
    Fault { message, ..Fault::from(error) }.with_advice("A cursor is good for the same filters only, and expires.")
}

/// Refuses what is no version and no pattern of versions.
pub(crate) fn checked_version(version: Option<&str>) -> Result<(), Fault> {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '-'));
    match version.map(str::trim) {
        Some(version) if version.len() > 32 || version.contains(odd) => {
            let why = "must be a version such as `2.0.1`, a pattern such as `1.*`, or `*`";
            Err(Fault::invalid("model_version", why))
        }
        _ => Ok(()),
    }
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

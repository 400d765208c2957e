//! [`SageMakerError`]: why AWS did not do what it was asked, and what a caller is told of it.

use std::time::Duration;

use longhaul::{
    fault::{Backend, Fault, FaultCode},
    report::Next,
};
use thiserror::Error;

use crate::{calls, jumpstart::Refusal};

/// Why AWS did not do what it was asked, or was not asked.
#[derive(Debug, Error)]
pub enum SageMakerError {
    /// AWS refused, or could not be asked.
    #[error("{doing} failed: {why}")]
    Vendor {
        /// The operation, as the API spells it.
        doing: &'static str,
        /// The class of what went wrong.
        why: Why,
        /// What AWS said.
        backend: Box<Backend>,
        /// How long AWS asks to wait.
        retry_after: Option<Duration>,
    },
    /// AWS was not asked: the operator's settings do not allow it.
    #[error("{0}")]
    Setting(String),
    /// The model's document does not lead to a deployment.
    #[error(transparent)]
    JumpStart(#[from] Refusal),
}

/// The class of a failed request. What SageMaker does not model as an error type is told by its
/// code and text, as the tests of this file show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// It is not there.
    #[error("it does not exist")]
    Missing,
    /// Something of this name is there already.
    #[error("the name is taken")]
    Taken,
    /// Not in its present state.
    #[error("not possible in its present state")]
    Busy,
    /// A quota of the account.
    #[error("an account quota is reached")]
    Quota,
    /// The caller's permissions.
    #[error("the caller's permissions forbid it")]
    Denied,
    /// Credentials are wrong or expired.
    #[error("AWS does not accept the credentials")]
    Unauthenticated,
    /// There are no credentials; AWS was not asked.
    #[error("no usable AWS credentials were found")]
    NoCredentials,
    /// Too many requests.
    #[error("AWS asks to slow down")]
    Throttled,
    /// No answer, or one that AWS itself calls temporary.
    #[error("AWS did not answer properly")]
    Unreachable,
    /// The request is wrong.
    #[error("AWS refused the request")]
    Refused,
}

impl SageMakerError {
    /// The class of what went wrong at AWS, if that is where it went wrong.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        match self {
            Self::Vendor { why, .. } => Some(*why),
            Self::Setting(_) | Self::JumpStart(_) => None,
        }
    }

    /// The operation that failed, as the API spells it.
    #[must_use]
    pub fn doing(&self) -> Option<&'static str> {
        match self {
            Self::Vendor { doing, .. } => Some(doing),
            Self::Setting(_) | Self::JumpStart(_) => None,
        }
    }

    /// AWS's own code of the error, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Vendor { backend, .. } => backend.code.as_deref(),
            Self::Setting(_) | Self::JumpStart(_) => None,
        }
    }

    /// What AWS said, if it said something.
    #[must_use]
    pub fn said(&self) -> &str {
        match self {
            Self::Vendor { backend, .. } => backend.text.as_deref().unwrap_or_default(),
            Self::Setting(_) | Self::JumpStart(_) => "",
        }
    }
}

/// Turns what is not there into `None`.
///
/// # Errors
/// Any other error, unchanged.
pub fn if_there<T>(answer: Result<T, SageMakerError>) -> Result<Option<T>, SageMakerError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.why() == Some(Why::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Classifies an answer of AWS by its code, its text and its HTTP status.
///
/// SageMaker answers `ValidationException` with status 400 for what is missing, taken and busy
/// alike, and its delete operations model no errors at all: the text decides.
#[must_use]
pub fn classify(code: Option<&str>, text: &str, http_status: Option<u16>) -> Why {
    let says = |words: &str| text.contains(words);
    match code {
        Some(
            "ResourceNotFound"
            | "ResourceNotFoundException"
            | "ObjectNotFoundException"
            | "NoSuchEntity"
            | "NoSuchKey"
            | "NoSuchBucket",
        ) => Why::Missing,
        Some("ResourceInUse" | "ResourceInUseException" | "ConflictException" | "ConcurrentUpdateException") => {
            Why::Busy
        }
        Some(
            "ResourceLimitExceeded" | "LimitExceeded" | "LimitExceededException" | "ServiceQuotaExceededException",
        ) => Why::Quota,
        Some(code) if is_throttling(code) => Why::Throttled,
        Some(code) if is_credentials(code) => Why::Unauthenticated,
        Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AuthorizationError") => Why::Denied,
        Some("ValidationException" | "ValidationError")
            if says("Could not find") || says("does not exist") || says(" not found") =>
        {
            Why::Missing
        }
        Some("ValidationException") if says("already existing") || says("already exists") => Why::Taken,
        Some("ValidationException") if says("Cannot update in-progress") || says("in-progress") => Why::Busy,
        Some("InternalFailure" | "InternalServerError" | "ServiceUnavailable" | "InternalError") => Why::Unreachable,
        // A proxy's page or a broken answer: no code at all.
        _ => match http_status {
            Some(429) => Why::Throttled,
            Some(401) => Why::Unauthenticated,
            Some(403) if code.is_none() => Why::Denied,
            Some(400..=499) if code.is_some() => Why::Refused,
            _ => Why::Unreachable,
        },
    }
}

fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
    )
}

fn is_credentials(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidAccessKeyId"
            | "AuthFailure"
    )
}

impl From<SageMakerError> for Fault {
    fn from(error: SageMakerError) -> Self {
        let message = error.to_string();
        match error {
            SageMakerError::Vendor { doing, why, backend, retry_after } => {
                vendor_fault(doing, why, message).with_backend(*backend).with_retry_after(retry_after)
            }
            SageMakerError::Setting(_) => Fault::new(FaultCode::InvalidArgument, message).with_advice(
                "This is a setting of the server, not of the call; `sagemaker-mcp --print-config` shows what holds.",
            ),
            SageMakerError::JumpStart(refusal) => refusal_fault(&refusal, message),
        }
    }
}

fn vendor_fault(doing: &str, why: Why, message: String) -> Fault {
    match why {
        Why::Missing => Fault::new(FaultCode::NotFound, message)
            .with_advice("Look at the name with list_sagemaker_endpoints, and check that the region and the account are the right ones."),
        Why::Taken => Fault::new(FaultCode::Conflict, message),
        Why::Busy => Fault::new(FaultCode::NotYet, message),
        Why::Quota => Fault::new(FaultCode::Quota, message)
            .with_advice("Ask for more under Service Quotas, Amazon SageMaker, `<instance type> for endpoint usage`, or choose another instance type.")
            .with_advice("Delete endpoints that are no longer needed: list_sagemaker_endpoints shows them."),
        Why::Denied => Fault::new(FaultCode::Forbidden, message)
            .with_advice(format!("The caller needs the permission for {doing}; docs/sagemaker.md lists them all.")),
        Why::Unauthenticated | Why::NoCredentials => Fault::new(FaultCode::Unauthenticated, message)
            .with_advice("Renew the credentials (for example `aws sso login`) or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for this server; then make the call again.")
            .with_advice("A clock that is wrong by more than five minutes has the same effect."),
        Why::Throttled => Fault::new(FaultCode::Throttled, message),
        Why::Unreachable => Fault::new(FaultCode::Unreachable, message)
            .with_advice("Check the network, the proxy settings and the region (AWS_REGION) of this server."),
        Why::Refused => Fault::new(FaultCode::InvalidArgument, message)
            .with_advice("Read what AWS says under `backend`; the arguments or the role are not as it wants them."),
    }
}

fn refusal_fault(refusal: &Refusal, message: String) -> Fault {
    match refusal {
        Refusal::EulaNotAccepted { eulas, .. } => {
            eulas.iter().fold(Fault::new(FaultCode::InvalidArgument, message), |fault, eula| {
                let address = eula.address.as_deref().unwrap_or("the model's page in SageMaker Studio");
                fault.with_advice(format!(
                    "Ask the user to read {address}; if the user accepts it, repeat the call with `{}` for {}.",
                    eula.argument, eula.of
                ))
            })
        }
        Refusal::UnknownModel { suggestions, .. } if !suggestions.is_empty() => {
            Fault::new(FaultCode::NotFound, message)
                .with_advice(format!("Similar ids: {}.", suggestions.join(", ")))
                .with_next(Next::new(calls::SEARCH, "Finds models by words."))
        }
        Refusal::UnknownModel { .. } => {
            Fault::new(FaultCode::NotFound, message).with_next(Next::new(calls::SEARCH, "Finds models by words."))
        }
        Refusal::UnknownVersion { .. } => Fault::new(FaultCode::NotFound, message),
        Refusal::UnsupportedInstance { other_configs, .. } if !other_configs.is_empty() => {
            Fault::new(FaultCode::InvalidArgument, message)
                .with_advice(format!("These inference configs support it: {}.", other_configs.join(", ")))
        }
        Refusal::UnsupportedInstance { .. }
        | Refusal::NoImage { .. }
        | Refusal::UnknownInferenceConfig { .. }
        | Refusal::BadArgument { .. } => Fault::new(FaultCode::InvalidArgument, message),
        Refusal::Deprecated { .. } | Refusal::Vulnerable { .. } => {
            Fault::new(FaultCode::Forbidden, message).with_advice("Choose a newer `model_version`, or another model.")
        }
        Refusal::Proprietary { .. } | Refusal::NotDeployable { .. } => Fault::new(FaultCode::Unsupported, message),
        Refusal::Malformed { .. } => Fault::new(FaultCode::Unsupported, message)
            .with_advice("The model's published document is not as this server knows them; another version may be."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, text: &str, status: u16, why: Why) {
        let code = (!code.is_empty()).then_some(code);
        assert_eq!(classify(code, text, Some(status)), why, "{code:?} {text} {status}");
    }

    #[test]
    fn validation_exceptions_are_told_apart_by_their_text() {
        let check = |text, why| check("ValidationException", text, 400, why);
        check("Could not find endpoint \"arn:aws:sagemaker:us-east-1:1:endpoint/x\".", Why::Missing);
        check("Cannot create already existing endpoint \"arn:…\".", Why::Taken);
        check("Cannot update in-progress endpoint \"arn:…\".", Why::Busy);
        check("1 validation error detected: Value 'x' at 'endpointName' failed", Why::Refused);
    }

    #[test]
    fn other_codes_are_told_apart_by_themselves() {
        check("ResourceLimitExceeded", "The account-level service limit …", 400, Why::Quota);
        check("ThrottlingException", "Rate exceeded", 400, Why::Throttled);
        check(
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
            Why::Unauthenticated,
        );
        check("AccessDeniedException", "User … is not authorized to perform", 400, Why::Denied);
        check("ResourceNotFound", "Hub content …", 400, Why::Missing);
    }

    #[test]
    fn an_html_page_is_told_by_its_status() {
        check("", "<html>Bad gateway</html>", 502, Why::Unreachable);
        // SageMaker says "missing" with status 400: a 404 is a proxy's or a wrong address.
        check("", "<html>Could not find</html>", 404, Why::Unreachable);
        check("", "", 429, Why::Throttled);
        check("", "<html>", 403, Why::Denied);
        assert_eq!(classify(None, "", None), Why::Unreachable);
    }

    #[test]
    fn a_missing_eula_tells_where_to_read_it_and_which_argument_accepts_it() {
        let eula = crate::jumpstart::MissingEula {
            of: "llama".into(),
            argument: "accept_eula",
            address: Some("https://e".into()),
        };
        let fault =
            Fault::from(SageMakerError::from(Refusal::EulaNotAccepted { model_id: "llama".into(), eulas: vec![eula] }));
        assert_eq!(fault.code, FaultCode::InvalidArgument);
        assert!(
            fault.troubleshooting[0].contains("https://e") && fault.troubleshooting[0].contains("`accept_eula`"),
            "{fault:?}"
        );
    }
}

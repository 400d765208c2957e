//! What the SDK says of a failed request, in this crate's words.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;
use longhaul::fault::{Backend, parse_retry_after};

use crate::error::{SageMakerError, Why, classify};

/// What the SDK says of a failed request, in this crate's words.
pub(super) fn vendor<E>(doing: &'static str, error: SdkError<E, Response>) -> SageMakerError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let raw = error.raw_response();
    let http_status = raw.map(|raw| raw.status().as_u16());
    let header = |name: &str| raw.and_then(|raw| raw.headers().get(name)).map(str::to_owned);
    let retry_after = header("retry-after").and_then(|value| parse_retry_after(&value, longhaul::clock::now()));
    let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|metadata| metadata.code()).map(str::to_owned);
    let said = metadata.and_then(|metadata| metadata.message()).map(str::to_owned);
    let text = said.unwrap_or_else(|| chain(&error));
    let why = match http_status {
        None if lacks_credentials(&error) => Why::NoCredentials,
        None => Why::Unreachable,
        Some(_) => classify(code.as_deref(), &text, http_status),
    };
    let backend = Box::new(Backend { code, http_status, request_id, text: Some(text) });
    SageMakerError::Vendor { doing, why, backend, retry_after }
}

/// The SDK tells missing credentials as a failed dispatch; what is at the bottom of it tells more.
pub(super) fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<CredentialsError>().is_some() {
            return true;
        }
        cause = error.source();
    }
    false
}

pub(super) fn unsent(doing: &'static str, why: Why, text: String) -> SageMakerError {
    let backend = Box::new(Backend { text: Some(text), ..Backend::default() });
    SageMakerError::Vendor { doing, why, backend, retry_after: None }
}

/// An error with its causes: the SDK's outer words alone tell nothing.
pub(super) fn chain(error: &impl Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

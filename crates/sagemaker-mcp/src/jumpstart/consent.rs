//! Which agreements a deployment needs, and whether the caller accepted each by name.

use super::choice::Choice;
use super::model::Eula;
use super::requests::ModelAccessConfig;
use super::{MissingEula, Refusal};

/// Refuses unless every EULA is accepted. The official SDK sends a gated model without any
/// acceptance, which fails later and unclearly, and takes a draft model's under the name of
/// the main model.
pub(super) fn agreed(choice: &Choice<'_>) -> Result<(), Refusal> {
    let Choice { model, wanted, config, .. } = choice;
    let missing =
        |eula: &Eula, of: &str, argument| MissingEula { of: of.to_owned(), argument, address: eula.address.clone() };
    let mut eulas = Vec::new();
    if let Some(eula) = config.eula.as_ref().filter(|_| !wanted.accept_eula) {
        eulas.push(missing(eula, &model.id, "accept_eula"));
    }
    for source in &config.additional_sources {
        let names = [Some(source.channel.as_str()), source.uri.as_deref().and_then(model_in)];
        let accepted = wanted.accept_additional_eulas.iter();
        let mut accepted = accepted.map(String::as_str).filter(|name| names.contains(&Some(name)));
        if let (Some(eula), None) = (&source.eula, accepted.next()) {
            eulas.push(missing(eula, &source.channel, "accept_additional_eulas"));
        }
    }
    if eulas.is_empty() {
        return Ok(());
    }
    Err(Refusal::EulaNotAccepted { model_id: model.id.clone(), eulas })
}

/// The acceptance as a request carries it, only where a EULA exists: the official SDK sends
/// one with open models too. [`agreed`] comes first.
pub(super) fn acceptance(eula: Option<&Eula>) -> Option<ModelAccessConfig> {
    eula.map(|_| ModelAccessConfig { accept_eula: true })
}

/// The id of the model whose artifact lies at `…/<model id>/artifacts/…`.
fn model_in(uri: &str) -> Option<&str> {
    let (before, _) = uri.split_once("/artifacts/")?;
    before.rsplit('/').next()
}

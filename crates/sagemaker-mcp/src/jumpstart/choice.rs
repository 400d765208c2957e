//! Which inference config and which instance type, and what the document says about it.

use super::model::{Config, Model, Variant};
use super::resolve::bad_argument;
use super::view::malformed;
use super::{Refusal, Wanted};

/// A model as it is to be deployed.
pub(super) struct Choice<'a> {
    pub(super) model: &'a Model,
    pub(super) wanted: &'a Wanted,
    pub(super) config: &'a Config,
    pub(super) instance_type: String,
    /// What is special here: the entry of the instance type, then the entry of its family.
    pub(super) variants: Vec<&'a Variant>,
}

impl<'a> Choice<'a> {
    /// The config named or the best ranked one; the type named or that config's default.
    pub(super) fn of(model: &'a Model, wanted: &'a Wanted, warnings: &mut Vec<String>) -> Result<Self, Refusal> {
        let config = config(model, wanted.inference_config.as_ref())?;
        let instance_type = instance_type(model, config, wanted, warnings)?;
        let keys = [Some(instance_type.as_str()), family(&instance_type)];
        let variants = keys.into_iter().flatten().filter_map(|key| config.variants.get(key)).collect();
        Ok(Self { model, wanted, config, instance_type, variants })
    }

    /// The size of the EBS volume, if the type takes one.
    pub(super) fn volume_gb(&self) -> Option<u32> {
        let family = family(&self.instance_type)?;
        self.config.volume_gb.filter(|_| takes_volume(family))
    }
}

fn config<'a>(model: &'a Model, asked: Option<&String>) -> Result<&'a Config, Refusal> {
    let Some(asked) = asked else {
        return model.configs.first().ok_or_else(|| malformed("inference_configs", "is empty"));
    };
    let named = model.configs.iter().find(|config| config.name.as_ref() == Some(asked));
    named.ok_or_else(|| Refusal::UnknownInferenceConfig {
        asked: asked.clone(),
        known: model.configs.iter().filter_map(|config| config.name.clone()).collect(),
    })
}

/// The official SDK lets any type pass; one that the publisher does not list usually fails
/// only after many paid minutes.
fn instance_type(
    model: &Model,
    config: &Config,
    wanted: &Wanted,
    warnings: &mut Vec<String>,
) -> Result<String, Refusal> {
    let Some(asked) = &wanted.instance_type else {
        let wrong = |why| malformed("default_inference_instance_type", why);
        let default = config.default_instance_type.clone().ok_or_else(|| wrong("is missing"))?;
        return match family(&default) {
            Some(_) => Ok(default),
            None => Err(wrong("is not an instance type")),
        };
    };
    if family(asked).is_none() {
        return Err(bad_argument("instance_type", format!("{asked:?} is not like ml.g5.xlarge")));
    }
    let lists = |config: &Config| config.supported_instance_types.contains(asked);
    if config.supported_instance_types.is_empty() || lists(config) {
        return Ok(asked.clone());
    }
    if wanted.allow_unsupported_instance {
        warnings.push(format!("the publisher does not list {asked} as supported"));
        return Ok(asked.clone());
    }
    let others = model.configs.iter().filter(|config| lists(config));
    Err(Refusal::UnsupportedInstance {
        asked: asked.clone(),
        supported: config.supported_instance_types.clone(),
        other_configs: others.filter_map(|config| config.name.clone()).collect(),
    })
}

/// `g5` of `ml.g5.xlarge`, `p6-b200` of `ml.p6-b200.48xlarge`. The official SDK does not
/// understand a hyphen there, although published variants have it.
fn family(instance_type: &str) -> Option<&str> {
    let (family, size) = instance_type.strip_prefix("ml.")?.split_once('.')?;
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_word(family) && is_word(size)).then_some(family)
}

/// The official SDK's rule: families with a disk of their own take no EBS volume.
fn takes_volume(family: &str) -> bool {
    let diskful = ["g5", "g6", "p5", "trn1"].iter().any(|prefix| family.starts_with(prefix));
    !diskful && !family.contains('d')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(families: &[&str], takes: bool) {
        for name in families {
            assert_eq!(family(&format!("ml.{name}.xlarge")), Some(*name));
            assert_eq!(takes_volume(name), takes, "{name}");
        }
    }

    #[test]
    fn families_with_a_disk_of_their_own_take_no_volume() {
        check(&["c5d", "g4dn", "g5", "g6", "g6e", "p4de", "p5", "p5en", "trn1", "trn1n"], false);
    }

    #[test]
    fn other_families_take_one_even_those_that_the_rule_does_not_know() {
        check(&["m5", "c5", "p3", "r7i", "inf2", "trn2", "g7e", "p6-b200"], true);
    }
}

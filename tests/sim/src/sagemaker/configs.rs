//! CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs,
//! DeleteEndpointConfig.

use serde_json::{Map, Value, json};

use super::Scope;
use super::input::Input;
use super::listing::{self, Item};
use super::state::{Kind, World};
use super::wire::AwsError;

pub(crate) fn create(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointConfigName")?;
    let tags = input.tags()?;
    let variants = input.list("ProductionVariants")?.map(Vec::as_slice);
    let variants = variants.unwrap_or_default();
    if variants.is_empty() {
        return Err(AwsError::validation(
            "1 validation error detected: Value '[]' at 'productionVariants' failed to satisfy \
             constraint: Member must have length greater than or equal to 1",
        ));
    }
    input.at_most("ProductionVariants", variants.len(), 10)?;
    for (index, variant) in variants.iter().enumerate() {
        let at = format!("productionVariants.{}.member.", index + 1);
        let empty = Map::new();
        let fields = variant.as_object().unwrap_or(&empty);
        check_variant(world, scope, Input::inside(fields, &at))?;
    }
    let request = scope.request.clone();
    let record = world.record(Kind::EndpointConfig, scope.region, name, tags, request)?;
    let arn = record.arn.clone();
    world.configs.insert(arn.clone(), record);
    Ok(json!({"EndpointConfigArn": arn}))
}

fn check_variant(world: &World, scope: Scope<'_>, variant: Input<'_>) -> Result<(), AwsError> {
    variant.name("VariantName")?;
    if variant.text("ModelName")?.is_some() {
        let model = variant.name("ModelName")?;
        world.find(&world.arn(Kind::Model, scope.region, model))?;
    }
    variant.whole("InitialInstanceCount", 1, 1000)?;
    variant.whole("ModelDataDownloadTimeoutInSeconds", 60, 3600)?;
    variant.whole("ContainerStartupHealthCheckTimeoutInSeconds", 60, 3600)?;
    variant.whole("VariantInstanceProvisionTimeoutInSeconds", 300, 3600)?;
    let volume = variant.whole("VolumeSizeInGB", 1, 512)?;
    let instance_type = variant.instance_type("InstanceType")?;
    let pools = variant.list("InstancePools")?;
    let kinds = match pools {
        Some(_) if instance_type.is_some() => {
            return Err(AwsError::validation(
                "InstanceType and InstancePools cannot be specified together for a production variant.",
            ));
        }
        Some(pools) => check_pools(world, scope, variant, pools)?,
        None => instance_type.into_iter().collect(),
    };
    let serverless = variant.map("ServerlessConfig")?.is_some();
    if kinds.is_empty() && !serverless {
        return Err(AwsError::validation(
            "Either InstanceType, InstancePools or ServerlessConfig must be provided for a \
             production variant.",
        ));
    }
    match kinds.iter().find(|kind| volume.is_some() && !takes_a_volume(kind)) {
        Some(kind) => Err(AwsError::validation(format!(
            "VolumeSize parameter is not allowed for the selected Instance type {kind}"
        ))),
        None => Ok(()),
    }
}

/// The instance types of a variant's pools.
fn check_pools<'a>(
    world: &World,
    scope: Scope<'_>,
    variant: Input<'a>,
    pools: &'a [Value],
) -> Result<Vec<&'a str>, AwsError> {
    if pools.is_empty() {
        let message = "1 validation error detected: Value '[]' at 'instancePools' failed to satisfy constraint: \
             Member must have length greater than or equal to 1";
        return Err(AwsError::validation(message));
    }
    variant.at_most("InstancePools", pools.len(), 5)?;
    for (index, pool) in pools.iter().filter_map(Value::as_object).enumerate() {
        let at = format!("instancePools.{}.member.", index + 1);
        let pool = Input::inside(pool, &at);
        pool.required_text("InstanceType")?;
        pool.instance_type("InstanceType")?;
        if pool.whole("Priority", 1, 5)?.is_none() {
            return Err(pool.missing("Priority"));
        }
        if pool.text("ModelNameOverride")?.is_some() {
            let model = pool.name("ModelNameOverride")?;
            world.find(&world.arn(Kind::Model, scope.region, model))?;
        }
    }
    Ok(pools.iter().filter_map(|pool| pool.get("InstanceType")?.as_str()).collect())
}

/// Families with disks of their own take no EBS volume.
fn takes_a_volume(instance_type: &str) -> bool {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let with_disks = ["g5", "g6", "g7", "p5", "p6", "trn1", "trn2"];
    !family.contains('d') && !with_disks.iter().any(|known| family.starts_with(known))
}

pub(crate) fn describe(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointConfigName")?;
    let config = world.find(&world.arn(Kind::EndpointConfig, scope.region, name))?;
    let mut out = config.request.clone();
    out.remove("Tags");
    out.insert("EndpointConfigName".to_owned(), json!(config.name));
    out.insert("EndpointConfigArn".to_owned(), json!(config.arn));
    out.insert("CreationTime".to_owned(), json!(config.created.wall));
    Ok(Value::Object(out))
}

pub(crate) fn list(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let here = world.configs.values().filter(|c| c.region == scope.region);
    let items = here.filter(|config| world.visible(config)).map(|config| Item {
        name: config.name.clone(),
        status: None,
        seq: config.seq,
        created: config.created.wall,
        modified: config.created.wall,
        summary: json!({
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "CreationTime": config.created.wall,
        }),
    });
    listing::answer(input, "EndpointConfigs", items.collect())
}

/// AWS warns against deleting the configuration of a live endpoint, but does it.
pub(crate) fn delete(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointConfigName")?;
    let arn = world.arn(Kind::EndpointConfig, scope.region, name);
    world.find(&arn)?;
    world.configs.remove(&arn);
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_with_disks_take_no_volume() {
        for kind in ["ml.m5.large", "ml.p3.16xlarge", "ml.c5.xlarge"] {
            assert!(takes_a_volume(kind), "{kind}");
        }
        for kind in ["ml.g5.xlarge", "ml.p4d.24xlarge", "ml.g7e.2xlarge", "ml.m5d.large"] {
            assert!(!takes_a_volume(kind), "{kind}");
        }
    }
}

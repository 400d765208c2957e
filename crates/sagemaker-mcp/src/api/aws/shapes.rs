//! The SDK's shapes and ours.

use std::time::SystemTime;

use aws_sdk_sagemaker::types;
use aws_smithy_types::DateTime;

use crate::{
    api::{ConfigVariant, Listed, VariantSeen},
    jumpstart,
};

pub(super) fn time(at: Option<&DateTime>) -> SystemTime {
    at.and_then(|at| SystemTime::try_from(*at).ok()).unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(super) fn part(name: Option<String>, arn: Option<String>, created: Option<DateTime>) -> Listed {
    Listed {
        name: name.unwrap_or_default(),
        arn: arn.unwrap_or_default(),
        status: String::new(),
        created: time(created.as_ref()),
        modified: None,
    }
}

pub(super) fn variant(seen: types::ProductionVariantSummary) -> VariantSeen {
    let status = seen.variant_status.unwrap_or_default().into_iter().last();
    VariantSeen {
        name: seen.variant_name.unwrap_or_default(),
        status: status.and_then(|status| Some(status.status?.as_str().to_owned())),
        current_instances: seen.current_instance_count,
        desired_instances: seen.desired_instance_count,
        instance_types: seen
            .instance_pools
            .unwrap_or_default()
            .into_iter()
            .filter_map(|pool| {
                let count = u32::try_from(pool.current_instance_count?).ok().filter(|count| *count > 0)?;
                Some((pool.instance_type?.as_str().to_owned(), count))
            })
            .collect(),
    }
}

pub(super) fn config_variant(seen: types::ProductionVariant) -> ConfigVariant {
    let mut pools = seen.instance_pools.unwrap_or_default();
    pools.sort_by_key(|pool| pool.priority);
    let own_type = seen.instance_type.map(|own| own.as_str().to_owned());
    let pooled = pools.iter().filter_map(|pool| Some(pool.instance_type.as_ref()?.as_str().to_owned()));
    let overrides = pools.iter().filter_map(|pool| pool.model_name_override.clone());
    ConfigVariant {
        name: seen.variant_name.unwrap_or_default(),
        instance_types: own_type.into_iter().chain(pooled).collect(),
        models: seen.model_name.into_iter().chain(overrides).collect(),
        instance_count: seen.initial_instance_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
    }
}

pub(super) fn tags(given: &[jumpstart::Tag]) -> Vec<types::Tag> {
    given.iter().map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build()).collect()
}

pub(super) fn container(given: &jumpstart::Container) -> types::ContainerDefinition {
    let additional = given.additional_model_data_sources.iter().map(|channel| {
        types::AdditionalModelDataSource::builder()
            .channel_name(&channel.channel_name)
            .s3_data_source(s3_source(&channel.s3_data_source))
            .build()
    });
    let additional: Vec<_> = additional.collect();
    let source = given.model_data_source.as_ref();
    types::ContainerDefinition::builder()
        .image(&given.image)
        .set_environment(Some(given.environment.clone().into_iter().collect()))
        .set_model_data_url(given.model_data_url.clone())
        .set_model_data_source(
            source.map(|source| {
                types::ModelDataSource::builder().s3_data_source(s3_source(&source.s3_data_source)).build()
            }),
        )
        .set_additional_model_data_sources((!additional.is_empty()).then_some(additional))
        .build()
}

pub(super) fn s3_source(given: &jumpstart::S3DataSource) -> types::S3ModelDataSource {
    types::S3ModelDataSource::builder()
        .s3_uri(&given.s3_uri)
        .s3_data_type(types::S3ModelDataType::from(given.s3_data_type.as_str()))
        .compression_type(types::ModelCompressionType::from(given.compression_type.as_str()))
        .set_model_access_config(
            given
                .model_access_config
                .map(|access| types::ModelAccessConfig::builder().accept_eula(access.accept_eula).build()),
        )
        .build()
}

fn pool(given: &jumpstart::InstancePool) -> types::InstancePool {
    types::InstancePool::builder()
        .instance_type(types::ProductionVariantInstanceType::from(given.instance_type.as_str()))
        .priority(i32::from(given.priority))
        .set_model_name_override(given.model_name_override.clone())
        .build()
}

pub(super) fn production_variant(given: &jumpstart::ProductionVariant) -> types::ProductionVariant {
    let number = |value: Option<u32>| value.and_then(|value| i32::try_from(value).ok());
    types::ProductionVariant::builder()
        .variant_name(&given.variant_name)
        .model_name(&given.model_name)
        .initial_variant_weight(f32::from(given.initial_variant_weight))
        .set_initial_instance_count(number(Some(given.initial_instance_count)))
        .set_instance_type(given.instance_type.as_deref().map(types::ProductionVariantInstanceType::from))
        .set_instance_pools((!given.instance_pools.is_empty()).then(|| given.instance_pools.iter().map(pool).collect()))
        .set_volume_size_in_gb(number(given.volume_size_in_gb))
        .set_model_data_download_timeout_in_seconds(number(given.model_data_download_timeout_in_seconds))
        .set_container_startup_health_check_timeout_in_seconds(number(
            given.container_startup_health_check_timeout_in_seconds,
        ))
        .build()
}

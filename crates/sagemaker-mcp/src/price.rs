//! What instances cost an hour, from AWS's price list, where it tells.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use tokio::time::timeout;

use crate::{api::Api, preflight};

/// A price is a courtesy: an answer does not wait longer for it.
const LOOK_LIMIT: Duration = Duration::from_secs(4);

/// US dollars an hour, on the wire a number or `unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HourlyUsd(pub Option<f64>);

impl Serialize for HourlyUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            // Sums of cents should not show how computers count.
            Some(usd) => serializer.serialize_f64((usd * 10_000.0).round() / 10_000.0),
            None => serializer.serialize_str("unknown"),
        }
    }
}

impl JsonSchema for HourlyUsd {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HourlyUsd".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"] })
    }
}

/// What one instance costs an hour.
pub async fn of_type(api: &impl Api, instance_type: &str) -> HourlyUsd {
    let price = timeout(LOOK_LIMIT, api.hourly_usd(instance_type)).await;
    HourlyUsd(price.ok().and_then(Result::ok).flatten())
}

/// What so many instances of these types cost an hour together.
pub async fn of_instances(api: &impl Api, instances: &BTreeMap<String, u32>) -> HourlyUsd {
    let mut sum = 0.0;
    for (instance_type, count) in instances {
        match of_type(api, instance_type).await {
            HourlyUsd(Some(usd)) => sum += usd * f64::from(*count),
            unknown => return unknown,
        }
    }
    HourlyUsd((!instances.is_empty()).then_some(sum))
}

/// What an endpoint costs an hour.
pub async fn of_endpoint(api: &impl Api, endpoint: &str) -> HourlyUsd {
    match timeout(LOOK_LIMIT, preflight::instances(api, endpoint)).await {
        Ok(Ok(instances)) => of_instances(api, &instances).await,
        _ => HourlyUsd(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_number_or_unknown() {
        let told = |usd| serde_json::to_string(&HourlyUsd(usd)).unwrap();
        assert_eq!((told(Some(1.1 * 3.0)).as_str(), told(None).as_str()), ("3.3", "\"unknown\""));
    }
}

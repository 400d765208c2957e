//! What a document offers beside the deployment: example requests and measurements.
//!
//! A deployment needs none of it, so nothing here is a refusal: what is not as expected is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::view::View;

/// An example request, as the publisher wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payload {
    /// Its name, e.g. `meaningOfLife`.
    pub name: String,
    /// MIME type of the request.
    pub content_type: Option<String>,
    /// MIME type of the answer.
    pub accept: Option<String>,
    /// The request. A text that begins with `$s3<` names a file instead.
    pub body: Value,
    /// The field of the body that holds the prompt.
    pub prompt_key: Option<String>,
}

impl Payload {
    /// Whether the body is the request itself, and not the address of a file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.body.as_str().is_some_and(|text| text.starts_with("$s3<"))
    }
}

/// A measurement of the publisher, on one instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Benchmark {
    /// What was measured: `latency`, `throughput`.
    pub name: String,
    /// Its unit, e.g. `tokens/sec`.
    pub unit: String,
    /// As published.
    pub value: String,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<String>,
}

impl std::fmt::Display for Benchmark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.name, self.value, self.unit)?;
        match &self.concurrency {
            Some(concurrency) => write!(f, " at {concurrency} at once"),
            None => Ok(()),
        }
    }
}

/// The example requests of a config, in the order of their names.
pub(super) fn payloads(view: &View<'_>) -> Vec<Payload> {
    let Ok(table) = view.field("default_payloads") else { return Vec::new() };
    let read = |name: &str| {
        let entry = table.entry(name).ok()?;
        Some(Payload {
            name: name.to_owned(),
            content_type: entry.text("content_type").ok()?,
            accept: entry.text("accept").ok()?,
            body: entry.raw("body")?.clone(),
            prompt_key: entry.text("prompt_key").ok()?,
        })
    };
    table.keys().into_iter().filter_map(read).collect()
}

/// The measurements of a config by instance type. `entry` is its line in the table of configs.
pub(super) fn benchmarks(entry: &View<'_>) -> BTreeMap<String, Vec<Benchmark>> {
    let Ok(table) = entry.field("benchmark_metrics") else { return BTreeMap::new() };
    let read = |metric: View<'_>| {
        Some(Benchmark {
            name: metric.text("name").ok()??,
            unit: metric.text("unit").ok()?.unwrap_or_default(),
            value: metric.scalar("value").ok()??,
            concurrency: metric.scalar("concurrency").ok()?,
        })
    };
    let of_type = |instance_type: &str| {
        let metrics = table.objects_at(instance_type).ok()?;
        Some((instance_type.to_owned(), metrics.into_iter().filter_map(read).collect()))
    };
    table.keys().into_iter().filter_map(of_type).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jumpstart::view::Form;

    #[test]
    fn both_spellings_give_the_same_and_what_is_odd_is_left_out() {
        let spec = json!({"default_payloads": {
            "hello": {"body": {"inputs": "x"}, "content_type": "application/json", "prompt_key": "inputs"},
            "image": {"body": "$s3<inference/cat.jpg>", "content_type": "application/x-image"},
            "odd": {"content_type": 7, "body": 1},
            "none": {"content_type": "text/plain"},
            "worse": 1,
        }});
        let hub = json!({"DefaultPayloads": {
            "hello": {"Body": {"inputs": "x"}, "ContentType": "application/json", "PromptKey": "inputs"},
            "image": {"Body": "$s3<inference/cat.jpg>", "ContentType": "application/x-image"},
        }});
        let read = |form, document| payloads(&View::of(form, "", document).unwrap());
        let found = read(Form::Spec, &spec);
        assert_eq!(found, read(Form::Hub, &hub));
        assert_eq!(
            found.iter().map(|payload| (payload.name.as_str(), payload.is_complete())).collect::<Vec<_>>(),
            [("hello", true), ("image", false)]
        );
    }

    #[test]
    fn measurements_are_kept_as_published() {
        let entry = json!({"benchmark_metrics": {
            "ml.g5.xlarge": [{"name": "latency", "unit": "sec", "value": 0.5, "concurrency": "1"}, {"unit": "sec"}],
            "ml.g6.xlarge": "soon",
        }});
        let found = benchmarks(&View::of(Form::Spec, "", &entry).unwrap());
        let latency = Benchmark {
            name: "latency".into(),
            unit: "sec".into(),
            value: "0.5".into(),
            concurrency: Some("1".into()),
        };
        assert_eq!(found, [("ml.g5.xlarge".to_owned(), vec![latency])].into());
    }
}

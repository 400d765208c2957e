//! The price list: GetProducts for the hosting of a few instance types.
//!
//! Training costs are listed too, under the same instance names, as at AWS:
//! whoever asks has to say which component is meant.

use serde_json::{Map, Value, json};

use super::input::Input;
use super::listing::{self, Page};
use super::wire::AwsError;

const PRICES: &str = include_str!("../../fixtures/prices.txt");

/// Regions in the order of the columns, with their names in the list.
const REGIONS: [(&str, &str, &str); 4] = [
    ("us-east-1", "US East (N. Virginia)", "USE1"),
    ("us-east-2", "US East (Ohio)", "USE2"),
    ("us-west-2", "US West (Oregon)", "USW2"),
    ("eu-west-1", "EU (Ireland)", "EU"),
];

/// A component of SageMaker: its name, and its word in usage types.
const COMPONENTS: [(&str, &str); 2] = [("Hosting", "Host"), ("Training", "Train")];

pub(crate) fn products(input: Input<'_>) -> Result<Value, AwsError> {
    let service = input.required_text("ServiceCode")?;
    let limit = input.whole("MaxResults", 1, 100)?.unwrap_or(100);
    let filters = input.list("Filters")?.map(Vec::as_slice).unwrap_or_default();
    if let Some(version) = input.text("FormatVersion")?.filter(|version| *version != "aws_v1") {
        let message = format!("Input Parameters are invalid. Unknown format version {version}");
        return Err(AwsError::refused("InvalidParameterException", message));
    }
    let listed = PRICES.lines().filter(|line| !line.starts_with('#')).flat_map(of_line);
    let fitting = listed.filter(|product| filters.iter().all(|filter| passes(filter, &product.attributes)));
    let fitting = fitting.filter(|_| service == "AmazonSageMaker");
    let keyed = fitting.map(|product| (product.sku(), json!(product.document().to_string()))).collect();
    let invalid = |_| AwsError::refused("InvalidNextTokenException", "The pagination token is invalid.");
    let after = input.text("NextToken")?.map(listing::read_token).transpose().map_err(invalid)?;
    let Page { items, next } = listing::page(keyed, true, after, limit);
    let mut out = json!({"FormatVersion": "aws_v1", "PriceList": items});
    if let (Some(next), Some(out)) = (next, out.as_object_mut()) {
        out.insert("NextToken".to_owned(), json!(next));
    }
    Ok(out)
}

/// A line of the list.
struct Product {
    attributes: Map<String, Value>,
    usd: String,
}

/// The products that a line of the fixture stands for.
fn of_line(line: &str) -> Vec<Product> {
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap_or_default();
    let (kind, cpus, memory, gpus) = (next(), next(), next(), next());
    let prices: Vec<&str> = words.collect();
    let mut products = Vec::new();
    for ((region, location, short), usd) in REGIONS.iter().zip(prices) {
        for (component, usage) in COMPONENTS {
            let attributes = json!({
                "servicecode": "AmazonSageMaker",
                "servicename": "Amazon SageMaker",
                "location": location,
                "locationType": "AWS Region",
                "regionCode": region,
                "instanceName": kind,
                "instanceType": format!("{kind}-{component}"),
                "component": component,
                "vCpu": cpus,
                "memory": format!("{memory} GiB"),
                "gpu": if gpus == "0" { "N/A" } else { gpus },
                "usagetype": format!("{short}-{usage}:{kind}"),
                "operation": "RunInstance",
                "platoinstancename": kind.split('.').nth(1),
                "platoinstancetype": component,
            });
            let attributes = attributes.as_object().cloned().unwrap_or_default();
            products.push(Product { attributes, usd: usd.to_owned() });
        }
    }
    products
}

impl Product {
    fn usage(&self) -> &str {
        self.attributes.get("usagetype").and_then(Value::as_str).unwrap_or_default()
    }

    /// Capital letters and digits, the same every time.
    fn sku(&self) -> String {
        let start: u64 = 0xcbf2_9ce4_8422_2325;
        let hash =
            self.usage().bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        format!("{hash:016X}")
    }

    /// As the price list has it: a document of its own, in a string.
    fn document(&self) -> Value {
        let sku = self.sku();
        let (term, rate) = (format!("{sku}.JRTCKXETXF"), format!("{sku}.JRTCKXETXF.6YS6EN2CT7"));
        json!({
            "product": {"productFamily": "ML Instance", "attributes": self.attributes, "sku": sku},
            "serviceCode": "AmazonSageMaker",
            "terms": {"OnDemand": {term: {
                "priceDimensions": {&rate: {
                    "unit": "Hrs",
                    "endRange": "Inf",
                    "beginRange": "0",
                    "description": format!("${} per {} hour", self.usd, self.usage()),
                    "appliesTo": [],
                    "rateCode": rate,
                    "pricePerUnit": {"USD": format!("{:.10}", self.usd.parse::<f64>().unwrap_or_default())},
                }},
                "sku": sku,
                "effectiveDate": "2026-01-01T00:00:00Z",
                "offerTermCode": "JRTCKXETXF",
                "termAttributes": {},
            }}},
            "version": "20260101000000",
            "publicationDate": "2026-01-01T00:00:00Z",
        })
    }
}

/// Whether a product has what a filter wants.
fn passes(filter: &Value, attributes: &Map<String, Value>) -> bool {
    let text = |field: &str| filter.get(field).and_then(Value::as_str).unwrap_or_default();
    let value = text("Value");
    let family = (text("Field") == "productFamily").then_some("ML Instance");
    let held = family.or_else(|| attributes.get(text("Field"))?.as_str());
    let among = || value.split(',').any(|value| held == Some(value.trim()));
    match text("Type") {
        "CONTAINS" => held.is_some_and(|held| held.contains(value)),
        "ANY_OF" => among(),
        "NONE_OF" => !among(),
        _ => held == Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(filters: &[(&str, &str, &str)]) -> usize {
        let filter = |(kind, field, value): &(&str, &str, &str)| json!({"Type": kind, "Field": field, "Value": value});
        let filters: Vec<Value> = filters.iter().map(filter).collect();
        let request = json!({"ServiceCode": "AmazonSageMaker", "Filters": filters});
        let answer = products(Input::new(request.as_object().unwrap())).unwrap();
        answer["PriceList"].as_array().unwrap().len()
    }

    #[test]
    fn filters_narrow_the_list() {
        let hosting = ("TERM_MATCH", "component", "Hosting");
        assert_eq!(count(&[]), 72);
        assert_eq!(count(&[hosting]), 36);
        assert_eq!(count(&[hosting, ("TERM_MATCH", "regionCode", "eu-west-1")]), 9);
        assert_eq!(count(&[hosting, ("EQUALS", "instanceName", "ml.g5.xlarge")]), 4);
        assert_eq!(count(&[("CONTAINS", "instanceName", ".g5.")]), 24);
        assert_eq!(count(&[("ANY_OF", "regionCode", "us-east-1,us-west-2")]), 36);
        assert_eq!(count(&[("TERM_MATCH", "productFamily", "ML Instance"), ("NONE_OF", "component", "Hosting")]), 36);
        assert_eq!(count(&[("TERM_MATCH", "instanceName", "ml.p6.1xlarge")]), 0);
    }
}

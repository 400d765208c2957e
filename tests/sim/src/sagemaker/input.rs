//! Reads a request's parameters and refuses them as SageMaker does.

use serde_json::{Map, Value};

use super::instance_types;
use super::state::Tag;
use super::wire::AwsError;

const NAME_PATTERN: &str = "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
const FILTER_PATTERN: &str = "[a-zA-Z0-9-]+";

/// The parameters of a request, or of a structure inside it.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    fields: &'a Map<String, Value>,
    /// Where the fields are, as error messages name it.
    at: &'a str,
}

impl<'a> Input<'a> {
    pub(crate) fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields, at: "" }
    }

    /// The fields of a structure at `at`, such as `productionVariants.1.member.`.
    pub(crate) fn inside(fields: &'a Map<String, Value>, at: &'a str) -> Self {
        Self { fields, at }
    }

    fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A field's path as AWS writes it: `endpointName`.
    fn path(&self, field: &str) -> String {
        let mut letters = field.chars();
        let first = letters.next().map(|c| c.to_ascii_lowercase());
        format!("{}{}{}", self.at, first.unwrap_or_default(), letters.as_str())
    }

    fn constraint(&self, field: &str, value: &str, constraint: &str) -> AwsError {
        AwsError::validation(format!(
            "1 validation error detected: Value {value} at '{}' failed to satisfy constraint: \
             Member must {constraint}",
            self.path(field)
        ))
    }

    pub(crate) fn text(&self, field: &str) -> Result<Option<&'a str>, AwsError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(field, "a string")),
        }
    }

    /// Refuses a request that lacks a field.
    pub(crate) fn missing(&self, field: &str) -> AwsError {
        self.constraint(field, "null", "not be null")
    }

    pub(crate) fn required_text(&self, field: &str) -> Result<&'a str, AwsError> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    /// A required name of a resource.
    pub(crate) fn name(&self, field: &str) -> Result<&'a str, AwsError> {
        let name = self.required_text(field)?;
        let value = format!("'{name}'");
        if name.len() > 63 {
            return Err(self.constraint(field, &value, "have length less than or equal to 63"));
        }
        if !is_name(name) {
            let pattern = format!("satisfy regular expression pattern: {NAME_PATTERN}");
            return Err(self.constraint(field, &value, &pattern));
        }
        Ok(name)
    }

    /// `NameContains` and the like.
    pub(crate) fn filter(&self, field: &str) -> Result<Option<&'a str>, AwsError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.is_empty() || text.len() > 63 || !text.chars().all(allowed) {
            let pattern = format!("satisfy regular expression pattern: {FILTER_PATTERN}");
            return Err(self.constraint(field, &format!("'{text}'"), &pattern));
        }
        Ok(Some(text))
    }

    /// One of the words that the API model lists.
    pub(crate) fn word(&self, field: &str, words: &[&'static str]) -> Result<Option<&'a str>, AwsError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        if !words.contains(&text) {
            let set = format!("satisfy enum value set: [{}]", words.join(", "));
            return Err(self.constraint(field, &format!("'{text}'"), &set));
        }
        Ok(Some(text))
    }

    pub(crate) fn whole(&self, field: &str, min: u64, max: u64) -> Result<Option<u64>, AwsError> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let number = value.as_i64().ok_or_else(|| malformed(field, "an integer"))?;
        match u64::try_from(number) {
            Ok(n) if n > max => {
                let constraint = format!("have value less than or equal to {max}");
                Err(self.constraint(field, &format!("'{n}'"), &constraint))
            }
            Ok(n) if n >= min => Ok(Some(n)),
            _ => {
                let constraint = format!("have value greater than or equal to {min}");
                Err(self.constraint(field, &format!("'{number}'"), &constraint))
            }
        }
    }

    /// A number that is not negative.
    pub(crate) fn number(&self, field: &str) -> Result<Option<f64>, AwsError> {
        let number = self.get(field).map(|value| value.as_f64().ok_or_else(|| malformed(field, "a number")));
        match number.transpose()? {
            Some(number) if number < 0.0 => {
                Err(self.constraint(field, &format!("'{number}'"), "have value greater than or equal to 0"))
            }
            number => Ok(number),
        }
    }

    /// A timestamp: a number of seconds since the epoch.
    pub(crate) fn time(&self, field: &str) -> Result<Option<f64>, AwsError> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => {
                let seconds = value.as_f64().ok_or_else(|| malformed(field, "a timestamp"))?;
                Ok(Some(seconds))
            }
        }
    }

    /// A switch that is off when left out.
    pub(crate) fn flag(&self, field: &str) -> Result<bool, AwsError> {
        self.get(field).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| malformed(field, "a boolean")))
    }

    pub(crate) fn list(&self, field: &str) -> Result<Option<&'a Vec<Value>>, AwsError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(malformed(field, "a list")),
        }
    }

    pub(crate) fn map(&self, field: &str) -> Result<Option<&'a Map<String, Value>>, AwsError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(malformed(field, "a structure")),
        }
    }

    /// Refuses a list or map of more than `max` members.
    pub(crate) fn at_most(&self, field: &str, len: usize, max: usize) -> Result<(), AwsError> {
        if len > max {
            let constraint = format!("have length less than or equal to {max}");
            return Err(self.constraint(field, "'[…]'", &constraint));
        }
        Ok(())
    }

    /// Tags, checked.
    pub(crate) fn tags(&self) -> Result<Vec<Tag>, AwsError> {
        let list = self.list("Tags")?.map(Vec::as_slice).unwrap_or_default();
        self.at_most("Tags", list.len(), 50)?;
        let mut tags: Vec<Tag> = Vec::new();
        for value in list {
            let tag: Tag =
                serde_json::from_value(value.clone()).map_err(|_| malformed("Tags", "a list of Key and Value"))?;
            if tag.key.is_empty() || tag.key.len() > 128 || tag.value.len() > 256 {
                let constraint = "have a Key of 1 to 128 and a Value of at most 256 characters";
                return Err(self.constraint("Tags", &format!("'{}'", tag.key), constraint));
            }
            if tag.key.to_lowercase().starts_with("aws:") {
                return Err(AwsError::validation("aws: prefixed tag key names are not allowed for external use."));
            }
            if tags.iter().any(|seen| seen.key == tag.key) {
                return Err(AwsError::validation(format!("Duplicate tag keys found: {}", tag.key)));
            }
            tags.push(tag);
        }
        Ok(tags)
    }

    /// An instance type that hosts endpoints.
    pub(crate) fn instance_type(&self, field: &str) -> Result<Option<&'a str>, AwsError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        if !instance_types::all().iter().any(|known| known == text) {
            let set = format!("satisfy enum value set: [{}]", instance_types::all().join(", "));
            return Err(self.constraint(field, &format!("'{text}'"), &set));
        }
        Ok(Some(text))
    }
}

fn malformed(field: &str, wanted: &str) -> AwsError {
    AwsError::refused("SerializationException", format!("{field} can not be converted to {wanted}"))
}

/// `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`: letters, digits and inner hyphens.
fn is_name(name: &str) -> bool {
    let ends_well = !name.starts_with('-') && !name.ends_with('-');
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    !name.is_empty() && ends_well && letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(input: Value, expected: &str) {
        let fields = input.as_object().unwrap();
        let input = Input::new(fields);
        let read = || -> Result<(), AwsError> {
            input.name("EndpointName")?;
            input.whole("MaxResults", 1, 100)?;
            input.filter("NameContains")?;
            input.word("SortOrder", &["Ascending", "Descending"])?;
            input.instance_type("InstanceType")?;
            input.tags()?;
            Ok(())
        };
        let message = read().map_or_else(|e| format!("{}: {}", e.code, e.message), |()| "ok".into());
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn names_are_refused_as_aws_refuses_them() {
        check(json!({"EndpointName": "a"}), "ok");
        check(json!({"EndpointName": "a--B9"}), "ok");
        check(json!({}), "Value null at 'endpointName' failed to satisfy constraint: Member must not be null");
        check(json!({"EndpointName": "a_b"}), "regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}");
        check(json!({"EndpointName": "-a"}), "regular expression pattern");
        check(json!({"EndpointName": "a-"}), "regular expression pattern");
        check(json!({"EndpointName": "a".repeat(64)}), "length less than or equal to 63");
        check(json!({"EndpointName": 7}), "SerializationException");
    }

    #[test]
    fn bounds_and_words_are_checked() {
        let with = |more: Value| {
            let mut input = json!({"EndpointName": "a"});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        check(with(json!({"MaxResults": 100})), "ok");
        check(
            with(json!({"MaxResults": 101})),
            "'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
        );
        check(with(json!({"MaxResults": 0})), "greater than or equal to 1");
        check(with(json!({"NameContains": "a b"})), "pattern: [a-zA-Z0-9-]+");
        check(with(json!({"SortOrder": "Up"})), "enum value set: [Ascending, Descending]");
        check(with(json!({"InstanceType": "ml.g5.xlarge"})), "ok");
        check(with(json!({"InstanceType": "ml.g5.large"})), "enum value set");
        check(with(json!({"Tags": [{"Key": "aws:x", "Value": ""}]})), "aws: prefixed");
        check(with(json!({"Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": "1"}]})), "Duplicate");
    }
}

//! Fields of a published document by name, whichever way it spells them.
//!
//! A [`View`] may be several objects on top of each other: a field is looked up in
//! the uppermost first, so an inference config is a view of its component over the
//! whole document. Keys that nobody asks for are never looked at. This is on
//! purpose: published documents hold mangled keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Refusal;

/// How a document spells its field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `snake_case`; locations are `…_key`, relative to a bucket.
    Spec,
    /// `PascalCase`; locations are `…Uri`, complete.
    Hub,
}

impl Form {
    /// The spelling of a field name. Only field names go through here, never the keys of a
    /// map: a config called `lmi-optimized` keeps its name.
    fn spelled(self, field: &str) -> String {
        match self {
            Form::Spec => field.to_owned(),
            Form::Hub => field.split('_').map(capitalised).collect(),
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// One or more objects, uppermost first, each with its path in the document.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    form: Form,
    path: String,
    layers: Vec<(String, &'a Map<String, Value>)>,
}

impl<'a> View<'a> {
    /// A view of a whole document, or of an item of a list.
    pub(super) fn of(form: Form, path: &str, value: &'a Value) -> Result<Self, Refusal> {
        let map = value.as_object().ok_or_else(|| malformed(path, "is not an object"))?;
        Ok(Self { form, path: path.to_owned(), layers: vec![(path.to_owned(), map)] })
    }

    /// How this document spells its fields.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// This view on top of `below`.
    pub(super) fn over(mut self, below: &Self) -> Self {
        self.layers.extend(below.layers.iter().cloned());
        self
    }

    /// The object in a field, all its layers on top of each other; empty where absent.
    pub(super) fn field(&self, name: &str) -> Result<Self, Refusal> {
        self.entry(&self.form.spelled(name))
    }

    /// Like [`View::field`] for a key of a map, which has one spelling in both forms.
    pub(super) fn entry(&self, key: &str) -> Result<Self, Refusal> {
        let mut layers = Vec::new();
        for (path, value) in self.occurrences(key) {
            let map = value.as_object().ok_or_else(|| malformed(&path, "is not an object"))?;
            layers.push((path, map));
        }
        Ok(Self { form: self.form, path: join(&self.path, key), layers })
    }

    /// The object under a key of a map, which must be there.
    pub(super) fn needed_entry(&self, key: &str) -> Result<Self, Refusal> {
        let found = self.entry(key)?;
        if found.layers.is_empty() { Err(malformed(&found.path, "is missing")) } else { Ok(found) }
    }

    /// The keys of all layers.
    pub(super) fn keys(&self) -> BTreeSet<&'a str> {
        self.layers.iter().flat_map(|(_, map)| map.keys().map(String::as_str)).collect()
    }

    /// A text field.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.read(name, "is not a string", |value| value.as_str().map(str::to_owned))
    }

    /// A text field that must be there.
    pub(super) fn needed_text(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| malformed(&join(&self.path, &self.form.spelled(name)), "is missing"))
    }

    /// A yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.read(name, "is not true or false", Value::as_bool)
    }

    /// A count, a size or a number of seconds.
    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.read(name, "is not a whole number", |value| value.as_u64().and_then(|number| u32::try_from(number).ok()))
    }

    /// A list of texts; empty where absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let texts = self.read(name, "is not a list of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })?;
        Ok(texts.unwrap_or_default())
    }

    /// A list of objects; empty where absent. The uppermost list replaces those below.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Refusal> {
        self.objects_at(&self.form.spelled(name))
    }

    /// Like [`View::objects`] for a key of a map.
    pub(super) fn objects_at(&self, key: &str) -> Result<Vec<Self>, Refusal> {
        let Some((path, value)) = self.occurrences(key).next() else {
            return Ok(Vec::new());
        };
        let items = value.as_array().ok_or_else(|| malformed(&path, "is not a list"))?;
        let numbered = items.iter().enumerate();
        numbered.map(|(n, item)| View::of(self.form, &format!("{path}[{n}]"), item)).collect()
    }

    /// A field of any scalar type, as text.
    pub(super) fn scalar(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.read(name, "is neither text nor a number", scalar)
    }

    /// A field as it is.
    pub(super) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.occurrences(&self.form.spelled(name)).next().map(|(_, value)| value)
    }

    /// The whole view as a map of scalars, as text.
    pub(super) fn scalars(&self) -> Result<BTreeMap<String, String>, Refusal> {
        let mut map = BTreeMap::new();
        for key in self.keys() {
            if let Some((path, value)) = self.occurrences(key).next() {
                let text = scalar(value).ok_or_else(|| malformed(&path, "is neither text nor a number"))?;
                map.insert(key.to_owned(), text);
            }
        }
        Ok(map)
    }

    /// A location as `s3://…`: `<stem>_key` in `bucket`, or the complete `<Stem>Uri`.
    pub(super) fn location(&self, stem: &str, bucket: &str) -> Result<Option<String>, Refusal> {
        match self.form {
            Form::Spec => Ok(self.text(&format!("{stem}_key"))?.map(|key| in_bucket(bucket, &key))),
            Form::Hub => self.text(&format!("{stem}_uri")),
        }
    }

    fn read<T>(
        &self,
        name: &str,
        why: &'static str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let found = self.occurrences(&self.form.spelled(name)).next();
        found.map(|(path, value)| convert(value).ok_or_else(|| malformed(&path, why))).transpose()
    }

    /// Where a key occurs, uppermost layer first. `null` counts as absent.
    fn occurrences(&self, key: &str) -> impl Iterator<Item = (String, &'a Value)> {
        self.layers.iter().filter_map(move |(path, map)| {
            map.get(key).filter(|value| !value.is_null()).map(|value| (join(path, key), value))
        })
    }
}

/// `s3://bucket/key`, unless the key is a complete URI already.
pub(super) fn in_bucket(bucket: &str, key: &str) -> String {
    if key.starts_with("s3://") { key.to_owned() } else { format!("s3://{bucket}/{key}") }
}

/// A refusal that names a field of the document.
pub(super) fn malformed(field: &str, why: &'static str) -> Refusal {
    let field = if field.is_empty() { "the document" } else { field };
    Refusal::Malformed { field: field.to_owned(), why }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Container environments hold only text, and specs mix `1` with `"1"`. Truth values are
/// written as the official SDK writes them, since Python's inference code reads them.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(got: Result<impl PartialEq + std::fmt::Debug, Refusal>, field: &str, why: &'static str) {
        assert_eq!(got.err(), Some(Refusal::Malformed { field: field.into(), why }));
    }

    #[test]
    fn the_upper_layer_wins_field_by_field() {
        let (below, above) = (json!({"t": {"a": 1, "b": 2}}), json!({"t": {"a": 3, "b": null}}));
        let below = View::of(Form::Spec, "", &below).unwrap();
        let both = View::of(Form::Spec, "", &above).unwrap().over(&below).field("t").unwrap();
        assert_eq!((both.number("a"), both.number("b")), (Ok(Some(3)), Ok(Some(2))));
    }

    #[test]
    fn a_hub_field_is_pascal_case_and_a_map_key_is_left_alone() {
        let hub = json!({"S3DataSource": {"lmi-optimized": {"S3Uri": "u"}}});
        let hub = View::of(Form::Hub, "", &hub).unwrap();
        let entry = hub.field("s3_data_source").unwrap().needed_entry("lmi-optimized").unwrap();
        assert_eq!(entry.text("s3_uri"), Ok(Some("u".into())));
    }

    #[test]
    fn a_retyped_or_missing_field_is_named_as_the_document_spells_it() {
        let hub = json!({"DeployKwargs": {"ModelTimeout": "soon"}, "List": [{}], "Names": ["a", 1]});
        let hub = View::of(Form::Hub, "", &hub).unwrap();
        let kwargs = hub.field("deploy_kwargs").unwrap();
        check(kwargs.number("model_timeout"), "DeployKwargs.ModelTimeout", "is not a whole number");
        check(hub.objects("list").unwrap().remove(0).needed_text("my_name"), "List[0].MyName", "is missing");
        check(hub.texts("names"), "Names", "is not a list of strings");
        check(hub.field("names").map(|_| ()), "Names", "is not an object");
    }

    #[test]
    fn numbers_and_truth_values_become_the_text_that_the_official_sdk_sends() {
        let map = json!({"a": 3600, "b": "x", "c": true, "d": 0.5, "e": null});
        let map = View::of(Form::Spec, "", &map).unwrap().scalars().unwrap();
        let pairs: Vec<_> = map.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(pairs, ["a=3600", "b=x", "c=True", "d=0.5"]);
    }
}

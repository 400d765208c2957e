//! [`Key`]: one setting, as the JSON Schema of the settings structs describes it.
//!
//! Flags, environment, file, errors, `--help`, `--print-config` and the generated tables all read
//! the same keys, so that they cannot disagree.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value};

use super::kind::Kind;

/// One setting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Key {
    /// Where it stands in `config.yaml`: `server.port`.
    pub path: String,
    /// What it may be.
    pub kind: Kind,
    /// What it is when nobody sets it; `null` for nothing.
    pub default: Value,
    /// What it means.
    pub about: String,
    /// Its environment variable.
    pub env: String,
    /// Its flag, without the dashes. A secret has none.
    pub flag: Option<String>,
    /// Flags without a value that stand for one value each.
    pub shortcuts: Vec<(String, Value)>,
    /// Whether it is hidden wherever settings are shown.
    pub secret: bool,
    /// The feature it belongs to, where this version does not have it yet.
    pub planned: Option<String>,
}

impl Key {
    /// The part of the path before the last dot.
    #[must_use]
    pub fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// The keys of a settings struct below `path` (empty for the top), in alphabetical order.
pub(crate) fn keys_of<C: JsonSchema + Serialize + Default>(path: &str) -> Vec<Key> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<C>();
    let default = serde_json::to_value(C::default()).unwrap_or_default();
    let mut keys = Vec::new();
    walk(path, &schema.to_value(), &default, &mut keys);
    // A struct without fields has no properties, and is no key either.
    keys.retain(|key| key.path != path);
    keys
}

fn walk(path: &str, schema: &Value, default: &Value, keys: &mut Vec<Key>) {
    let known = without_null(schema);
    match known.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            for (name, schema) in properties {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&below, schema, default.get(name).unwrap_or(&Value::Null), keys);
            }
        }
        None => keys.push(key(path, &known, default)),
    }
}

fn key(path: &str, schema: &Map<String, Value>, default: &Value) -> Key {
    let text = |name: &str| schema.get(name).and_then(Value::as_str).map(str::to_owned);
    let secret = schema.get("x-secret") == Some(&Value::Bool(true));
    let flag = text("x-flag").unwrap_or_else(|| path.replace(['.', '_'], "-"));
    let shortcuts = schema.get("x-shortcuts").and_then(Value::as_object);
    Key {
        path: path.to_owned(),
        kind: Kind::of(schema),
        default: default.clone(),
        about: text("description").unwrap_or_default(),
        env: text("x-env").unwrap_or_else(|| path.replace('.', "_").to_ascii_uppercase()),
        flag: (!secret).then_some(flag),
        shortcuts: shortcuts.into_iter().flatten().map(|(flag, value)| (flag.clone(), value.clone())).collect(),
        secret,
        planned: text("x-planned"),
    }
}

/// The schema of `Option<T>` is that of `T` or null; what may be absent is no different here.
pub(super) fn without_null(schema: &Value) -> Map<String, Value> {
    let mut known = schema.as_object().cloned().unwrap_or_default();
    let Some(Value::Array(any)) = known.remove("anyOf") else { return known };
    let some = any.iter().find(|one| one.get("type") != Some(&Value::from("null")));
    for (name, value) in some.and_then(Value::as_object).into_iter().flatten() {
        known.entry(name.clone()).or_insert_with(|| value.clone());
    }
    known
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config::{secret::Secret, settings::Shared};

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Size {
        #[default]
        Small,
        Large,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    struct Inner {
        /// How often.
        ///
        /// More about it.
        poll_seconds: u32,
        size: Option<Size>,
        token: Option<Secret>,
        #[schemars(extend("x-env" = "OTHER", "x-flag" = "other"))]
        names: Vec<String>,
        tags: std::collections::BTreeMap<String, String>,
    }

    fn find(path: &str) -> Key {
        keys_of::<Inner>("own").into_iter().find(|key| key.path == path).unwrap()
    }

    #[test]
    fn a_key_is_named_after_its_path_unless_it_says_otherwise() {
        let key = find("own.poll_seconds");
        assert_eq!((key.env.as_str(), key.flag.as_deref()), ("OWN_POLL_SECONDS", Some("own-poll-seconds")));
        let key = find("own.names");
        assert_eq!((key.env.as_str(), key.flag.as_deref()), ("OTHER", Some("other")));
    }

    #[test]
    fn what_may_be_absent_keeps_its_kind() {
        assert_eq!(find("own.size").kind, Kind::Choice(vec!["small".into(), "large".into()]));
        assert_eq!(find("own.token").kind, Kind::Text);
        assert_eq!(find("own.tags").kind, Kind::Json);
        assert_eq!(find("own.names").kind, Kind::List(Box::new(Kind::Text)));
    }

    #[test]
    fn a_secret_has_no_flag() {
        let key = find("own.token");
        assert!(key.secret && key.flag.is_none());
    }

    #[test]
    fn every_shared_key_is_documented_and_named_once() {
        let keys = keys_of::<Shared>("");
        let mut names: Vec<&str> = keys.iter().map(|key| key.env.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), keys.len());
        assert!(keys.iter().all(|key| !key.about.is_empty()), "{keys:#?}");
    }

    #[test]
    fn the_environment_names_of_the_shared_keys_are_stable() {
        let named: Vec<String> = keys_of::<Shared>("").iter().map(|key| format!("{}={}", key.path, key.env)).collect();
        for expected in [
            "server.transport=MCP_TRANSPORT",
            "server.host=MCP_SERVER_HOST",
            "server.port=MCP_SERVER_PORT",
            "observability.enabled=MCP_OBSERVABILITY_ENABLED",
            "observability.service_name=MCP_SERVICE_NAME",
            "logging.level=MCP_LOG_LEVEL",
            "oauth.discovery_url=OAUTH_DISCOVERY_URL",
            "oauth.client_id=OAUTH_CLIENT_ID",
            "handles.keys=LONGHAUL_HANDLE_KEYS",
            "aws.region=AWS_REGION",
            "aws.account_id=AWS_ACCOUNT_ID",
        ] {
            assert!(named.iter().any(|name| name == expected), "{expected} is not in {named:#?}");
        }
    }
}

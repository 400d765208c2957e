//! [`Kind`]: what a setting may be, and how its text is read.

use serde_json::{Map, Number, Value};

/// What a setting may be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// True or false.
    Switch,
    /// A whole number within bounds.
    Whole {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A number.
    Number,
    /// Any text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// Several of one kind; comma separated in flags and environment.
    List(Box<Kind>),
    /// Anything else; JSON in flags and environment.
    Json,
}

impl Kind {
    pub(super) fn of(schema: &Map<String, Value>) -> Self {
        let choices = choices(schema);
        if !choices.is_empty() {
            return Self::Choice(choices);
        }
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
            other => other.and_then(Value::as_str),
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        match types {
            Some("boolean") => Self::Switch,
            Some("integer") => {
                Self::Whole { min: bound("minimum").unwrap_or(i64::MIN), max: bound("maximum").unwrap_or(i64::MAX) }
            }
            Some("number") => Self::Number,
            Some("string") => Self::Text,
            Some("array") => match schema.get("items").map(super::keys::without_null) {
                Some(items) if !items.contains_key("properties") => Self::List(Box::new(Self::of(&items))),
                _ => Self::Json,
            },
            _ => Self::Json,
        }
    }

    /// Reads the text of a flag or of a variable.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let given = match self {
            Self::Text | Self::Choice(_) => Value::from(text),
            Self::Switch => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Value::Bool(true),
                "false" | "0" => Value::Bool(false),
                _ => Value::from(text),
            },
            Self::Whole { .. } => text.trim().parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            Self::Number => {
                text.trim().parse().ok().and_then(Number::from_f64).map_or_else(|| Value::from(text), Value::Number)
            }
            Self::List(kind) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                return items.map(|item| kind.read(item)).collect::<Result<Vec<Value>, String>>().map(Value::from);
            }
            Self::Json => serde_json::from_str(text).map_err(|error| format!("must be JSON here: {error}"))?,
        };
        self.check(given)
    }

    /// Checks a value of the file, or one that was read from text.
    pub(super) fn check(&self, given: Value) -> Result<Value, String> {
        let fits = match (self, &given) {
            (Self::Switch, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Text, Value::String(_))
            | (Self::Json, _) => true,
            (Self::Whole { min, max }, Value::Number(number)) => {
                number.as_i64().is_some_and(|number| (*min..=*max).contains(&number))
            }
            (Self::Choice(words), Value::String(word)) => words.contains(word),
            (Self::List(kind), Value::Array(items)) => {
                return items
                    .iter()
                    .map(|item| kind.check(item.clone()))
                    .collect::<Result<Vec<Value>, String>>()
                    .map(Value::from);
            }
            _ => false,
        };
        if fits {
            return Ok(given);
        }
        let mut why = format!("must be {}, not {}", self.allowed(), shown(&given));
        if *self == Self::Text {
            // YAML reads 012345678901 as a number and forgets the zero.
            why.push_str("; put it in quotes");
        }
        Err(why)
    }

    /// What is allowed, in a few words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Switch => "true or false".into(),
            Self::Whole { min: i64::MIN, max: i64::MAX } => "a whole number".into(),
            Self::Whole { min, max: i64::MAX } => format!("a whole number from {min}"),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number => "a number".into(),
            Self::Text => "text".into(),
            Self::Choice(words) => match words.as_slice() {
                [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                words => words.join(""),
            },
            Self::List(kind) => format!("a list ({} each)", kind.allowed()),
            Self::Json => "a YAML or JSON value".into(),
        }
    }

    /// What stands for the value in `--help`.
    pub(super) fn placeholder(&self) -> String {
        match self {
            Self::Switch => "true|false".into(),
            Self::Whole { .. } | Self::Number => "NUMBER".into(),
            Self::Text => "TEXT".into(),
            Self::Choice(words) => words.join("|"),
            Self::List(_) => "LIST".into(),
            Self::Json => "JSON".into(),
        }
    }
}

/// The words of an enum: `enum` where no variant is documented, else `const`s below `oneOf`.
fn choices(schema: &Map<String, Value>) -> Vec<String> {
    let words = |value: &Value| value.as_str().map(str::to_owned);
    let mut found = Vec::new();
    if let Some(Value::Array(listed)) = schema.get("enum") {
        found.extend(listed.iter().filter_map(words));
    }
    for one in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        found.extend(one.get("const").and_then(words));
        found.extend(one.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(words));
    }
    found
}

fn shown(value: &Value) -> String {
    if value.is_array() {
        return "a list".into();
    }
    if value.is_object() {
        return "a section".into();
    }
    let text = value.as_str().map_or_else(|| value.to_string(), longhaul::text::clean);
    format!("`{}`", longhaul::text::cap(&text, 80))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: &Kind, text: &str) -> String {
        kind.read(text).map_or_else(|why| why, |value| value.to_string())
    }

    #[test]
    fn text_is_read_as_its_kind() {
        let port = Kind::Whole { min: 0, max: 65_535 };
        assert_eq!(check(&port, "8000"), "8000");
        assert_eq!(check(&Kind::Switch, "True"), "true");
        assert_eq!(check(&Kind::Switch, "0"), "false");
        assert_eq!(check(&Kind::Text, "012345678901"), "\"012345678901\"");
        assert_eq!(check(&Kind::Number, "0.5"), "0.5");
        assert_eq!(check(&Kind::List(Box::new(Kind::Text)), "a, b,"), r#"["a","b"]"#);
        assert_eq!(check(&Kind::Json, r#"{"a": 1}"#), r#"{"a":1}"#);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_is_allowed() {
        let port = Kind::Whole { min: 0, max: 65_535 };
        assert_eq!(check(&port, "65536"), "must be a whole number from 0 to 65535, not `65536`");
        assert_eq!(
            check(&port, "tcp://10.0.0.1:80"),
            "must be a whole number from 0 to 65535, not `tcp://10.0.0.1:80`"
        );
        assert_eq!(check(&Kind::Switch, "yes please"), "must be true or false, not `yes please`");
        let transport = Kind::Choice(vec!["stdio".into(), "http".into()]);
        assert_eq!(check(&transport, "htpp"), "must be stdio or http, not `htpp`");
        assert!(check(&Kind::Json, "{").starts_with("must be JSON here"));
        assert_eq!(check(&Kind::List(Box::new(port)), "1,x"), "must be a whole number from 0 to 65535, not `x`");
    }

    #[test]
    fn a_number_for_a_text_is_refused_before_its_zeros_are_lost() {
        assert_eq!(
            Kind::Text.check(json!(12_345_678_901_u64)).unwrap_err(),
            "must be text, not `12345678901`; put it in quotes"
        );
    }
}

//! `--print-config`: what holds, as YAML that can be loaded again, with the origin of each value.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Effective, Key, secret::HIDDEN};

/// Column at which the origins begin, where the values leave room.
const ORIGINS: usize = 44;

/// A setting as generated documents need it; one of a feature that is still missing says so.
pub(crate) fn described(key: &Key) -> Value {
    let planned = key.planned.as_ref().map(|feature| format!(" Refused in this version: {feature} comes later."));
    json!({
        "key": key.path,
        "type": key.kind.allowed(),
        "default": key.default,
        "env": key.env,
        "flag": key.flag,
        "description": format!("{}{}", key.about, planned.unwrap_or_default()),
        "secret": key.secret,
    })
}

/// An address is shown without the password in it.
fn without_password(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| longhaul::text::redact(text).into())
}

/// The settings that hold. Secrets and what is not set are comments.
pub(crate) fn show(keys: &[Key], effective: &Effective) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for key in keys {
        let sections: Vec<&str> = key.section().split('.').filter(|section| !section.is_empty()).collect();
        let common = open.iter().zip(&sections).take_while(|(one, other)| one == other).count();
        for (depth, section) in sections.iter().enumerate().skip(common) {
            let _ = writeln!(text, "{}{section}:", "  ".repeat(depth));
        }
        let name = key.path.rsplit('.').next().unwrap_or_default();
        let Some((value, origin)) = effective.get(&key.path) else { continue };
        let setting = if value.is_null() {
            format!("# {name}:")
        } else if key.secret {
            format!("# {name}: {HIDDEN}")
        } else {
            // JSON is YAML.
            format!("{name}: {}", without_password(value))
        };
        let line = format!("{}{setting}", "  ".repeat(sections.len()));
        let _ = writeln!(text, "{line:ORIGINS$}  # {origin}");
        open = sections;
    }
    text
}

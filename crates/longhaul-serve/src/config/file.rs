//! `config.yaml`, read with the line of every value.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// A value with its place.
#[derive(Debug)]
enum Node {
    Section(Vec<(Spanned<String>, Spanned<Node>)>),
    Value(Value),
}

/// Something that the file sets.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) value: Value,
    pub(super) line: u64,
}

/// Everything that the file sets: a value for each path that `is_key` knows, and a value for each
/// path that neither it nor `is_section` knows, to be complained of. A key or a section without a
/// value says nothing.
pub(super) fn read(
    text: &str,
    is_key: impl Fn(&str) -> bool,
    is_section: impl Fn(&str) -> bool,
) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    // A file of nothing but comments sets nothing.
    let root: Option<Spanned<Node>> = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map(|location| format!("line {}: ", location.line())).unwrap_or_default();
        let what = error.without_snippet().to_string();
        format!("{place}{}", what.lines().next().unwrap_or_default())
    })?;
    let Some(root) = root else { return Ok(found) };
    let mut open = vec![(String::new(), root.referenced.line(), root.value)];
    while let Some((path, line, node)) = open.pop() {
        match node {
            Node::Value(Value::Null) if path.is_empty() || is_key(&path) || is_section(&path) => {}
            Node::Section(members) if path.is_empty() || (is_section(&path) && !is_key(&path)) => {
                open.extend(members.into_iter().rev().map(|(name, node)| {
                    let below = if path.is_empty() { name.value } else { format!("{path}.{}", name.value) };
                    (below, name.referenced.line(), node.value)
                }));
            }
            node @ (Node::Section(_) | Node::Value(_)) => found.push(Found { path, value: node.into_value(), line }),
        }
    }
    Ok(found)
}

impl Node {
    fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Section(members) => {
                let members = members.into_iter().map(|(name, node)| (name.value, node.value.into_value()));
                Value::Object(members.collect::<Map<String, Value>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting or a section of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Section(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Node>()? {
            items.push(item.into_value());
        }
        Ok(Node::Value(Value::Array(items)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Value(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str) -> Vec<(String, Value, u64)> {
        let known = ["server.port", "server.allowed_hosts", "aws.account_id", "own.tags"];
        let is_section = |path: &str| ["server", "aws", "own"].contains(&path);
        let found = read(text, |path| known.contains(&path), is_section).unwrap();
        found.into_iter().map(|found| (found.path, found.value, found.line)).collect()
    }

    #[test]
    fn values_come_with_their_lines() {
        let text = "# comment\nserver:\n  port: 9000\n  allowed_hosts: [a, b]\naws:\n  account_id: '012'\nown:\n  tags: {a: 1}\n";
        let found = check(text);
        assert_eq!(found[0], ("server.port".into(), json!(9000), 3));
        assert_eq!(found[1], ("server.allowed_hosts".into(), json!(["a", "b"]), 4));
        assert_eq!(found[2], ("aws.account_id".into(), json!("012"), 6));
        assert_eq!(found[3], ("own.tags".into(), json!({"a": 1}), 8));
    }

    #[test]
    fn what_is_unknown_is_found_where_it_stands() {
        assert_eq!(
            check("server:\n  prot: 1\nsevrer:\n  port: 1\n"),
            [("server.prot".into(), json!(1), 2), ("sevrer".into(), json!({"port": 1}), 3),]
        );
        assert_eq!(check("server: 5\n"), [("server".into(), json!(5), 1)]);
    }

    #[test]
    fn what_has_no_value_sets_nothing() {
        assert_eq!(check(""), []);
        assert_eq!(check("# only a comment\n"), []);
        assert_eq!(check("server:\naws:\n  account_id:\n"), []);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let broken = |text: &str| read(text, |_| true, |_| false).unwrap_err();
        assert!(broken("server:\n  port: [1\n").contains("line"), "{}", broken("server:\n  port: [1\n"));
        assert!(broken("server:\n  port: 1\n  port: 2\n").to_lowercase().contains("duplicate"));
    }
}

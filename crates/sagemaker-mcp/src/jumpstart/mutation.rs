//! Damaged documents: whatever is missing or retyped, reading and resolving never panic.

use serde_json::{Value, json};

use super::{Manifest, Model, Names, Refusal, Region, Wanted, resolve};

const DOCUMENTS: [&str; 4] = [
    include_str!("../../fixtures/open_cpu.spec.json"),
    include_str!("../../fixtures/open_cpu.hub.json"),
    include_str!("../../fixtures/gated_chat.spec.json"),
    include_str!("../../fixtures/gated_chat.hub.json"),
];

/// Knuth's linear congruential generator: the same damage in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.values().map(size).sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 0,
    }
}

/// Replaces the n-th value below `value`, or removes it where `by` is `None`.
fn damage(value: &mut Value, n: &mut usize, by: &Option<Value>) -> bool {
    let keys: Vec<String> = match value {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(list) => (0..list.len()).map(|n| n.to_string()).collect(),
        _ => return false,
    };
    for key in keys {
        let child = match value {
            Value::Object(map) => &mut map[&key],
            Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
            _ => unreachable!(),
        };
        if *n > 0 {
            *n -= 1;
            if damage(child, n, by) {
                return true;
            }
            continue;
        }
        match (by, value) {
            (Some(by), _) => *child_of(value_of(&key), by),
            (None, Value::Object(map)) => drop(map.remove(&key)),
            (None, Value::Array(list)) => drop(list.remove(key.parse().unwrap())),
            (None, _) => {}
        }
        return true;
    }
    false
}

//! Damaged documents: whatever is missing or retyped, reading and resolving never panic.

use serde_json::{Value, json};

use super::{Manifest, Model, Refusal, Region, Wanted, resolve};

const DOCUMENTS: [&str; 4] = [
    include_str!("../../fixtures/open_cpu.spec.json"),
    include_str!("../../fixtures/open_cpu.hub.json"),
    include_str!("../../fixtures/gated_chat.spec.json"),
    include_str!("../../fixtures/gated_chat.hub.json"),
];
const MANIFEST: &str = include_str!("../../fixtures/manifest.json");

/// A linear congruential generator with Knuth's constants: the same damage in every run.
struct Dice(u64);

impl Dice {
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        &items[(self.0 >> 33) as usize % items.len()]
    }
}

/// The JSON pointers of everything below `value`.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, child)| (n.to_string(), child)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (key, child) in children {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(child, &place, found);
        found.push(place);
    }
}

/// One value removed or retyped.
fn damage(document: &mut Value, dice: &mut Dice) {
    let mut found = Vec::new();
    places(document, "", &mut found);
    let retyped = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("$"),
        json!("s3://"),
        json!("ml.."),
        json!([]),
        json!([null]),
        json!({}),
        json!({"": ""}),
    ];
    let place = dice.pick(&found).clone();
    if *dice.pick(&[true, false]) {
        *document.pointer_mut(&place).unwrap() = dice.pick(&retyped).clone();
        return;
    }
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    if let Some(map) = parent.as_object_mut() {
        map.remove(&key.replace("~1", "/").replace("~0", "~")).unwrap();
    } else if let Some(list) = parent.as_array_mut() {
        list.remove(key.parse().unwrap());
    }
}

fn wishes() -> Vec<Wanted> {
    let plain = Wanted {
        instance_count: 1,
        accept_eula: true,
        accept_additional_eulas: vec!["draft_model".into()],
        allow_unsupported_instance: true,
        ..Wanted::default()
    };
    let with = |instance_type: Option<&str>, config: Option<&str>| Wanted {
        instance_type: instance_type.map(Into::into),
        inference_config: config.map(Into::into),
        ..plain.clone()
    };
    let types = [None, Some("ml.c5.xlarge"), Some("ml.p4d.24xlarge")];
    types.into_iter().flat_map(|t| [with(t, None), with(t, Some("assisted-djl"))]).collect()
}

/// Counts the outcomes: deployable, refused for the document, refused for another reason.
fn outcomes(text: &str, region: &Region) -> [usize; 3] {
    let mut counts = [0; 3];
    for read in [Model::from_spec(text, region), Model::from_hub("m", "1.0.0", text, region)] {
        for wanted in wishes() {
            let n = match read.clone().and_then(|model| resolve(&model, &wanted)) {
                Ok(_) => 0,
                Err(Refusal::Malformed { field, .. }) => {
                    assert!(!field.is_empty());
                    1
                }
                Err(refusal) => {
                    assert!(!refusal.to_string().is_empty());
                    2
                }
            };
            counts[n] += 1;
        }
    }
    counts
}

#[test]
fn ten_thousand_damaged_documents_are_read_or_refused() {
    let (mut dice, region) = (Dice(20_261_120), Region::new("us-east-1"));
    let mut total = [0; 3];
    for n in 0..10_000 {
        let mut document: Value = serde_json::from_str(DOCUMENTS[n % DOCUMENTS.len()]).unwrap();
        for _ in 0..=n % 8 {
            damage(&mut document, &mut dice);
        }
        let counts = outcomes(&document.to_string(), &region);
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    // Each outcome must be frequent, or the test would prove little.
    assert!(total.iter().all(|count| *count > 5_000), "{total:?}");
}

#[test]
fn two_thousand_damaged_manifests_are_read_or_refused() {
    let mut dice = Dice(1);
    let mut picked = 0;
    for n in 0..2_000 {
        let mut document: Value = serde_json::from_str(MANIFEST).unwrap();
        for _ in 0..=n % 8 {
            damage(&mut document, &mut dice);
        }
        let manifest = Manifest::read(&document.to_string()).unwrap();
        picked += usize::from(manifest.pick("acme-chat-rocket", Some("1.*")).is_ok());
    }
    assert!((1_000..2_000).contains(&picked), "{picked}");
}

#[test]
fn a_document_cut_short_is_refused() {
    let region = Region::new("us-east-1");
    for text in DOCUMENTS {
        for end in (0..text.trim_end().len()).step_by(97).filter(|end| text.is_char_boundary(*end)) {
            assert!(matches!(Model::from_spec(&text[..end], &region), Err(Refusal::Malformed { .. })));
        }
    }
}

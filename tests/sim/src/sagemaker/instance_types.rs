//! The instance types that host endpoints, from the public API model.

use std::sync::LazyLock;

static INSTANCE_TYPES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let families = include_str!("../../fixtures/instance-types.txt").lines();
    let types = |line: &str| {
        let mut words = line.split_whitespace();
        let family = words.next().unwrap_or_default().to_owned();
        let types: Vec<String> = words.map(|size| format!("ml.{family}.{size}")).collect();
        types
    };
    families.filter(|l| !l.starts_with('#')).flat_map(types).collect()
});

/// All of them.
pub(crate) fn all() -> &'static [String] {
    &INSTANCE_TYPES
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_api_lists_277_instance_types() {
        assert_eq!(super::all().len(), 277);
    }
}

//! Files that one can read at a sitting.

use super::{Checked, Finding};
use crate::workspace::Source;

/// Lines besides tests that a file should not exceed.
pub(super) const AIM: usize = 300;
/// Lines that a file may not exceed.
const LIMIT: usize = 600;

pub(super) fn check(sources: &[Source]) -> Checked {
    let files: Vec<_> = rust(sources).collect();
    let too_long = files.iter().map(|source| (source, source.text.lines().count())).filter(|(_, lines)| *lines > LIMIT);
    Checked {
        name: "sizes",
        seen: format!("{} Rust files, none above {LIMIT} lines", files.len()),
        findings: too_long.map(|(source, lines)| Finding::new(&source.path, format!("{lines} lines"))).collect(),
        mend: "split it by thing, never into helpers",
    }
}

/// Files above the aim, longest first, with their lines besides tests.
pub(super) fn long(sources: &[Source]) -> Vec<(&str, usize)> {
    let plain = rust(sources).filter(|source| !source.path.contains("/tests/") && !source.path.ends_with("/tests.rs"));
    let mut long: Vec<_> = plain.map(|source| (source.path.as_str(), besides_tests(&source.text))).collect();
    long.retain(|(_, lines)| *lines > AIM);
    long.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    long
}

fn rust(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.path.ends_with(".rs"))
}

/// Lines up to the test module, which comes last.
fn besides_tests(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_module_does_not_count() {
        assert_eq!(besides_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(besides_tests("fn a() {}\n    #[cfg(test)]\n    fn b() {}\n"), 3);
    }
}

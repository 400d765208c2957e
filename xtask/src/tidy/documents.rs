//! What documents point at exists.

use std::{collections::BTreeSet, path::Path};

use super::{Checked, Finding, numbered};
use crate::workspace::{Source, root};

pub(super) fn check(sources: &[Source]) -> Vec<Checked> {
    vec![links(sources), tests(sources), pins(sources)]
}

fn documents(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.path.ends_with(".md"))
}

/// The lines of a document outside code fences.
fn prose(source: &Source) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut prose = Vec::new();
    for (n, line) in numbered(source) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push((n, line));
        }
    }
    prose
}

fn links(sources: &[Source]) -> Checked {
    let (mut count, mut findings) = (0, Vec::new());
    for source in documents(sources) {
        let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
        for (n, line) in prose(source) {
            for link in local_links(line) {
                count += 1;
                if !root().join(folder).join(link).exists() {
                    findings.push(Finding::new(format!("{}:{n}", source.path), format!("{link} does not exist")));
                }
            }
        }
    }
    Checked {
        name: "links",
        seen: format!("{count} links to files"),
        findings,
        mend: "correct the link, from the folder of the document",
    }
}

/// Files that a line of Markdown links to.
fn local_links(line: &str) -> Vec<&str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains(':')).collect()
}

/// In a table with a column about tests, each code span of that column is the name of a test, of a
/// file or of a folder.
fn tests(sources: &[Source]) -> Checked {
    let known = names(sources);
    let (mut count, mut findings) = (0, Vec::new());
    for source in documents(sources) {
        let mut column = None;
        for (n, line) in prose(source) {
            let Some(cells) = cells(line) else {
                column = None;
                continue;
            };
            let Some(column) = column else {
                column = cells.iter().position(|cell| is_about_tests(cell));
                column = column.or(Some(usize::MAX));
                continue;
            };
            for span in cells.get(column).into_iter().flat_map(|cell| code_spans(cell)) {
                count += 1;
                let name = span.rsplit("::").next().unwrap_or(span);
                if !known.contains(name) && !is_a_place(span, sources) {
                    findings.push(Finding::new(format!("{}:{n}", source.path), format!("there is no test `{span}`")));
                }
            }
        }
    }
    Checked {
        name: "named tests",
        seen: format!("{count} named in columns about tests"),
        findings,
        mend: "name the function, the scenario or the file as it is called now",
    }
}

/// Whether a file or a folder of the workspace is called so, from the root or from further inside.
fn is_a_place(span: &str, sources: &[Source]) -> bool {
    let (inside, last) = (format!("/{span}/"), format!("/{span}"));
    let mut paths = sources.iter().map(|source| format!("/{}", source.path));
    paths.any(|path| path.ends_with(&last) || path.contains(&inside))
}

fn is_about_tests(heading: &str) -> bool {
    ["test", "tests", "shown by", "proved by"].contains(&heading.to_lowercase().as_str())
}

/// Cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?;
    Some(row.trim_end_matches('|').split('|').map(str::trim).collect())
}

fn code_spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Functions of Rust and Python.
fn names(sources: &[Source]) -> BTreeSet<&str> {
    let code = sources.iter().filter(|source| source.path.ends_with(".rs") || source.path.ends_with(".py"));
    let lines = code.flat_map(|source| source.text.lines());
    let heads = lines.flat_map(|line| ["fn ", "def "].into_iter().filter_map(|word| line.split_once(word)));
    heads.filter_map(|(_, rest)| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()).collect()
}

/// A third-party judge that changes by itself is no judge.
fn pins(sources: &[Source]) -> Checked {
    let lists = sources.iter().filter(|source| source.path.ends_with("requirements.txt"));
    let (mut count, mut findings) = (0, Vec::new());
    for source in lists {
        let wanted = numbered(source).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        for (n, line) in wanted {
            count += 1;
            if !line.contains("==") {
                findings.push(Finding::new(format!("{}:{n}", source.path), format!("{line} has no exact version")));
            }
        }
    }
    Checked {
        name: "pins",
        seen: format!("{count} Python packages with exact versions"),
        findings,
        mend: "write name==version, also for what the named packages need (pip freeze)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_told_from_others() {
        let line = "see [a](a.md), [b](../b.md#part), [c](https://c.org), [d](#here) and [e](mailto:e@e.org)";
        assert_eq!(local_links(line), ["a.md", "../b.md"]);
    }

    #[test]
    fn a_fence_hides_what_is_in_it() {
        let text = "one\n```text\n[x](gone.md)\n```\ntwo\n".to_owned();
        assert_eq!(prose(&Source { path: "a.md".to_owned(), text }), [(1, "one"), (5, "two")]);
    }

    #[test]
    fn a_column_about_tests_names_tests() {
        let text =
            "| promise | test |\n|---|---|\n| `x` | `it_does`, `it_never_did`, `it/a.rs`, `t/a.rs` |\n".to_owned();
        let code = "    async fn it_does() {".to_owned();
        let sources =
            [Source { path: "a.md".to_owned(), text }, Source { path: "tests/it/a.rs".to_owned(), text: code }];
        let found = tests(&sources);
        let wrong = ["it_never_did", "t/a.rs"].map(|name| Finding::new("a.md:3", format!("there is no test `{name}`")));
        assert_eq!(found.findings, wrong);
        assert_eq!(found.seen, "4 named in columns about tests");
    }
}

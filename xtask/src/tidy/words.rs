//! Words that do not belong where they stand.

use super::{Checked, Finding, numbered};
use crate::workspace::Source;

/// Where rmcp may be named; tests everywhere may use its client.
const RMCP_IN: [&str; 5] =
    ["crates/longhaul/src/mcp/", "crates/longhaul/src/mcp.rs", "crates/longhaul-serve/", "tests/", "xtask/"];

pub(super) fn check(sources: &[Source]) -> Vec<Checked> {
    vec![rmcp(sources), lints(sources), places(sources), switched_off(sources)]
}

fn rmcp(sources: &[Source]) -> Checked {
    let outside = |source: &&Source| {
        let exempt = RMCP_IN.iter().any(|place| source.path.starts_with(place)) || source.path.contains("/tests/");
        source.path.ends_with(".rs") && !exempt
    };
    Checked {
        name: "rmcp's places",
        seen: format!("named in no code outside {}", RMCP_IN.join(", ")),
        findings: lines_with(sources.iter().filter(outside), |line| has_word(code(line), "rmcp")),
        mend: "say it in the engine's own words; what is missing there belongs into longhaul::mcp",
    }
}

fn lints(sources: &[Source]) -> Checked {
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    // One `#![allow]` at the head of an integration test is fine: clippy.toml does not reach its helpers.
    let (inner, outer) = (concat!("#![al", "low("), concat!("#[al", "low("));
    let findings = rust.flat_map(|source| {
        let of_tests = source.path.contains("tests/");
        lines_with([source], |line| line.contains(outer) || (line.contains(inner) && !of_tests))
    });
    Checked {
        name: "lints",
        seen: "none is switched off without a reason".to_owned(),
        findings: findings.collect(),
        mend: "mend what the lint says, or write #[expect(…, reason = \"…\")]",
    }
}

fn places(sources: &[Source]) -> Checked {
    // In pieces, so that this file does not find itself.
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tm", "p/"), concat!("/ho", "me/")];
    let hosts = [
        concat!("index.cra", "tes.io"),
        concat!("static.cra", "tes.io"),
        concat!("files.python", "hosted.org"),
        concat!("pypi.org/", "simple"),
        concat!("registry.npm", "js.org"),
        concat!("deb.deb", "ian.org"),
    ];
    let ours = sources.iter().filter(|source| !source.path.ends_with(".lock") && !source.path.ends_with("-lock.json"));
    let named = |line: &str| {
        folders.iter().any(|folder| starts_a_path(line, folder)) || hosts.iter().any(|host| line.contains(host))
    };
    Checked {
        name: "places",
        seen: "no file names a folder of some machine or the host of a package registry".to_owned(),
        findings: lines_with(ours, named),
        mend: "name it from the root of the workspace; name packages, not hosts",
    }
}

fn switched_off(sources: &[Source]) -> Checked {
    let findings = sources.iter().flat_map(|source| match source.path.rsplit('.').next() {
        Some("rs") => lines_with([source], |line| {
            let code = code(line);
            code.contains(concat!("to", "do!(")) || code.contains(concat!("unimple", "mented!(")) || ignores(line)
        }),
        Some("md") => lines_with([source], ignores),
        _ => Vec::new(),
    });
    Checked {
        name: "unfinished",
        seen: "every example is compiled, nothing is left to be done later".to_owned(),
        findings: findings.collect(),
        mend: "make the example compile (no_run where it needs a network), finish the code",
    }
}

/// A code fence that rustdoc leaves out.
fn ignores(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['/', '!']).trim_start();
    line.strip_prefix("```").is_some_and(|tags| tags.split([',', ' ']).any(|tag| tag == "ignore"))
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

/// Whether `folder` stands at the start of a path, not in the middle of a URL's.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '}' | '$' | '*'))
    })
}

fn lines_with<'a>(sources: impl IntoIterator<Item = &'a Source>, wrong: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = numbered(source).filter(|(_, line)| wrong(line));
        findings.extend(lines.map(|(n, line)| Finding::new(format!("{}:{n}", source.path), line.trim())));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of the findings of `check` in a file of this text.
    fn found(check: fn(&[Source]) -> Checked, path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&[source]).findings.into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn rmcp_is_found_where_it_does_not_belong() {
        let text = "use longhaul::mcp;\nuse rmcp::model::Tool;\n";
        assert_eq!(found(rmcp, "crates/sagemaker-mcp/src/lib.rs", text), ["crates/sagemaker-mcp/src/lib.rs:2"]);
        assert_eq!(found(rmcp, "crates/longhaul/src/tool.rs", text).len(), 1);
        for fine in ["crates/longhaul/src/mcp/call.rs", "crates/sagemaker-mcp/tests/it/main.rs", "tests/e2e/src/lib.rs"]
        {
            assert_eq!(found(rmcp, fine, text), [""; 0], "{fine}");
        }
    }

    #[test]
    fn a_lint_is_not_switched_off_without_a_reason() {
        let (outer, inner) = (concat!("#[al", "low(dead_code)]"), concat!("#![al", "low(clippy::panic)]"));
        assert_eq!(found(lints, "crates/a/src/lib.rs", outer).len(), 1);
        assert_eq!(found(lints, "crates/a/src/lib.rs", inner).len(), 1);
        assert_eq!(found(lints, "crates/a/tests/it/main.rs", inner), [""; 0]);
    }

    #[test]
    fn machines_and_registries_are_not_named() {
        let text = format!("see {}x\nfrom {}\n", concat!("/ro", "ot/"), concat!("registry.npm", "js.org"));
        assert_eq!(found(places, "README.md", &text), ["README.md:1", "README.md:2"]);
        assert_eq!(found(places, "Cargo.lock", &text), [""; 0]);
    }

    #[test]
    fn what_is_left_to_be_done_is_found() {
        assert_eq!(found(switched_off, "a.rs", concat!("fn a() { to", "do!() }")).len(), 1);
        assert_eq!(found(switched_off, "a.md", "text\n```rust,ignore\n"), ["a.md:2"]);
        assert_eq!(found(switched_off, "a.json", "```ignore"), [""; 0]);
    }

    #[test]
    fn a_word_in_a_comment_or_in_another_word_is_none() {
        assert!(has_word(code("use rmcp::model::Tool;"), "rmcp"));
        assert!(!has_word(code("let x = 1; // rmcp does so"), "rmcp"));
        assert!(!has_word(code("fn call_rmcp_tool() {}"), "rmcp"));
    }

    #[test]
    fn a_folder_counts_where_a_path_begins() {
        let folder = concat!("/tm", "p/");
        assert!(starts_a_path(&format!("open(\"{folder}x\")"), folder));
        assert!(starts_a_path(&format!("{folder}x"), folder));
        assert!(!starts_a_path(&format!("https://example.com{folder}x"), folder));
        assert!(!starts_a_path(&format!("target{folder}x"), folder));
    }

    #[test]
    fn ignored_examples_are_found_in_documents_and_comments() {
        for wrong in ["```ignore", "/// ```rust,ignore", "//! ```ignore", "  ```rust, ignore"] {
            assert!(ignores(wrong), "{wrong}");
        }
        assert!(!ignores("```rust,no_run") && !ignores("```") && !ignores("do not ignore ``` this"));
    }
}

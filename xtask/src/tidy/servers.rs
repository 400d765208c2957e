//! Who knows one server knows all: the same file names, a thin `main.rs`.

use std::collections::BTreeSet;

use super::{Checked, Finding};
use crate::workspace::{Package, Source};

/// Files of every server's `src`; a module may be a folder.
const MODULES: [&str; 7] = ["lib", "config", "api", "states", "operation", "error", "tools"];
const MAIN_LIMIT: usize = 40;

pub(super) fn names(packages: &[Package], sources: &[Source]) -> Checked {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    for package in packages.iter().filter(|package| package.is_server()) {
        let folder = package.folder().to_string_lossy().into_owned();
        seen.push(package.name.as_str());
        for module in MODULES {
            let [file, inside] = ["", "/mod"].map(|tail| format!("{folder}/src/{module}{tail}.rs"));
            if !paths.contains(file.as_str()) && !paths.contains(inside.as_str()) {
                findings.push(Finding::new(&package.name, format!("has no src/{module}.rs")));
            }
        }
        let main = sources.iter().find(|source| source.path == format!("{folder}/src/main.rs"));
        match main.map(|main| main.text.lines().count()) {
            None => findings.push(Finding::new(&package.name, "has no src/main.rs")),
            Some(lines) if lines > MAIN_LIMIT => {
                findings.push(Finding::new(format!("{folder}/src/main.rs"), format!("{lines} lines")));
            }
            Some(_) => {}
        }
    }
    Checked {
        name: "the servers' files",
        seen: format!("the same names, main.rs within {MAIN_LIMIT} lines: {}", seen.join(", ")),
        findings,
        mend: "name the module as in the other servers; move what main.rs does into longhaul-serve or the library",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workspace::root;

    #[test]
    fn a_missing_module_and_a_fat_main_are_found() {
        let package = json!([{
            "name": "kettle-mcp", "manifest_path": root().join("crates/kettle-mcp/Cargo.toml"), "features": {},
            "targets": [{"name": "kettle-mcp", "kind": ["bin"]}],
            "dependencies": [{"name": "longhaul-serve", "kind": null}],
        }]);
        let file = |name: &str, lines: usize| Source {
            path: format!("crates/kettle-mcp/src/{name}.rs"),
            text: "//\n".repeat(lines),
        };
        let mut sources: Vec<_> = MODULES.iter().map(|module| file(module, 1)).collect();
        sources.retain(|source| !source.path.ends_with("/states.rs") && !source.path.ends_with("/tools.rs"));
        sources.extend([file("tools/mod", 1), file("main", 41)]);
        let checked = names(&serde_json::from_value::<Vec<Package>>(package).unwrap(), &sources);
        let found: Vec<_> = checked.findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(found, ["has no src/states.rs", "41 lines"]);
    }
}

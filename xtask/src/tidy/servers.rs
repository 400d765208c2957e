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

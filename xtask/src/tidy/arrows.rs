//! Dependencies point one way, proved by what cargo would compile.

use std::collections::BTreeSet;

use super::{Checked, Finding};
use crate::{run::Outcome, workspace::Package};

/// Crates that speak HTTP, or carry a server of it.
const HTTP: [&str; 12] = [
    "actix-web",
    "axum",
    "axum-core",
    "http-body",
    "hyper",
    "hyper-util",
    "reqwest",
    "rocket",
    "tonic",
    "tower-http",
    "ureq",
    "warp",
];
/// Vendor SDKs that only one crate may have.
const SDKS: [(&str, &str); 1] = [("aws-sdk-sagemaker", "sagemaker-mcp")];
/// What a crate looks like without its default features.
const BARE: &[&str] = &["--no-default-features"];
/// Oldest rmcp without a known advisory.
const RMCP_FLOOR: (u64, u64) = (3, 7);

pub(super) fn check(packages: &[Package]) -> Outcome<Vec<Checked>> {
    Ok(vec![engine(packages)?, servers(packages)?, sdks(packages), simulators(packages), rmcp()?])
}

fn engine(packages: &[Package]) -> Outcome<Checked> {
    let mut findings = Vec::new();
    if let Some(engine) = packages.iter().find(|package| package.name == "longhaul") {
        findings.extend(forbidden("longhaul", &engine.closure(&[])?, &HTTP));
        let bare: Vec<&str> = HTTP.into_iter().chain(["rmcp"]).collect();
        findings.extend(forbidden("longhaul without features", &engine.closure(BARE)?, &bare));
    }
    Ok(Checked {
        name: "the engine's arrows",
        seen: format!("longhaul compiles no HTTP ({} crates looked for), without features no rmcp", HTTP.len()),
        findings,
        mend: "take the dependency out, or put what needs it into longhaul-serve",
    })
}

fn servers(packages: &[Package]) -> Outcome<Checked> {
    let mut findings = Vec::new();
    let mut names = Vec::new();
    for package in packages.iter().filter(|package| package.is_server()) {
        names.push(package.name.as_str());
        let closure = package.closure(BARE)?;
        findings.extend(forbidden(
            &format!("{} without features", package.name),
            &closure,
            &["longhaul-serve", "rmcp"],
        ));
        if package.features.get("default").is_none_or(|default| default != &["server"]) {
            findings.push(Finding::new(&package.name, "its default features are not [\"server\"]"));
        }
        if package.binary().is_some_and(|binary| binary.required_features != ["server"]) {
            findings.push(Finding::new(&package.name, "its binary does not require the feature `server`"));
        }
    }
    Ok(Checked {
        name: "the servers' arrows",
        seen: format!("as a library, none compiles longhaul-serve or rmcp: {}", names.join(", ")),
        findings,
        mend: "make the dependency optional, behind the default feature `server`, which the binary requires",
    })
}

fn sdks(packages: &[Package]) -> Checked {
    let mut findings = Vec::new();
    for (sdk, owner) in SDKS {
        let others = packages.iter().filter(|package| package.name != owner && depends(package, sdk));
        findings.extend(others.map(|other| Finding::new(&other.name, format!("depends on {sdk}"))));
    }
    Checked {
        name: "vendor SDKs",
        seen: SDKS.map(|(sdk, owner)| format!("{sdk} is only in {owner}")).join(", "),
        findings,
        mend: "ask the owner's library, or the wire itself",
    }
}

fn simulators(packages: &[Package]) -> Checked {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        for dependency in &package.dependencies {
            if package.name == "longhaul-sim" && ours.contains(dependency.name.as_str()) {
                findings.push(Finding::new("longhaul-sim", format!("depends on {}", dependency.name)));
            }
            let for_tests = dependency.kind.as_deref() == Some("dev");
            let may = for_tests || ["longhaul-e2e", "xtask"].contains(&package.name.as_str());
            if dependency.name == "longhaul-sim" && !may {
                findings.push(Finding::new(&package.name, "depends on longhaul-sim, not only for its tests"));
            }
        }
    }
    Checked {
        name: "the simulators' arrows",
        seen: "longhaul-sim shares no type with what it judges, and ships with nothing".to_owned(),
        findings,
        mend: "write the vendor's wire format down a second time; depend on longhaul-sim under [dev-dependencies]",
    }
}

fn rmcp() -> Outcome<Checked> {
    let lock = std::fs::read_to_string(crate::workspace::root().join("Cargo.lock"))?;
    let versions = versions("rmcp", &lock);
    let old = versions.iter().filter(|version| version.is_none_or(|version| version < RMCP_FLOOR));
    let findings = old.map(|_| Finding::new("Cargo.lock", "an rmcp older than 3.7 is locked")).collect();
    Ok(Checked {
        name: "rmcp's version",
        seen: format!("{} locked, none older than 3.7", versions.len()),
        findings,
        mend: "cargo update -p rmcp; advisory databases do not know all of its advisories",
    })
}

fn depends(package: &Package, on: &str) -> bool {
    package.dependencies.iter().any(|dependency| dependency.name == on)
}

fn forbidden(place: &str, closure: &BTreeSet<String>, names: &[&str]) -> Vec<Finding> {
    let found = names.iter().filter(|name| closure.contains(**name));
    found.map(|name| Finding::new(place, format!("compiles {name}; `cargo tree -i {name}` shows why"))).collect()
}

/// Major and minor version of each package called `name` in a lock file.
fn versions(name: &str, lock: &str) -> Vec<Option<(u64, u64)>> {
    let heads = lock.split("[[package]]").filter(|entry| entry.contains(&format!("\nname = \"{name}\"\n")));
    heads
        .map(|entry| {
            let version = entry.lines().find_map(|line| line.strip_prefix("version = \""))?;
            let mut numbers = version.split('.').map(|number| number.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Places of the findings of `check` where `package` depends on `on`, in this way.
    fn found(check: fn(&[Package]) -> Checked, package: &str, on: &str, kind: Option<&str>) -> usize {
        let crate_of = |name: &str, on: Option<&str>| {
            let dependencies: Vec<_> = on.iter().map(|on| json!({"name": on, "kind": kind})).collect();
            json!({
                "name": name, "manifest_path": "", "features": {}, "targets": [], "dependencies": dependencies,
            })
        };
        let all = json!([crate_of(package, Some(on)), crate_of("longhaul", None)]);
        check(&serde_json::from_value::<Vec<Package>>(all).unwrap()).findings.len()
    }

    #[test]
    fn an_sdk_elsewhere_is_found() {
        assert_eq!(found(sdks, "sagemaker-mcp", "aws-sdk-sagemaker", None), 0);
        for kind in [None, Some("dev"), Some("build")] {
            assert_eq!(found(sdks, "longhaul-e2e", "aws-sdk-sagemaker", kind), 1, "{kind:?}");
        }
    }

    #[test]
    fn simulators_share_nothing_and_ship_with_nothing() {
        assert_eq!(found(simulators, "longhaul-sim", "longhaul", Some("dev")), 1);
        assert_eq!(found(simulators, "longhaul-sim", "axum", None), 0);
        assert_eq!(found(simulators, "sagemaker-mcp", "longhaul-sim", None), 1);
        assert_eq!(found(simulators, "sagemaker-mcp", "longhaul-sim", Some("dev")), 0);
        assert_eq!(found(simulators, "longhaul-e2e", "longhaul-sim", None), 0);
    }

    #[test]
    fn every_locked_version_is_read() {
        let lock = "[[package]]\nname = \"rmcp\"\nversion = \"3.8.0\"\n\n[[package]]\nname = \"rmcp-macros\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"rmcp\"\nversion = \"1.4.2\"\n";
        assert_eq!(versions("rmcp", lock), [Some((3, 8)), Some((1, 4))]);
    }

    #[test]
    fn a_forbidden_crate_is_found_by_its_whole_name() {
        let closure = ["longhaul", "http", "hyper-util"].map(str::to_owned).into();
        assert_eq!(forbidden("longhaul", &closure, &["http-body", "hyper", "rmcp"]), []);
        assert_eq!(forbidden("longhaul", &closure, &["hyper-util"]).len(), 1);
    }
}

//! The workspace: its crates as cargo sees them, its files as git sees them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::run::{Outcome, capture, cargo};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where cargo builds.
pub(crate) fn target() -> Outcome<PathBuf> {
    Ok(metadata()?.target_directory)
}

/// The crates of the workspace.
pub(crate) fn packages() -> Outcome<Vec<Package>> {
    Ok(metadata()?.packages)
}

/// The servers.
pub(crate) fn servers() -> Outcome<Vec<Package>> {
    Ok(packages()?.into_iter().filter(Package::is_server).collect())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

/// A crate of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
}

/// What a crate says it depends on.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for an ordinary one.
    pub(crate) kind: Option<String>,
}

/// Something that cargo builds of a crate.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    pub(crate) required_features: Vec<String>,
}

impl Package {
    /// Its folder, from the root.
    pub(crate) fn folder(&self) -> &Path {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        folder.strip_prefix(root()).unwrap_or(folder)
    }

    /// Whether it is a published crate with a binary of the same name on `longhaul-serve`.
    pub(crate) fn is_server(&self) -> bool {
        let serves = self.dependencies.iter().any(|dependency| dependency.name == "longhaul-serve");
        serves && self.folder().starts_with("crates") && self.binary().is_some()
    }

    /// Its binary of the same name.
    pub(crate) fn binary(&self) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == self.name && target.kind.iter().any(|kind| kind == "bin"))
    }

    /// Everything that `cargo build` would compile for it, itself included.
    pub(crate) fn closure(&self, features: &[&str]) -> Outcome<BTreeSet<String>> {
        let tree = ["tree", "--package", &self.name, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
        let lines = capture(&mut cargo(tree.iter().chain(features)))?;
        Ok(lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
    }
}

fn metadata() -> Outcome<Metadata> {
    let text = capture(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    Ok(serde_json::from_str(&text)?)
}

/// A text file of the workspace.
pub(crate) struct Source {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The text files that git has or would take.
pub(crate) fn sources() -> Outcome<Vec<Source>> {
    let mut git = std::process::Command::new("git");
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let list = capture(git.args(list).current_dir(root()))?;
    let paths: BTreeSet<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
    let mut sources = Vec::new();
    for path in paths {
        // A file that was removed and not yet staged is listed, too; one that is no text is left out.
        if let Ok(text) = fs::read_to_string(root().join(path)) {
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    Ok(sources)
}

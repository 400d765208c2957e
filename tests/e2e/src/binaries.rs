//! The programs under test, beside the test executable.
//!
//! Missing ones are built, and so are those that are older than their sources: a test that passes
//! on yesterday's binary tells nothing. With `LONGHAUL_E2E_AS_BUILT` set they are taken as they are.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const PROGRAMS: [&str; 2] = ["sagemaker-mcp", "longhaul-sim"];

/// Where a program is.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(make_ready);
    let path = folder().join(name);
    assert!(path.exists(), "{} is missing; `{}` builds it", path.display(), command_line().join(" "));
    path
}

/// An empty folder: the home of everything that is started here.
#[must_use]
pub fn empty_home() -> PathBuf {
    let home = folder().join("e2e-home");
    std::fs::create_dir_all(&home).unwrap();
    assert_eq!(home.read_dir().unwrap().count(), 0, "{} is not empty", home.display());
    home
}

/// `target/<profile>`; the executable of a test is in its `deps`.
fn folder() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().and_then(Path::parent).unwrap().to_owned()
}

fn command_line() -> Vec<String> {
    let folder = folder();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    // Everything, with the tests: what they were built with is built already, and another
    // selection of packages would have other features.
    let line = ["cargo", "build", "--profile", profile, "--workspace", "--bins", "--tests", "--examples"];
    line.map(str::to_owned).into()
}

fn make_ready() {
    let folder = folder();
    if std::env::var_os("LONGHAUL_E2E_AS_BUILT").is_some() || PROGRAMS.iter().all(|name| is_fresh(&folder, name)) {
        return;
    }
    let line = command_line();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let built = Command::new(cargo).args(&line[1..]).current_dir(root).output().expect("cargo runs");
    assert!(built.status.success(), "`{}` failed:\n{}", line.join(" "), String::from_utf8_lossy(&built.stderr));
}

/// Whether a program is there and no source that cargo noted for it is younger.
fn is_fresh(folder: &Path, name: &str) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let (Some(built), Ok(sources)) =
        (modified(&folder.join(name)), std::fs::read_to_string(folder.join(format!("{name}.d"))))
    else {
        return false;
    };
    let sources = sources.split_once(": ").map(|(_, sources)| sources.trim()).unwrap_or_default();
    // Blanks in a path are escaped; those between paths are not.
    let sources = sources.replace("\\ ", "\0");
    sources.split(' ').all(|source| modified(Path::new(&source.replace('\0', " "))).is_some_and(|at| at <= built))
}

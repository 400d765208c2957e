//! The same tools in the whole process that a Longhaul server is.

use std::process::ExitCode;

use longhaul::mcp::{Server, Settings};
use longhaul_serve::{BuildError, NoSettings, Served, Shared};

struct Baseline;

impl Served for Baseline {
    type Config = NoSettings;
    const NAME: &'static str = "baseline-serve";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "What `cargo xtask bench` measures";
    const SECTION: &'static str = "baseline";

    fn build(&self, _: &Shared, _: &NoSettings, settings: Settings) -> Result<Server, BuildError> {
        Ok(longhaul_baseline::longhaul::server(2, settings))
    }
}

fn main() -> ExitCode {
    longhaul_serve::run(Baseline)
}

//! `fragile-mcp`: a server whose tools panic where they are told to, and whose callers say
//! themselves who they are (`X-Principal`). For tests only.

use std::{process::ExitCode, time::Duration};

use longhaul::{
    context::Context,
    fault::Fault,
    mcp::{Server, Settings},
    operation::{Observation, Operation, Pace, Running, Subject},
    report::Next,
    tool::{Class, LongTool, Principal, QuickTool, Terms},
};
use longhaul_serve::{BuildError, NoSettings, Served, Shared};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    longhaul_serve::run(Fragile)
}

struct Fragile;

impl Served for Fragile {
    type Config = NoSettings;
    const NAME: &'static str = "fragile-mcp";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "Panics where it is told to";
    const SECTION: &'static str = "fragile";

    fn build(&self, _: &Shared, _: &NoSettings, mut settings: Settings) -> Result<Server, BuildError> {
        settings.principal = |extensions| {
            let parts = extensions.get::<http::request::Parts>();
            let named = parts.and_then(|parts| parts.headers.get("x-principal")?.to_str().ok());
            named.map_or_else(Principal::local, Principal::new)
        };
        let server = Server::builder(Self::NAME, Self::VERSION, "Panics where it is told to.", "nowhere", settings);
        Ok(server.long(Drop).quick(Glance).build())
    }
}

/// Where to panic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Before anything begins.
    Resource,
    /// While it begins.
    Begin,
    /// While it is looked at.
    Observe,
    /// In a quick tool.
    Call,
}

#[expect(clippy::panic, reason = "this is what it is for")]
fn perhaps(here: Place, told: Place) {
    if here == told {
        panic!("the vase broke at {here:?}\nin two");
    }
}

/// Something that never ends.
struct Vase;

impl Operation for Vase {
    const KIND: &'static str = "fragile.vase";
    type Handle = Place;
    type Output = bool;

    fn subject(&self, _: &Place) -> Subject {
        let resume = Next::new("drop_vase", "It goes on falling.");
        Subject { target: "nowhere".into(), resource: "vase".into(), since: None, resume }
    }

    async fn observe(&self, _: &Context, told: &Place) -> Result<Observation<bool>, Fault> {
        perhaps(Place::Observe, *told);
        Ok(Observation::Running(Running::new("Falling", "")))
    }
}

/// Drops a vase.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DropVase {
    /// Where to panic.
    #[serde(default)]
    panic_at: Place,
}

struct Drop;

impl LongTool for Drop {
    const NAME: &'static str = "drop_vase";
    const CLASS: Class = Class::Write;
    type Args = DropVase;
    type Operation = Vase;

    fn operation(&self) -> &Vase {
        &Vase
    }

    fn resource(&self, _: &Context, args: &DropVase) -> String {
        perhaps(Place::Resource, args.panic_at);
        "vase".into()
    }

    fn terms(&self) -> Terms {
        Terms { pace: Pace { every: Duration::from_millis(100), ..Pace::default() }, ..Terms::default() }
    }

    async fn begin(&self, _: &Context, args: DropVase) -> Result<Place, Fault> {
        perhaps(Place::Begin, args.panic_at);
        Ok(args.panic_at)
    }
}

/// Glances at a vase.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GlanceAtVase {
    /// Where to panic.
    #[serde(default)]
    panic_at: Place,
}

/// What was seen.
#[derive(Serialize, JsonSchema)]
struct Seen {
    /// Whether it is whole.
    whole: bool,
}

struct Glance;

impl QuickTool for Glance {
    const NAME: &'static str = "glance_at_vase";
    const CLASS: Class = Class::Read;
    type Args = GlanceAtVase;
    type Output = Seen;

    fn resource(&self, _: &GlanceAtVase) -> String {
        "vase".into()
    }

    async fn call(&self, _: &Context, args: GlanceAtVase) -> Result<Seen, Fault> {
        perhaps(Place::Call, args.panic_at);
        Ok(Seen { whole: true })
    }

    fn sentence(&self, seen: &Seen) -> String {
        format!("whole: {}", seen.whole)
    }
}

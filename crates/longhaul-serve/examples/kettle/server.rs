//! A kettle: the smallest server with an operation that outlives a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    mcp::{Server, Settings},
    operation::{Observation, Operation, Pace, Running, Subject},
    report::Next,
    tool::{Class, LongTool, QuickTool, Terms},
};
use longhaul_serve::{BuildError, CheckLine, Secret, Served, Shared};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The program.
pub(crate) struct Kettle;

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KettleConfig {
    /// Seconds that a litre takes.
    #[schemars(range(max = 86_400))]
    pub(crate) seconds: u64,
    /// Password of the kitchen.
    pub(crate) password: Option<Secret>,
}

impl Default for KettleConfig {
    fn default() -> Self {
        Self { seconds: 3, password: None }
    }
}

impl Served for Kettle {
    type Config = KettleConfig;
    const NAME: &'static str = "kettle-mcp";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "Boils water, to show how a server is run";
    const SECTION: &'static str = "kettle";

    fn build(&self, _: &Shared, own: &KettleConfig, settings: Settings) -> Result<Server, BuildError> {
        let kitchen = Kitchen { on: Arc::default(), takes: Duration::from_secs(own.seconds) };
        let server = Server::builder(Self::NAME, Self::VERSION, "Boils water.", "kitchen", settings);
        Ok(server.long(Boil(kitchen.clone())).long(Wait(kitchen.clone())).quick(List(kitchen)).build())
    }

    async fn check(&self, _: &Shared, own: &KettleConfig) -> Vec<CheckLine> {
        vec![match own.seconds {
            0 => CheckLine::failed("kettle", "boils in no time, which no kettle does; set kettle.seconds"),
            seconds => CheckLine::fine("kettle", format!("boils in {seconds} s")),
        }]
    }
}

/// All kettles.
#[derive(Clone)]
struct Kitchen {
    on: Arc<Mutex<HashMap<String, Instant>>>,
    takes: Duration,
}

impl Kitchen {
    fn since(&self, name: &str) -> Option<Instant> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

/// What a kettle holds in the end.
#[derive(Serialize, JsonSchema)]
struct Water {
    /// In degrees Celsius.
    celsius: u32,
}

impl Operation for Kitchen {
    const KIND: &'static str = "kettle.water";
    type Handle = String;
    type Output = Water;

    fn subject(&self, name: &String) -> Subject {
        let resume = Next::new("wait_kettle", "It goes on boiling.").with("kettle", name.as_str());
        Subject { target: "kitchen".into(), resource: name.clone(), since: None, resume }
    }

    async fn observe(&self, _: &Context, name: &String) -> Result<Observation<Water>, Fault> {
        let Some(since) = self.since(name) else {
            return Ok(Observation::Failed(Fault::new(FaultCode::Gone, "this kettle is not on")));
        };
        let done = since.elapsed().as_secs_f64() / self.takes.as_secs_f64().max(0.001);
        Ok(if done >= 1.0 {
            Observation::Succeeded(Water { celsius: 100 })
        } else {
            Observation::Running(Running::new("Heating", "").with_fraction(Some(done)))
        })
    }
}

/// Boils water. To look after a kettle that is on, call `wait_kettle`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BoilKettle {
    /// Which kettle.
    kettle: String,
    /// Seconds to fill it first.
    #[serde(default)]
    fill_seconds: u64,
}

struct Boil(Kitchen);

impl LongTool for Boil {
    const NAME: &'static str = "boil_kettle";
    const CLASS: Class = Class::Write;
    type Args = BoilKettle;
    type Operation = Kitchen;

    fn operation(&self) -> &Kitchen {
        &self.0
    }

    fn resource(&self, _: &Context, args: &BoilKettle) -> String {
        args.kettle.clone()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, args: BoilKettle) -> Result<String, Fault> {
        if args.fill_seconds > 0 {
            tracing::info!("filling");
            tokio::time::sleep(Duration::from_secs(args.fill_seconds)).await;
        }
        self.0
            .on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(args.kettle.clone())
            .or_insert_with(Instant::now);
        Ok(args.kettle)
    }
}

/// Waits until a kettle boils. Changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitKettle {
    /// Which kettle.
    kettle: String,
}

struct Wait(Kitchen);

impl LongTool for Wait {
    const NAME: &'static str = "wait_kettle";
    const CLASS: Class = Class::Read;
    type Args = WaitKettle;
    type Operation = Kitchen;

    fn operation(&self) -> &Kitchen {
        &self.0
    }

    fn resource(&self, _: &Context, args: &WaitKettle) -> String {
        args.kettle.clone()
    }

    fn terms(&self) -> Terms {
        terms()
    }

    async fn begin(&self, _: &Context, args: WaitKettle) -> Result<String, Fault> {
        Ok(args.kettle)
    }
}

fn terms() -> Terms {
    Terms { pace: Pace { every: Duration::from_millis(200), ..Pace::default() }, ..Terms::default() }
}

/// Lists the kettles that are on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListKettles {
    /// Seconds to think about it first.
    #[serde(default)]
    think_seconds: u64,
}

/// The kettles that are on.
#[derive(Serialize, JsonSchema)]
struct Kettles {
    /// Their names.
    kettles: Vec<String>,
}

struct List(Kitchen);

impl QuickTool for List {
    const NAME: &'static str = "list_kettles";
    const CLASS: Class = Class::Read;
    type Args = ListKettles;
    type Output = Kettles;

    fn resource(&self, _: &ListKettles) -> String {
        "kettles".into()
    }

    async fn call(&self, _: &Context, args: ListKettles) -> Result<Kettles, Fault> {
        if args.think_seconds > 0 {
            tracing::info!("thinking");
            tokio::time::sleep(Duration::from_secs(args.think_seconds)).await;
        }
        let on = self.0.on.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Kettles { kettles: on.keys().cloned().collect() })
    }

    fn sentence(&self, output: &Kettles) -> String {
        format!("{} kettles are on.", output.kettles.len())
    }
}

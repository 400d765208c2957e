//! Tools above the remote resource, one of each sort, and servers made of them.

use std::{collections::BTreeMap, time::Duration};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    mcp::{Server, Settings},
    operation::{Pace, Running},
    report::Next,
    tool::{Class, LongTool, QuickTool, Terms},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::DuplexStream;

use crate::remote::{Made, Remote, Thing};

/// What becomes of a start, or of a quick call.
#[derive(Clone)]
pub(crate) enum Start {
    Now,
    After(Duration),
    Refused(Box<Fault>),
    Panic,
}

/// A remote resource and how the tools get at it.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) remote: Remote,
    pub(crate) start: Start,
    /// What is told on the way.
    pub(crate) steps: Vec<&'static str>,
    pub(crate) terms: Terms,
    pub(crate) advance: fn(&Remote) -> Result<bool, Fault>,
    /// What a quick tool answers.
    pub(crate) page: Page,
}

impl Lab {
    pub(crate) fn new(remote: Remote) -> Self {
        Self {
            remote,
            start: Start::Now,
            steps: vec![],
            terms: Terms::default(),
            advance: |_| Ok(false),
            page: Page::default(),
        }
    }

    pub(crate) fn starting(self, start: Start) -> Self {
        Self { start, ..self }
    }

    pub(crate) fn at_pace(mut self, every: Duration) -> Self {
        self.terms.pace = Pace { every, ..self.terms.pace };
        self
    }

    pub(crate) fn server(&self, settings: Settings) -> Server {
        self.server_of("fake/1", settings)
    }

    pub(crate) fn server_of(&self, target: &str, settings: Settings) -> Server {
        Server::builder("lab", "1.0.0", "Makes things.", target, settings)
            .long(Make(self.clone()))
            .long(Wait(self.clone()))
            .long(Remove(self.clone()))
            .long(Build(self.clone()))
            .quick(Show(self.clone()))
            .quick(Rename(self.clone()))
            .quick(Wipe(self.clone()))
            .build()
    }

    /// A server on which everything is allowed.
    pub(crate) fn open(&self) -> Server {
        self.server(all())
    }

    async fn begin(&self, cx: &Context, what: &str, args: ThingArgs) -> Result<Thing, Fault> {
        self.remote.ask(format!("{what} {}", args.name));
        self.steps.iter().for_each(|step| cx.tell(step));
        self.started().await?;
        self.remote.ask(format!("{what} {}: done", args.name));
        Ok(Thing { name: args.name })
    }

    async fn started(&self) -> Result<(), Fault> {
        match &self.start {
            Start::Now => {}
            Start::After(pause) => tokio::time::sleep(*pause).await,
            Start::Refused(fault) => return Err(fault.as_ref().clone()),
            Start::Panic => panic!("the fake panics in a start"),
        }
        Ok(())
    }
}

pub(crate) fn all() -> Settings {
    Settings { allowed: Class::Destructive, ..Settings::default() }
}

pub(crate) fn only(allowed: Class) -> Settings {
    Settings { allowed, ..Settings::default() }
}

/// Serves in the background over a pipe of so many bytes; the client's end of it.
pub(crate) fn serve(server: &Server, bytes: usize) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(bytes);
    let server = server.clone();
    tokio::spawn(async move {
        let serving = rmcp::ServiceExt::serve(server, ours).await;
        if let Ok(serving) = serving {
            let _ = serving.waiting().await;
        }
    });
    theirs
}

/// Does something with a thing.
/// Not with two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThingArgs {
    /// Name of the thing.
    name: String,
    /// How large it is to be.
    #[expect(dead_code, reason = "is there to be given wrongly")]
    size: Option<u8>,
    /// Labels to put on it.
    #[serde(default)]
    #[expect(dead_code, reason = "is there to be given wrongly")]
    tags: Vec<String>,
}

macro_rules! long_tool {
    ($tool:ident, $name:literal, $class:ident, $verb:literal, $stepwise:literal) => {
        pub(crate) struct $tool(Lab);

        impl LongTool for $tool {
            const NAME: &'static str = $name;
            const CLASS: Class = Class::$class;
            const STEPWISE: bool = $stepwise;
            const ABORTS: bool = !matches!(Class::$class, Class::Read);
            type Args = ThingArgs;
            type Operation = Remote;

            fn operation(&self) -> &Remote {
                &self.0.remote
            }

            fn resource(&self, _: &Context, args: &ThingArgs) -> String {
                args.name.clone()
            }

            fn terms(&self) -> Terms {
                self.0.terms
            }

            async fn begin(&self, cx: &Context, args: ThingArgs) -> Result<Thing, Fault> {
                self.0.begin(cx, $verb, args).await
            }

            async fn advance(&self, _: &Context, thing: &Thing, running: &Running) -> Result<bool, Fault> {
                self.0.remote.ask(format!("step of {} at {}", thing.name, running.phase));
                (self.0.advance)(&self.0.remote)
            }
        }
    };
}

long_tool!(Make, "make_thing", Write, "make", false);
long_tool!(Wait, "wait_thing", Read, "find", false);
long_tool!(Remove, "remove_thing", Destructive, "remove", false);
long_tool!(Build, "build_thing", Write, "build", true);

/// What a quick tool answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) made: Option<Made>,
    pub(crate) labels: BTreeMap<String, Option<String>>,
    pub(crate) next: Vec<Next>,
    #[serde(serialize_with = "unless_broken")]
    pub(crate) broken: bool,
}

fn unless_broken<S: serde::Serializer>(broken: &bool, to: S) -> Result<S::Ok, S::Error> {
    if *broken { Err(serde::ser::Error::custom("broken")) } else { to.serialize_bool(false) }
}

macro_rules! quick_tool {
    ($tool:ident, $name:literal, $class:ident) => {
        pub(crate) struct $tool(Lab);

        impl QuickTool for $tool {
            const NAME: &'static str = $name;
            const CLASS: Class = Class::$class;
            type Args = ThingArgs;
            type Output = Page;

            fn resource(&self, args: &ThingArgs) -> String {
                args.name.clone()
            }

            async fn call(&self, _: &Context, args: ThingArgs) -> Result<Page, Fault> {
                self.0.remote.ask(format!("{} {}", $name, args.name));
                self.0.started().await?;
                self.0.remote.ask(format!("{} {}: done", $name, args.name));
                Ok(self.0.page.clone())
            }

            fn sentence(&self, page: &Page) -> String {
                format!("A page: {}", page.text)
            }
        }
    };
}

quick_tool!(Show, "show_thing", Read);
quick_tool!(Rename, "rename_thing", Write);
quick_tool!(Wipe, "wipe_thing", Destructive);

pub(crate) fn refused() -> Start {
    Start::Refused(Box::new(Fault::new(FaultCode::Quota, "no capacity")))
}

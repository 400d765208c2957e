//! Tools that answer at once.

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    mcp::Builder,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) fn add(server: Builder) -> Builder {
    server.quick(SimpleText).quick(Fails).quick(Greet).quick(Region)
}

/// One text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Said {
    /// What is said.
    pub(crate) text: String,
}

/// Answers with a text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

struct SimpleText;

impl QuickTool for SimpleText {
    const NAME: &'static str = "test_simple_text";
    const CLASS: Class = Class::Read;
    type Args = NoArguments;
    type Output = Said;

    fn resource(&self, _: &NoArguments) -> String {
        "text".to_owned()
    }

    async fn call(&self, _: &Context, _: NoArguments) -> Result<Said, Fault> {
        Ok(Said { text: "This is a simple text response for testing.".to_owned() })
    }

    fn sentence(&self, said: &Said) -> String {
        said.text.clone()
    }
}

/// Always fails.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

struct Fails;

impl QuickTool for Fails {
    const NAME: &'static str = "test_error_handling";
    const CLASS: Class = Class::Read;
    type Args = Nothing;
    type Output = Said;

    fn resource(&self, _: &Nothing) -> String {
        "failure".to_owned()
    }

    async fn call(&self, _: &Context, _: Nothing) -> Result<Said, Fault> {
        Err(Fault::new(FaultCode::OperationFailed, "This tool intentionally returns an error for testing"))
    }

    fn sentence(&self, said: &Said) -> String {
        said.text.clone()
    }
}

/// Greets. Never a task.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// Who is greeted.
    name: String,
}

struct Greet;

impl QuickTool for Greet {
    const NAME: &'static str = "greet";
    const CLASS: Class = Class::Read;
    type Args = Name;
    type Output = Said;

    fn resource(&self, args: &Name) -> String {
        args.name.clone()
    }

    async fn call(&self, _: &Context, args: Name) -> Result<Said, Fault> {
        Ok(Said { text: format!("Hello, {}!", args.name) })
    }

    fn sentence(&self, said: &Said) -> String {
        said.text.clone()
    }
}

/// Answers with the region, which the client repeats in a header so that a gateway can route by it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Routed {
    /// Where to.
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: String,
}

struct Region;

impl QuickTool for Region {
    const NAME: &'static str = "test_routed_by_header";
    const CLASS: Class = Class::Read;
    type Args = Routed;
    type Output = Said;

    fn resource(&self, args: &Routed) -> String {
        args.region.clone()
    }

    async fn call(&self, _: &Context, args: Routed) -> Result<Said, Fault> {
        Ok(Said { text: args.region })
    }

    fn sentence(&self, said: &Said) -> String {
        said.text.clone()
    }
}

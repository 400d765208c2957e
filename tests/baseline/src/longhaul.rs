//! The tools on Longhaul: one quick, one long and over at its first look.

use longhaul::{
    context::Context,
    fault::Fault,
    mcp::{Server, Settings},
    operation::{Observation, Operation, Subject},
    report::Next,
    tool::{Class, LongTool, QuickTool},
};
use serde::{Deserialize, Serialize};

use crate::tools::{DeployArgs, Echo, EchoArgs, Ready};

/// Names of the tools that are there to be searched past; the first is the one that is called.
const ECHOES: [&str; 19] = [
    "echo", "echo_2", "echo_3", "echo_4", "echo_5", "echo_6", "echo_7", "echo_8", "echo_9", "echo_10", "echo_11",
    "echo_12", "echo_13", "echo_14", "echo_15", "echo_16", "echo_17", "echo_18", "echo_19",
];

struct EchoTool<const N: usize>;

impl<const N: usize> QuickTool for EchoTool<N> {
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    const NAME: &'static str = ECHOES[N];
    const CLASS: Class = Class::Read;
    type Args = EchoArgs;
    type Output = Echo;

    fn resource(&self, args: &EchoArgs) -> String {
        args.text.clone()
    }

    async fn call(&self, _: &Context, args: EchoArgs) -> Result<Echo, Fault> {
        Ok(Echo { text: args.text })
    }

    fn sentence(&self, _: &Echo) -> String {
        "Here it is.".to_owned()
    }
}

struct Endpoint;

#[derive(Clone, Serialize, Deserialize)]
struct Handle {
    endpoint_name: String,
    config: String,
}

impl Operation for Endpoint {
    const KIND: &'static str = "baseline.endpoint";
    type Handle = Handle;
    type Output = Ready;

    fn subject(&self, handle: &Handle) -> Subject {
        Subject {
            target: "here".to_owned(),
            resource: handle.endpoint_name.clone(),
            since: None,
            resume: Next::new("deploy", "It follows the endpoint."),
        }
    }

    async fn observe(&self, _: &Context, handle: &Handle) -> Result<Observation<Ready>, Fault> {
        let Handle { endpoint_name, config } = handle.clone();
        Ok(Observation::Succeeded(Ready { endpoint_name, config }))
    }
}

struct Deploy {
    endpoint: Endpoint,
}

impl LongTool for Deploy {
    const NAME: &'static str = "deploy";
    const CLASS: Class = Class::Read;
    type Args = DeployArgs;
    type Operation = Endpoint;

    fn operation(&self) -> &Endpoint {
        &self.endpoint
    }

    fn resource(&self, _: &Context, args: &DeployArgs) -> String {
        args.endpoint_name.clone()
    }

    async fn begin(&self, _: &Context, args: DeployArgs) -> Result<Handle, Fault> {
        Ok(Handle { endpoint_name: args.endpoint_name, config: args.instance_type.unwrap_or_default() })
    }
}

/// The server with two tools, or with twenty.
#[must_use]
pub fn server(tools: u8, settings: Settings) -> Server {
    let builder = Server::builder("baseline", "0.1.0", "", "here", settings)
        .quick(EchoTool::<0>)
        .long(Deploy { endpoint: Endpoint });
    if tools == 2 {
        return builder.build();
    }
    let builder = builder.quick(EchoTool::<1>).quick(EchoTool::<2>).quick(EchoTool::<3>).quick(EchoTool::<4>);
    let builder = builder.quick(EchoTool::<5>).quick(EchoTool::<6>).quick(EchoTool::<7>).quick(EchoTool::<8>);
    let builder = builder.quick(EchoTool::<9>).quick(EchoTool::<10>).quick(EchoTool::<11>).quick(EchoTool::<12>);
    let builder = builder.quick(EchoTool::<13>).quick(EchoTool::<14>).quick(EchoTool::<15>).quick(EchoTool::<16>);
    builder.quick(EchoTool::<17>).quick(EchoTool::<18>).build()
}

//! The bare rmcp server: `#[tool_router]`, built once, on one thread.

use std::time::SystemTime;

use clap::Parser;
use longhaul::report::{CallReport, OperationReport, State, timestamp};
use longhaul_baseline::{
    Options, Stdio,
    tools::{DeployArgs, Echo, EchoArgs, Ready},
};
use rmcp::{
    Json, RoleServer, ServerHandler, ServiceExt,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    service::RunningService,
    tool, tool_handler, tool_router,
    transport::io,
};

struct Bare {
    tools: ToolRouter<Self>,
}

#[tool_router(router = all_tools)]
impl Bare {
    fn new(tools: u8) -> Self {
        let mut router = Self::all_tools();
        let echo = router.map.get("echo").cloned();
        for (n, mut route) in (2..tools).zip(std::iter::repeat(echo).flatten()) {
            route.attr.name = format!("echo_{n}").into();
            router.add_route(route);
        }
        Self { tools: router }
    }

    /// Answers with the text it was given.
    #[tool]
    async fn echo(&self, Parameters(args): Parameters<EchoArgs>) -> Json<CallReport<Echo>> {
        Json(CallReport { result: Some(Echo { text: args.text }), error: None, leftovers: Vec::new(), next: None })
    }

    /// Deploys a model and follows its endpoint until it is in service.
    #[tool]
    async fn deploy(&self, Parameters(args): Parameters<DeployArgs>) -> Json<OperationReport<Ready>> {
        let config = args.instance_type.unwrap_or_default();
        Json(OperationReport {
            operation: "baseline.endpoint".to_owned(),
            target: "here".to_owned(),
            resource: args.endpoint_name.clone(),
            state: State::Succeeded,
            phase: "succeeded".to_owned(),
            progress: Some(1.0),
            message: format!("{} is as it was asked for, after 0 s.", args.endpoint_name),
            observed_at: Some(timestamp(SystemTime::now())),
            elapsed_seconds: 0,
            result: Some(Ready { endpoint_name: args.endpoint_name, config }),
            error: None,
            leftovers: Vec::new(),
            next: None,
        })
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Bare {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let bare = Bare::new(options.tools);
    let running: RunningService<RoleServer, Bare> = match options.stdio {
        Stdio::Pipes => bare.serve(io::stdio_pipes()).await?,
        Stdio::Blocking => bare.serve(io::stdio()).await?,
    };
    running.waiting().await?;
    Ok(())
}

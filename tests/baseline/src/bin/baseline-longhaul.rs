//! The same tools on the engine, over the same pipes, on one thread.

use clap::Parser;
use longhaul::mcp::{Server, Settings};
use longhaul_baseline::{Options, Stdio, longhaul::server};
use rmcp::{RoleServer, ServiceExt, service::RunningService, transport::io};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let server = server(options.tools, Settings::default());
    let running: RunningService<RoleServer, Server> = match options.stdio {
        Stdio::Pipes => server.serve(io::stdio_pipes()).await?,
        Stdio::Blocking => server.serve(io::stdio()).await?,
    };
    running.waiting().await?;
    Ok(())
}

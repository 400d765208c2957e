//! rmcp's MCP client, as any host would use it.

use rmcp::{
    ClientHandler, RoleClient,
    model::{CallToolRequestParams, CallToolResult, ClientConfig, ProgressNotificationParam},
    service::{NotificationContext, RunningService, ServiceExt},
};
use serde_json::Value;
use tokio::process::Child;

use crate::{Failure, screen::Bar};

/// A session with one server process.
pub(crate) struct Client {
    session: RunningService<RoleClient, Watcher>,
    process: Child,
}

/// Shows the progress that the server sends.
#[derive(Clone)]
struct Watcher(Bar);

impl ClientHandler for Watcher {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::default()
    }

    async fn on_progress(&self, news: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.show(news.progress, news.message.as_deref().unwrap_or_default());
    }
}

impl Client {
    /// Says hello to a server that was just started.
    pub(crate) async fn connect(mut process: Child, bar: &Bar) -> Result<Self, Failure> {
        let output = process.stdout.take().ok_or("the server has no stdout")?;
        let input = process.stdin.take().ok_or("the server has no stdin")?;
        let session = Watcher(bar.clone()).serve((output, input)).await?;
        Ok(Self { session, process })
    }

    /// Calls a tool and shows its progress until it answers.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, Failure> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        Ok(self.session.call_tool(params).await?)
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        self.process.kill().await?;
        Ok(())
    }
}

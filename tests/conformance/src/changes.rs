//! Listeners, and the tools that give them something to hear.

use longhaul::mcp::Server;
use rmcp::{
    model::{CallToolResult, ContentBlock, Tool},
    service::SubscriptionContext,
};
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::content::tool;

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        tool("test_trigger_tool_change", "Tells listeners that the list of tools changed.", json!({})),
        tool("test_trigger_prompt_change", "Tells listeners that the list of prompts changed.", json!({})),
    ]
}

/// Which list is said to have changed.
#[derive(Clone, Copy, Debug)]
enum Change {
    Tools,
    Prompts,
}

/// What listeners hear.
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(16).0)
    }

    /// The answer of one of these tools.
    pub(crate) fn answer(&self, name: &str) -> Option<CallToolResult> {
        let change = match name {
            "test_trigger_tool_change" => Change::Tools,
            "test_trigger_prompt_change" => Change::Prompts,
            _ => return None,
        };
        let heard = self.0.send(change).unwrap_or(0);
        Some(CallToolResult::success(vec![ContentBlock::text(format!("{heard} listeners were told."))]))
    }

    /// Tells one listener until it leaves or the server ends. What it did not ask for is left out
    /// by the sink.
    pub(crate) async fn tell(&self, server: &Server, listener: &SubscriptionContext) {
        let mut news = self.0.subscribe();
        loop {
            let change = tokio::select! {
                change = news.recv() => change,
                () = listener.cancelled() => return,
                () = server.closing().cancelled() => return,
            };
            let told = match change {
                Ok(Change::Tools) => listener.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => listener.sink().notify_prompt_list_changed().await,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            drop(told);
        }
    }
}

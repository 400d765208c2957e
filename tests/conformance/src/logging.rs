//! Tools that log to their caller, and the level below which nothing is told.
#![expect(deprecated, reason = "the protocol gives logging up, and the suite still asks for it")]

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{CallToolResult, ContentBlock, LoggingLevel, LoggingMessageNotificationParam, ProtocolVersion, Tool},
    service::RequestContext,
};

use crate::content::tool;

pub(crate) fn tools() -> Vec<Tool> {
    let description = "Logs three lines while it works.";
    ["test_tool_with_logging", "test_logging_tool"].map(|name| tool(name, description, serde_json::json!({}))).into()
}

/// The level of callers up to 2025-11-25. Newer ones give it with each request.
#[derive(Default)]
pub(crate) struct Level(AtomicU8);

impl Level {
    pub(crate) fn set(&self, level: LoggingLevel) {
        self.0.store(level as u8, Ordering::Relaxed);
    }

    fn admits(&self, cx: &RequestContext<RoleServer>, level: LoggingLevel) -> bool {
        if cx.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28) {
            return cx.meta.log_level().is_some_and(|asked| level as u8 >= asked as u8);
        }
        level as u8 >= self.0.load(Ordering::Relaxed)
    }

    /// Logs three lines and answers.
    pub(crate) async fn answer(&self, cx: &RequestContext<RoleServer>) -> CallToolResult {
        for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
            if self.admits(cx, LoggingLevel::Info) {
                let news = LoggingMessageNotificationParam::new(LoggingLevel::Info, line.into());
                // A caller that is gone reads nothing.
                let _ = cx.peer.notify_logging_message(news).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        CallToolResult::success(vec![ContentBlock::text("Three lines were logged.")])
    }
}

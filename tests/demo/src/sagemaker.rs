//! `sagemaker-mcp`: a deployment that survives its server, one that fails and explains itself, and
//! a removal that leaves nothing.

use std::{path::Path, time::Duration};

use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use crate::{
    Failure,
    client::Client,
    processes::{Simulator, server},
    screen::{Bar, Screen},
};

/// One second of the demo is a minute of SageMaker.
const TIME_FACTOR: &str = "60";

const MODEL: &str = "sim-ic-mobilenet";

pub(crate) async fn show(screen: &Screen, programs: &Path) -> Result<(), Failure> {
    screen.title("sagemaker-mcp: deploy a JumpStart model, on a simulated SageMaker (1 s = 1 min)");
    let arguments = ["sagemaker", "--port", "0", "--time-factor", TIME_FACTOR, "--create-seconds", "900"];
    let stage = Stage { simulator: Simulator::start(programs, &arguments).await?, programs, bar: screen.bar() };
    let shown = stage.show(screen).await;
    stage.bar.done();
    shown
}

struct Stage<'a> {
    simulator: Simulator,
    programs: &'a Path,
    bar: Bar,
}

impl Stage<'_> {
    async fn show(&self, screen: &Screen) -> Result<(), Failure> {
        let client = self.survives_a_kill(screen).await?;
        self.explains_a_failure(screen, &client).await?;
        self.leaves_nothing(screen, &client).await
    }

    /// A fresh server process, as a host would start it.
    async fn client(&self) -> Result<Client, Failure> {
        let environment = [
            ("AWS_ENDPOINT_URL", self.simulator.url.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "demo"),
            ("AWS_SECRET_ACCESS_KEY", "demo"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("SAGEMAKER_POLL_SECONDS", "1"),
        ];
        let process = server(self.programs, "sagemaker-mcp", &["--allow-destructive"], &environment)?;
        Client::connect(process, &self.bar).await
    }

    async fn survives_a_kill(&self, screen: &Screen) -> Result<Client, Failure> {
        let deploy = json!({ "model_id": MODEL, "endpoint_name": "demo" });
        screen.say("\n1. An agent calls deploy_jumpstart_model and watches.");
        let doomed = self.client().await?;
        tokio::select! {
            answer = doomed.call("deploy_jumpstart_model", deploy.clone()) => {
                return Err(format!("it was over before the server could be killed: {answer:?}").into());
            }
            () = tokio::time::sleep(Duration::from_secs(6)) => {}
        }
        doomed.kill().await?;
        screen.say(
            "  ✗ kill -9: the server is gone in the middle of it. The endpoint goes on; nothing was kept on disk.",
        );
        screen.say("  A new server process, the same call: it joins what is there.");
        let client = self.client().await?;
        let report = report(client.call("deploy_jumpstart_model", deploy).await?)?;
        expect(&report, "succeeded")?;
        let created = self.simulator.control("/_sim/state", None).await?;
        let created = created.pointer("/created/endpoints").and_then(Value::as_u64);
        screen.say(&format!(
            "  ✓ {} Endpoints ever created: {}.",
            text(&report, "/message"),
            created.unwrap_or_default()
        ));
        if created != Some(1) {
            return Err("that should have been one endpoint".into());
        }
        Ok(client)
    }

    async fn explains_a_failure(&self, screen: &Screen, client: &Client) -> Result<(), Failure> {
        screen.say("\n2. A deployment that fails, and says why.");
        let script = json!({
            "endpoint": "unlucky", "on": "create",
            "timeline": [{ "status": "Creating", "seconds": 300 }, { "status": "Failed" }],
            "failure_reason": "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        });
        self.simulator.control("/_sim/script", Some(script)).await?;
        let call = client.call("deploy_jumpstart_model", json!({ "model_id": MODEL, "endpoint_name": "unlucky" }));
        let report = report(call.await?)?;
        expect(&report, "failed")?;
        screen.say(&format!("  ✗ {} ({})", text(&report, "/message"), text(&report, "/error/code")));
        screen.say(&format!("    AWS says: {}", text(&report, "/error/backend/text")));
        for advice in report.pointer("/error/troubleshooting").and_then(Value::as_array).into_iter().flatten().take(3) {
            screen.say(&format!("    - {}", advice.as_str().unwrap_or_default()));
        }
        screen.say(&format!(
            "    next: {} {}",
            text(&report, "/next/tool"),
            report.pointer("/next/arguments").unwrap_or(&Value::Null)
        ));
        Ok(())
    }

    async fn leaves_nothing(&self, screen: &Screen, client: &Client) -> Result<(), Failure> {
        screen.say("\n3. Both are removed: endpoint, then configuration, then model.");
        for name in ["demo", "unlucky"] {
            let call = client.call("delete_sagemaker_endpoint", json!({ "endpoint_name": name, "confirm": name }));
            let report = report(call.await?)?;
            expect(&report, "succeeded")?;
            screen.say(&format!("  ✓ {}", text(&report, "/message")));
        }
        let state = self.simulator.control("/_sim/state", None).await?;
        let left: usize = ["models", "endpoint_configs", "endpoints"]
            .iter()
            .filter_map(|kind| state.get(kind)?.as_array().map(Vec::len))
            .sum();
        screen.say(&format!("  Resources left at the simulator: {left}."));
        if left > 0 {
            return Err("something was left behind".into());
        }
        Ok(())
    }
}

fn report(answer: CallToolResult) -> Result<Value, Failure> {
    answer.structured_content.ok_or_else(|| "an answer without structured content".into())
}

fn expect(report: &Value, state: &str) -> Result<(), Failure> {
    if text(report, "/state") == state {
        return Ok(());
    }
    Err(format!("expected {state}, but: {report}").into())
}

fn text<'a>(report: &'a Value, pointer: &str) -> &'a str {
    report.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

//! The SageMaker simulator as a process, and its control API.

use std::process::Stdio as Stream;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{Instant, sleep, timeout},
};

use crate::{GLANCE, PATIENCE, binaries, process::Process};

/// A simulator. Ends with its owner.
#[derive(Debug)]
pub struct Sim {
    process: Process,
    url: String,
    client: reqwest::Client,
}

impl Sim {
    /// Starts one on a port of its own. Time passes as the wall's, and by [`Self::advance`].
    pub async fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(binaries::program("longhaul-sim"));
        command.args(["sagemaker", "--port=0"]).args(flags).env_clear();
        command.stdin(Stream::null()).stdout(Stream::piped()).stderr(Stream::piped());
        let mut process = Process::start(command);
        let mut lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        let Ok(Ok(Some(line))) = timeout(PATIENCE, lines.next_line()).await else {
            panic!("the simulator did not start:\n{}", process.log.tail());
        };
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["ready"].as_str().unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, url, client }
    }

    /// The address that servers take for AWS's.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it, as a network that is gone would.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}/_sim{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) {
        let answer = self.client.post(format!("{}/_sim{path}", self.url)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.text().await.unwrap());
    }

    /// Makes requests go wrong.
    pub async fn fault(&self, fault: Value) {
        self.post("/fault", &fault).await;
    }

    /// No more faults.
    pub async fn clear_faults(&self) {
        self.client.delete(format!("{}/_sim/fault", self.url)).send().await.unwrap();
    }

    /// What the next endpoint does.
    pub async fn script(&self, script: Value) {
        self.post("/script", &script).await;
    }

    /// Changes settings.
    pub async fn settings(&self, settings: Value) {
        self.post("/settings", &settings).await;
    }

    /// Lets simulated seconds pass at once.
    pub async fn advance(&self, seconds: u32) {
        self.post("/advance", &json!({ "seconds": seconds })).await;
    }

    /// What exists.
    pub async fn state(&self) -> Value {
        self.get("/state").await
    }

    /// How many endpoints, configurations and models there are.
    pub async fn there(&self) -> [usize; 3] {
        let state = self.state().await;
        ["endpoints", "endpoint_configs", "models"].map(|kind| state[kind].as_array().unwrap().len())
    }

    /// How many endpoints, configurations and models were ever created.
    pub async fn created(&self) -> [u64; 3] {
        let state = self.state().await;
        ["endpoints", "endpoint_configs", "models"].map(|kind| state["created"][kind].as_u64().unwrap())
    }

    /// Every request so far.
    pub async fn log(&self) -> Vec<Value> {
        self.get("/log").await.as_array().unwrap().clone()
    }

    /// How many requests for `op` came so far.
    pub async fn count(&self, op: &str) -> usize {
        self.log().await.iter().filter(|entry| entry["op"] == op).count()
    }

    /// The parameters of every request for `op` that was carried out, in the order of arrival.
    pub async fn requests(&self, op: &str) -> Vec<Value> {
        let log = self.log().await.into_iter();
        log.filter(|entry| entry["op"] == op && entry["status"] == 200).map(|entry| entry["request"].clone()).collect()
    }

    /// Waits until a request for `op` is being held back by a fault.
    pub async fn holds(&self, op: &str) {
        let held = |entry: &Value| entry["op"] == op && entry["fault"] == "hang" && entry["outcome"] == "running";
        self.until(&format!("{op} to be held"), |log| log.iter().any(held)).await;
    }

    /// Waits until `op` was asked for so many times.
    pub async fn hears(&self, op: &str, times: usize) {
        let heard = |log: &[Value]| log.iter().filter(|entry| entry["op"] == op).count() >= times;
        self.until(&format!("{times} times {op}"), heard).await;
    }

    async fn until(&self, what: &str, enough: impl Fn(&[Value]) -> bool) {
        let started = Instant::now();
        loop {
            let log = self.log().await;
            if enough(&log) {
                return;
            }
            let seen: Vec<&str> = log.iter().filter_map(|entry| entry["op"].as_str()).collect();
            assert!(started.elapsed() < PATIENCE, "waited for {what}; seen: {seen:?}");
            sleep(GLANCE).await;
        }
    }
}

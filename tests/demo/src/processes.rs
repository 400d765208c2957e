//! The simulator and the servers, as processes that end with the demo.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::Failure;

/// A simulator on loopback.
pub(crate) struct Simulator {
    /// Where it listens.
    pub(crate) url: String,
    _process: Child,
}

impl Simulator {
    pub(crate) async fn start(programs: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut process = Command::new(programs.join("longhaul-sim"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the simulator has no stdout")?;
        let line = BufReader::new(stdout).lines().next_line().await?.ok_or("the simulator ended at once")?;
        let ready: Value = serde_json::from_str(&line)?;
        let url = ready.get("ready").and_then(Value::as_str).ok_or("the simulator did not say where it listens")?;
        Ok(Self { url: url.to_owned(), _process: process })
    }

    /// Tells the simulator something, or asks it when `body` is `None`.
    pub(crate) async fn control(&self, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let address = self.url.strip_prefix("http://").ok_or("an address without http://")?;
        let mut stream = TcpStream::connect(address).await?;
        let (method, body) = body.map_or(("GET", String::new()), |body| ("POST", body.to_string()));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n"
        );
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer from the simulator")?;
        if !head.starts_with("HTTP/1.1 2") {
            return Err(format!("the simulator refused {path}: {body}").into());
        }
        Ok(serde_json::from_str(body).unwrap_or_default())
    }
}

/// A server's process, on pipes.
pub(crate) fn server(
    programs: &Path,
    name: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Child, Failure> {
    Ok(Command::new(programs.join(name))
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

//! Starts the kettle and talks to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program; cargo builds examples before it runs tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/kettle");
    assert!(program.exists(), "run `cargo test -p longhaul-serve` without --test once: it builds the example");
    program
}

/// A command with nothing but the given environment.
#[expect(clippy::disallowed_methods, reason = "only tests start a server")]
pub(crate) fn command(flags: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command.args(flags).env_clear().envs(environment.iter().copied());
    command
}

/// A running kettle. Ends with the test.
pub(crate) struct Kettle {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    log: Receiver<String>,
}

impl Drop for Kettle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

impl Kettle {
    /// Starts one on pipes.
    pub(crate) fn start(flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = command(flags, environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = lines(child.stdout.take().unwrap());
        let log = lines(child.stderr.take().unwrap());
        Self { stdin: child.stdin.take(), child, answers, log }
    }

    /// Starts one on stdio, past the handshake.
    pub(crate) fn on_stdio(flags: &[&str]) -> Self {
        let mut kettle = Self::start(flags, &[]);
        kettle.send(&initialize());
        assert_eq!(kettle.answer()["id"], 1);
        kettle.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        kettle
    }

    /// One whose streams the test has.
    pub(crate) fn of(child: Child) -> Self {
        Self { child, stdin: None, answers: channel().1, log: channel().1 }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes());
    }

    pub(crate) fn send_line(&mut self, line: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(&[line, b"\n"].concat()).unwrap();
    }

    /// The next line of stdout.
    pub(crate) fn answer(&self) -> Value {
        serde_json::from_str(&self.answers.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// Whatever is still on stdout when the process has ended.
    pub(crate) fn rest(&self) -> Vec<Value> {
        self.answers.iter().map(|line| serde_json::from_str(&line).unwrap()).collect()
    }

    /// The next line of the log that contains `text`.
    pub(crate) fn logged(&self, text: &str) -> String {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let line = self.log.recv_timeout(PATIENCE).unwrap();
            if line.contains(text) {
                return line;
            }
        }
        panic!("{text} was not logged");
    }

    #[expect(clippy::disallowed_methods, reason = "a signal takes a system call, and this workspace writes none")]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end: how it ended and after how long.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, started.elapsed());
            }
            thread::sleep(Duration::from_millis(2));
        }
        panic!("the process did not end");
    }
}

pub(crate) fn initialize() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } })
}

pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

/// A kettle that listens.
pub(crate) struct OverHttp {
    pub(crate) kettle: Kettle,
    pub(crate) port: u16,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl OverHttp {
    pub(crate) fn start(flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let flags = [&["--server-transport=http", "--server-port=0"], flags].concat();
        let kettle = Kettle::start(&flags, environment);
        let line = kettle.logged("listening on http://127.0.0.1:");
        let port = line.trim_end_matches("/mcp").rsplit(':').next().unwrap().parse().unwrap();
        Self { kettle, port }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Sends bytes and reads what comes until the end.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut socket = self.connect();
        // A server that refuses early may close before everything is written.
        let _ = socket.write_all(request);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// Posts with more or other headers; `Host` is loopback unless it is among them.
    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.raw(&request(headers, body))
    }

    pub(crate) fn post_bytes(&self, body: &[u8]) -> Answer {
        let length = body.len().to_string();
        let head = String::from_utf8(request(&[], ""))
            .unwrap()
            .replace("Content-Length: 0", &format!("Content-Length: {length}"));
        self.raw(&[head.as_bytes(), body].concat())
    }
}

pub(crate) fn request(headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request = String::from(
        "POST /mcp HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n",
    );
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    request.into_bytes()
}

impl Answer {
    /// The JSON-RPC messages in an event stream.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }
}

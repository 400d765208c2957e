//! A raw JSON-RPC session over a process's standard streams: no SDK, little of our own to measure.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::run::{Background, Outcome};

/// What a process gets for its stdin and stdout.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// Two pipes, as most clients do.
    Pipes,
    /// Two UNIX sockets, as clients on Node do.
    Sockets,
}

/// A server of ours and a conversation with it.
pub(super) struct Session {
    process: Background,
    input: Option<Box<dyn Write>>,
    output: BufReader<Box<dyn Read>>,
    next: u64,
}

/// A call of a tool.
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
}

/// The two tools that both baselines have.
pub(super) fn calls() -> [Call; 2] {
    let deploy = json!({"endpoint_name": "llama-3-8b", "instance_type": "ml.g5.xlarge"});
    [Call { tool: "echo", arguments: json!({"text": "hello"}) }, Call { tool: "deploy", arguments: deploy }]
}

impl Session {
    /// Starts a server and waits for its answer to `initialize`.
    pub(super) fn start(command: &mut Command, wire: Wire) -> Outcome<Self> {
        let mut session = Self::spawn(command, wire)?;
        let client = json!({"name": "bench", "version": "1"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        session.ask("initialize", &hello)?;
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(session)
    }

    fn spawn(command: &mut Command, wire: Wire) -> Outcome<Self> {
        command.stderr(Stdio::null());
        let (input, output): (Box<dyn Write>, Box<dyn Read>) = match wire {
            Wire::Pipes => {
                let ((their_in, our_out), (our_in, their_out)) = (std::io::pipe()?, std::io::pipe()?);
                command.stdin(their_in).stdout(their_out);
                (Box::new(our_out), Box::new(our_in))
            }
            Wire::Sockets => {
                let ((their_in, our_out), (our_in, their_out)) = (UnixStream::pair()?, UnixStream::pair()?);
                command.stdin(std::os::fd::OwnedFd::from(their_in)).stdout(std::os::fd::OwnedFd::from(their_out));
                (Box::new(our_out), Box::new(our_in))
            }
        };
        let child = command.spawn().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
        // The command keeps the other ends; as long as they are open, nobody sees an end of input.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Self { process: Background(child), input: Some(input), output: BufReader::new(output), next: 0 })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    fn send(&mut self, message: &Value) -> Outcome {
        let input = self.input.as_mut().ok_or("the input is closed")?;
        Ok(input.write_all(format!("{message}\n").as_bytes())?)
    }

    fn receive(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the server ended in the middle of the conversation".into());
        }
        Ok(line)
    }

    /// Asks and waits for the answer.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Outcome<String> {
        self.request(method, params)?;
        let answer = self.receive()?;
        let told: Value = serde_json::from_str(&answer)?;
        if told.get("error").is_some() {
            return Err(format!("{method}: {answer}").into());
        }
        Ok(answer)
    }

    fn request(&mut self, method: &str, params: &Value) -> Outcome {
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}))
    }

    /// Calls so often, with so many calls open at any time.
    pub(super) fn call(&mut self, call: &Call, times: u64, at_once: u64) -> Outcome {
        let params = json!({"name": call.tool, "arguments": call.arguments});
        for _ in 0..at_once.min(times) {
            self.request("tools/call", &params)?;
        }
        for answered in 1..=times {
            let answer = self.receive()?;
            if !answer.contains(r#""isError":false"#) {
                return Err(format!("{}: {answer}", call.tool).into());
            }
            if answered + at_once <= times {
                self.request("tools/call", &params)?;
            }
        }
        Ok(())
    }

    /// CPU time so far, user and system, of all threads.
    pub(super) fn cpu(&self) -> Outcome<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The program's name, in parentheses, may hold anything.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        // Linux shows every architecture of ours 100 ticks a second.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Memory in use, in kB.
    pub(super) fn memory(&self) -> Outcome<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().next().ok_or("no VmRSS")?.parse()?)
    }

    /// Closes the server's input and waits until it has ended by itself.
    pub(super) fn end(mut self) -> Outcome {
        self.input = None;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.process.0.try_wait()?.is_some() {
                return Ok(());
            }
            sleep(Duration::from_millis(5));
        }
        Err("the server did not end within 10 s of its input".into())
    }
}

//! A server on the standard streams, spoken to in lines. Every line that it writes is judged.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{sleep, timeout},
};

use crate::{
    PATIENCE,
    process::Process,
    wire::{self, Era},
};

/// A server on the standard streams. Ends with its owner.
pub struct Stdio {
    /// The process.
    pub process: Process,
    input: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    output: UnboundedReceiver<Value>,
    /// What came besides the answers that were waited for.
    pub heard: Vec<Value>,
    /// How the client speaks from here on.
    pub era: Era,
    last_id: u64,
}

impl Stdio {
    /// A server whose streams are pipes of ours.
    #[must_use]
    pub fn over_pipes(mut process: Process) -> Self {
        let (stdin, stdout) = (process.child.stdin.take().unwrap(), process.child.stdout.take().unwrap());
        Self::over(process, stdin, stdout)
    }

    /// A server at the other end of any streams.
    pub fn over(
        process: Process,
        input: impl AsyncWrite + Send + Unpin + 'static,
        output: impl AsyncRead + Send + Unpin + 'static,
    ) -> Self {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move {
            let mut lines = BufReader::with_capacity(1 << 20, output).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let message = wire::message(&line).unwrap_or_else(|why| json!({ "not json-rpc": why }));
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            input: Some(Box::new(input)),
            output: receiver,
            heard: Vec::new(),
            era: Era::Modern,
            last_id: 0,
        }
    }

    /// Speaks as a client of another era; shakes hands where that is due.
    pub async fn speaking(mut self, era: Era) -> Self {
        self.era = era;
        if era == Era::Legacy {
            let answer = self.ask(wire::initialize(0)).await;
            assert_eq!(answer["result"]["protocolVersion"], wire::LEGACY, "{answer}");
            self.send(&wire::initialized()).await;
        }
        self
    }

    /// Writes a message.
    pub async fn send(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    /// Writes anything.
    pub async fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(bytes).await.unwrap();
        input.flush().await.unwrap();
    }

    /// Takes the input, to write to it elsewhere or to close it.
    pub fn take_input(&mut self) -> Box<dyn AsyncWrite + Send + Unpin> {
        self.input.take().expect("the input is open")
    }

    /// The next message, whatever it is; none at the end of stdout.
    pub async fn next(&mut self) -> Option<Value> {
        let next = timeout(PATIENCE, self.output.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("no answer:\n{}", self.process.log.tail()));
        if let Some(wrong) = next.as_ref().and_then(|next| next.get("not json-rpc")) {
            panic!("this stood on stdout: {wrong}");
        }
        next
    }

    /// The answer with this id.
    pub async fn answer(&mut self, id: u64) -> Value {
        if let Some(at) = self.heard.iter().position(|message| message["id"] == id) {
            return self.heard.remove(at);
        }
        loop {
            let Some(message) = self.next().await else {
                panic!("stdout ended before answer {id}:\n{}", self.process.log.tail());
            };
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&mut self, request: Value) -> Value {
        self.send(&request).await;
        self.answer(request["id"].as_u64().unwrap()).await
    }

    /// Any request.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        self.ask(wire::request(self.era, self.last_id, method, params)).await
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Calls a tool and does not wait; the id of the call.
    pub async fn begin(&mut self, tool: &str, arguments: Value) -> u64 {
        self.last_id += 1;
        self.send(&wire::call(self.era, self.last_id, tool, arguments)).await;
        self.last_id
    }

    /// Starts a task: its id.
    pub async fn task(&mut self, tool: &str, arguments: Value) -> String {
        let era = std::mem::replace(&mut self.era, Era::Tasks);
        let answer = self.call(tool, arguments).await;
        self.era = era;
        assert_eq!(answer["result"]["resultType"], "task", "{answer}");
        answer["result"]["taskId"].as_str().unwrap().to_owned()
    }

    /// `tasks/get`.
    pub async fn get_task(&mut self, id: &str) -> Value {
        let era = std::mem::replace(&mut self.era, Era::Tasks);
        let answer = self.request("tasks/get", json!({ "taskId": id })).await;
        self.era = era;
        answer
    }

    /// `tasks/cancel`.
    pub async fn cancel_task(&mut self, id: &str) -> Value {
        let era = std::mem::replace(&mut self.era, Era::Tasks);
        let answer = self.request("tasks/cancel", json!({ "taskId": id })).await;
        self.era = era;
        answer
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Everything that is still to come on stdout.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut rest = std::mem::take(&mut self.heard);
        while let Some(message) = self.next().await {
            rest.push(message);
        }
        rest
    }

    /// Waits a moment for what should not come.
    pub async fn quiet(&mut self, moment: Duration) {
        sleep(moment).await;
        if let Ok(message) = self.output.try_recv() {
            panic!("unasked: {message}");
        }
    }
}

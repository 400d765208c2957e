//! A child process with its log. Ends with its owner, also when a test panics.

use std::{
    process::ExitStatus,
    sync::{Arc, Mutex},
    time::Duration,
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{GLANCE, PATIENCE};

/// What a child says on stderr.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The first line that contains `text`, as soon as it is there.
    pub async fn line(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            if let Some(line) = self.0.lock().unwrap().iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(started.elapsed() < PATIENCE, "{text:?} was not logged:\n{}", self.tail());
            sleep(GLANCE).await;
        }
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn follow(&self, stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                log.0.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        })
    }
}

/// A child that runs.
#[derive(Debug)]
pub struct Process {
    /// The child; its standard input and output may be taken.
    pub child: Child,
    /// What it says on stderr, if that is a pipe of ours.
    pub log: Log,
    reading: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::default();
        let reading = child.stderr.take().map(|stderr| log.follow(stderr));
        Self { child, log, reading }
    }

    /// `kill -9`, and nothing of it is left when this returns.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// `kill -TERM`.
    pub fn terminate(&self) {
        let id = self.child.id().expect("it runs");
        signal::kill(Pid::from_raw(i32::try_from(id).unwrap()), Signal::SIGTERM).unwrap();
    }

    /// Waits for its end: how it ended, and after how long. The log is complete then.
    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("it did not end:\n{}", self.log.tail());
        };
        let took = started.elapsed();
        if let Some(reading) = self.reading.take() {
            reading.await.unwrap();
        }
        (status.unwrap(), took)
    }
}

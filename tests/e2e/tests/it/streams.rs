//! What clients hand over as standard streams.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, Write, pipe},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::Stdio as Stream,
    time::Duration,
};

use longhaul_e2e::{Era, LOUDEST, PATIENCE, Setup, Sim, Stdio, process::Process, wire};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

/// Our end of a socket pair, and the child's.
fn socket() -> (tokio::net::UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (tokio::net::UnixStream::from_std(ours).unwrap(), theirs)
}

fn owned(socket: &UnixStream) -> OwnedFd {
    socket.try_clone().unwrap().into()
}

/// Works for a while, then ends with its input.
async fn is_served(mut server: Stdio) {
    for _ in 0..200 {
        let listed = server.request("tools/list", json!({})).await;
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 17, "{listed}");
    }
    let answer = server.call("list_sagemaker_endpoints", json!({})).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    drop(server.take_input());
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    assert_eq!(server.rest().await, Vec::<Value>::new());
}

#[tokio::test]
async fn pipes() {
    let sim = Sim::start(&[]).await;
    is_served(Setup::sagemaker(&sim).stdio().speaking(Era::Legacy).await).await;
}

#[tokio::test]
async fn three_sockets_as_node_hands_them_over() {
    let sim = Sim::start(&[]).await;
    let ((to, stdin), (from, stdout), (log, stderr)) = (socket(), socket(), socket());
    let mut command = Setup::sagemaker(&sim).env("MCP_LOG_LEVEL", LOUDEST).command();
    command.stdin(OwnedFd::from(stdin)).stdout(OwnedFd::from(stdout)).stderr(OwnedFd::from(stderr));
    let logged = tokio::spawn(async move {
        let mut log = log;
        let mut text = String::new();
        log.read_to_string(&mut text).await.map(|_| text)
    });
    let process = Process::start(command);
    is_served(Stdio::over(process, to, from)).await;
    assert!(logged.await.unwrap().unwrap().lines().count() > 100);
}

/// Some clients keep stderr open and never read it: the kernel takes 64 KiB, and no more.
#[tokio::test]
async fn a_log_that_nobody_reads_stops_neither_the_answers_nor_the_end() {
    let (_unread, stderr) = pipe().unwrap();
    // Read-only: every call is refused, and every refusal is an audit line.
    let mut command = Setup::with_credentials().command();
    command.stderr(stderr);
    let mut server = Stdio::over_pipes(Process::start(command));
    for n in 0..400 {
        let answer = server.call("deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" }));
        let answer = timeout(Duration::from_secs(5), answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to call {n}"));
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    server.process.terminate();
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
}

#[tokio::test]
async fn one_socket_for_both_directions() {
    let sim = Sim::start(&[]).await;
    let (ours, theirs) = socket();
    let mut command = Setup::sagemaker(&sim).command();
    command.stdin(owned(&theirs)).stdout(OwnedFd::from(theirs));
    let process = Process::start(command);
    let (from, to) = ours.into_split();
    is_served(Stdio::over(process, to, from)).await;
}

#[tokio::test]
async fn files_are_read_to_their_end_and_every_request_is_answered() {
    let folder = scratch("files");
    let open = |name: &str| {
        File::options().read(true).write(true).create(true).truncate(true).open(folder.join(name)).unwrap()
    };
    let (mut input, mut output, log) = (open("in"), open("out"), open("log"));
    writeln!(input, "{}\n{}", wire::initialize(0), wire::initialized()).unwrap();
    for id in 1..=100 {
        writeln!(input, "{}", wire::request(Era::Legacy, id, "tools/list", json!({}))).unwrap();
    }
    input.rewind().unwrap();
    let mut command = Setup::bare().env("MCP_LOG_LEVEL", LOUDEST).command();
    command.stdin(input).stdout(output.try_clone().unwrap()).stderr(log);
    let (status, _) = Process::start(command).ended().await;
    output.rewind().unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let answers: Vec<Value> = text.lines().map(|line| wire::message(line.as_bytes()).unwrap()).collect();
    assert!(status.success() && answers.len() == 101, "{status}: {} answers", answers.len());
}

/// `2>&1`: log lines stand between the messages, but every message is whole.
#[tokio::test]
async fn a_log_in_the_same_pipe_leaves_every_message_whole() {
    let (reader, writer) = pipe().unwrap();
    let mut command = loud();
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    both_streams_are_whole(command, reader, "prompts/list").await;
}

#[tokio::test]
async fn a_log_in_the_same_socket_leaves_every_message_whole() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = loud();
    command.stdout(owned(&theirs)).stderr(OwnedFd::from(theirs));
    both_streams_are_whole(command, ours, "tools/list").await;
}

fn loud() -> Command {
    Setup::bare().env("MCP_LOG_LEVEL", LOUDEST).command()
}

/// Reads late on purpose: whoever writes meets a full pipe.
async fn both_streams_are_whole(mut command: Command, from: impl Read + Send + 'static, method: &str) {
    const CALLS: usize = 1_000;
    let mut child = command.spawn().unwrap();
    // The command holds the child's ends open as long as it lives.
    drop(command);
    let mut stdin = child.stdin.take().unwrap();
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(500));
        BufReader::new(from).split(b'\n').map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let requests: String =
        (0..CALLS as u64).map(|id| format!("{}\n", wire::request(Era::Modern, id, method, json!({})))).collect();
    let writing = tokio::spawn(async move {
        stdin.write_all(requests.as_bytes()).await.unwrap();
        stdin
    });
    let (mut messages, mut others) = (Vec::new(), 0);
    while messages.len() < CALLS {
        let line = timeout(PATIENCE, lines.recv()).await;
        match line.unwrap_or_else(|_| panic!("only {} answers", messages.len())) {
            Some(line) if line.starts_with(b"{\"jsonrpc\"") => messages.push(line),
            Some(_) => others += 1,
            None => panic!("it ended after {} answers", messages.len()),
        }
    }
    drop(writing.await.unwrap());
    assert!(child.wait().await.unwrap().success());
    drop(lines);
    let _ = reading.await.unwrap();
    let broken: Vec<String> = messages.iter().filter_map(|line| wire::message(line).err()).collect();
    assert!(broken.is_empty(), "{} of {CALLS}: {}", broken.len(), broken[0]);
    assert!(others > CALLS, "only {others} lines were logged");
}

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn nothing_at_all_is_the_end_of_input() {
    let mut command = Setup::bare().command();
    command.stdin(Stream::null());
    let (status, took) = Process::start(command).ended().await;
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
}

//! How long a call takes over HTTP on loopback: delayed acknowledgements would cost 40 ms each.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Map, json};

use super::{Gates, percentile, server, session::calls};
use crate::run::{Background, Outcome, Stream};

const CALLS: u32 = 3000;
/// Two packets that wait for each other take 40 ms.
const STALL: f64 = 35.0;

pub(super) fn run(gates: &mut Gates) -> Outcome {
    println!("latency of {CALLS} calls over HTTP, one connection, to the end of the body");
    let mut command = server("baseline-serve", &["--server-transport=http", "--server-port=0"])?;
    let address = |line: &str| line.split_once("http://")?.1.split('/').next().map(str::to_owned);
    let (_server, address) = Background::until(&mut command, Stream::Err, address)?;
    for version in ["2025-11-25", "2026-07-28"] {
        let mut figures = measure(&address, version)?;
        let [half, most, all] = [0.5, 0.99, 1.0].map(|part| percentile(&mut figures, part));
        let stalled = figures.iter().filter(|figure| **figure >= STALL).count();
        println!(
            "        {version}: p50 {half:.2} ms, p99 {most:.2} ms, longest {all:.2} ms, {stalled} of {STALL} ms or more"
        );
        gates.at_most(&format!("HTTP {version}, p99 in ms"), most, STALL);
    }
    Ok(())
}

fn measure(address: &str, version: &str) -> Outcome<Vec<f64>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let request = request(address, version);
    let mut figures = Vec::new();
    for n in 0..CALLS + 100 {
        let begun = Instant::now();
        (&stream).write_all(&request)?;
        let answer = read_answer(&mut reader)?;
        if !answer.contains(r#""isError":false"#) {
            return Err(format!("over HTTP: {answer}").into());
        }
        // The first ones warm up.
        if n >= 100 {
            figures.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(figures)
}

fn request(address: &str, version: &str) -> Vec<u8> {
    let [echo, _] = calls();
    let mut params = Map::from_iter([("name".to_owned(), json!(echo.tool)), ("arguments".to_owned(), echo.arguments)]);
    let mut headers = String::new();
    if version >= "2026" {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        params.insert("_meta".to_owned(), meta);
        headers = format!("mcp-method: tools/call\r\nmcp-name: {}\r\n", echo.tool);
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: {version}\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// The body of an answer, plain or in chunks.
fn read_answer(reader: &mut impl BufRead) -> Outcome<String> {
    let mut length = None;
    let mut line = read_line(reader)?;
    while !line.is_empty() {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
        line = read_line(reader)?;
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            reader.take(length).read_to_end(&mut body)?;
        }
        None => loop {
            let size = u64::from_str_radix(&read_line(reader)?, 16)?;
            reader.take(size).read_to_end(&mut body)?;
            read_line(reader)?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(String::from_utf8(body)?)
}

fn read_line(reader: &mut impl BufRead) -> Outcome<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err("the server closed the connection".into());
    }
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_bodies_are_read() {
        let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n";
        for answer in [plain, chunked] {
            assert_eq!(read_answer(&mut answer.as_bytes()).unwrap(), "hi");
        }
    }
}

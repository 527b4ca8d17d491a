//! A proxy before the tests' S3 server that fails as networks and Amazon do: refusals, resets, wrong lengths, silence.
//!
//! One request a connection: what a fault does to it is then plain. Signatures stay valid, because the host's name is the
//! proxy's on both sides.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The status, with an error code in XML.
    Status(u16, &'static str),
    /// The connection is closed before any answer.
    Refused,
    /// The connection breaks in the midst of the body.
    Reset,
    /// The body is shorter than announced.
    Short,
    /// The request is done, and its answer never comes.
    Lost,
    /// No answer for so long.
    Silence(Duration),
}

/// A fault for requests whose first line holds a text: so many times, then no more.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub part: &'static str,
    pub times: usize,
    pub fault: Fault,
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    pub endpoint: String,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Stands before the server at `upstream`, an `http://` address.
    pub fn before(upstream: &str, rules: &[Rule]) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let left: HashMap<usize, usize> = rules.iter().enumerate().map(|(at, rule)| (at, rule.times)).collect();
        let left = Arc::new(Mutex::new(left));
        let rules = rules.to_vec();
        let (lines, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let (upstream, rules, left, lines) =
                    (upstream.clone(), rules.clone(), Arc::clone(&left), Arc::clone(&lines));
                // A broken connection is what this is about.
                std::thread::spawn(move || drop(serve(client, &upstream, &rules, &left, &lines)));
            }
        });
        Self { endpoint, seen, stop, thread: Some(thread) }
    }

    /// How many requests came whose first line holds a text.
    pub fn requests(&self, part: &str) -> usize {
        self.times(part).len()
    }

    /// When those requests came, in order.
    pub fn times(&self, part: &str) -> Vec<Instant> {
        self.seen.lock().unwrap().iter().filter(|(_, line)| line.contains(part)).map(|(at, _)| *at).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a head, up to its empty line, and what came of the body with it.
fn head(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let body = bytes.split_off(at + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        match stream.read(&mut some)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&some[..n]),
        }
    }
}

fn length(head: &str) -> usize {
    let line =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    line.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The head without keeping the connection.
fn closing(head: &str) -> String {
    let lines = head.lines().filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"));
    format!("{}\r\nconnection: close\r\n\r\n", lines.collect::<Vec<_>>().join("\r\n"))
}

fn serve(
    mut client: TcpStream,
    upstream: &str,
    rules: &[Rule],
    left: &Mutex<HashMap<usize, usize>>,
    seen: &Mutex<Vec<(Instant, String)>>,
) -> std::io::Result<()> {
    let (request, mut body) = head(&mut client)?;
    let line = request.lines().next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push((Instant::now(), line.clone()));
    let fault = {
        let mut left = left.lock().unwrap();
        rules.iter().enumerate().find_map(|(at, rule)| {
            let times = left.get_mut(&at).filter(|times| **times > 0 && line.contains(rule.part))?;
            *times -= 1;
            Some(rule.fault)
        })
    };
    let mut rest = vec![0; length(&request).saturating_sub(body.len())];
    if request.to_ascii_lowercase().contains("expect: 100-continue") {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    client.read_exact(&mut rest)?;
    body.extend_from_slice(&rest);
    match fault {
        Some(Fault::Refused) => return client.shutdown(Shutdown::Both),
        Some(Fault::Silence(time)) => {
            std::thread::sleep(time);
            return client.shutdown(Shutdown::Both);
        }
        Some(Fault::Status(status, code)) => {
            let xml =
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>made by a test</Message></Error>");
            let length = xml.len();
            let answer = format!(
                "HTTP/1.1 {status} Made\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{xml}"
            );
            return client.write_all(answer.as_bytes());
        }
        Some(Fault::Reset | Fault::Short | Fault::Lost) | None => {}
    }
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(closing(&request).as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    if matches!(fault, Some(Fault::Lost)) {
        return client.shutdown(Shutdown::Both);
    }
    let end = match fault {
        // Some bytes of the body, so that the answer began.
        Some(Fault::Reset) => (body + (answer.len() - body) / 2).min(answer.len()),
        Some(Fault::Short) => answer.len().saturating_sub(1),
        _ => answer.len(),
    };
    client.write_all(&answer[..end])?;
    if matches!(fault, Some(Fault::Reset)) {
        // Whoever closes with bytes unread sends a reset; here the break in the body is what matters.
        return client.shutdown(Shutdown::Both);
    }
    client.shutdown(Shutdown::Write)
}

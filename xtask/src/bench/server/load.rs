//! The load generator: connections that each post one task at a time and time every request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::request;

/// Longest time that a run may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Largest response that is accepted, in bytes.
const MAX_RESPONSE: u64 = 16 << 10;

/// How much to post.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Concurrent connections, each with one request in flight.
    pub connections: usize,
    /// Requests of all connections together.
    pub requests: u64,
}

/// The times of one run.
#[derive(Debug)]
pub struct Timing {
    /// Time from the first request to the last response.
    pub total: Duration,
    /// The latency of each request in milliseconds.
    pub latencies: Vec<f64>,
}

impl Timing {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.total.as_secs_f64()
    }
}

/// Posts tasks to the server at `address`, which must be on this machine.
///
/// # Errors
/// When a connection fails, the status of a response is not `201`, or the run takes longer than
/// a minute.
pub fn post(address: SocketAddr, load: Load) -> io::Result<Timing> {
    if !address.ip().is_loopback() {
        return Err(io::Error::other(
            "load is put on servers on this machine only",
        ));
    }
    let streams = (0..load.connections)
        .map(|_| connect(address))
        .collect::<io::Result<Vec<_>>>()?;
    let started = AtomicU64::new(0);
    let host = address.to_string();
    let begun = Instant::now();
    let latencies = thread::scope(|scope| {
        let threads: Vec<_> = streams
            .into_iter()
            .map(|stream| {
                let (host, started) = (&host, &started);
                scope.spawn(move || {
                    let result = post_share(stream, host, started, load.requests);
                    if result.is_err() {
                        // Leaves nothing to do for the other connections.
                        started.fetch_add(load.requests, Ordering::Relaxed);
                    }
                    result
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a connection's thread panicked")))
            })
            .collect::<io::Result<Vec<_>>>()
    })?;
    Ok(Timing {
        total: begun.elapsed(),
        latencies: latencies.concat(),
    })
}

/// Posts over one connection until `requests` have begun on all of them; returns the latency of
/// each request in milliseconds.
fn post_share(
    mut stream: BufReader<TcpStream>,
    host: &str,
    started: &AtomicU64,
    requests: u64,
) -> io::Result<Vec<f64>> {
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while started.fetch_add(1, Ordering::Relaxed) < requests {
        if begun.elapsed() > LIMIT {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let request = request::post(host);
        let sent = Instant::now();
        stream.get_mut().write_all(request.as_bytes())?;
        read_response(&mut stream)?;
        latencies.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok(latencies)
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(BufReader::new(stream))
}

/// Reads one complete response, whose status must be `201`.
fn read_response(stream: impl BufRead) -> io::Result<()> {
    let mut stream = stream.take(MAX_RESPONSE);
    let mut status = String::new();
    stream.read_line(&mut status)?;
    let mut length: Option<u64> = None;
    let mut header = String::new();
    loop {
        header.clear();
        if stream.read_line(&mut header)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let field = header.trim_end();
        if field.is_empty() {
            break;
        }
        if let Some((name, value)) = field.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length = length.ok_or_else(|| io::Error::other("a response has no Content-Length"))?;
    if io::copy(&mut stream.take(length), &mut io::sink())? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if status.starts_with("HTTP/1.1 201 ") {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "a task was not accepted: {}",
        status.trim_end()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_201_counts_as_a_response() {
        let read = |text: &str| read_response(text.as_bytes());
        assert!(read("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").is_ok());
        for (text, reason) in [
            (
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}",
                "503",
            ),
            (
                "HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n{}",
                "unexpected end",
            ),
            ("HTTP/1.1 201 Created\r\n\r\n", "Content-Length"),
            ("", "unexpected end"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_server_on_another_machine_is_refused() {
        let load = Load {
            connections: 1,
            requests: 1,
        };
        let error = post(SocketAddr::from(([192, 0, 2, 1], 80)), load).unwrap_err();
        assert!(error.to_string().contains("this machine only"));
    }
}

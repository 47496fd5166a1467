//! The load: connections that post one task after the other and time each.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::request;

/// The longest a run may take; what is slower than that is not measured.
const LIMIT: Duration = Duration::from_secs(60);
/// The longest answer that is expected, in bytes.
const MAX_ANSWER: usize = 16 << 10;

/// How much to post.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections at the same time, each with one request under way.
    pub connections: usize,
    /// Requests of all connections together.
    pub requests: u64,
}

/// What a run took.
#[derive(Debug)]
pub struct Took {
    /// From the first request to the last answer.
    pub total: Duration,
    /// Milliseconds of each request.
    pub latencies: Vec<f64>,
}

impl Took {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.total.as_secs_f64()
    }
}

/// Posts tasks to the server at `address`, which must be on this machine. `run` makes the keys
/// other ones than those of other runs.
///
/// # Errors
/// When a connection fails, an answer is another than `201`, or the run takes over a minute.
pub fn post(address: SocketAddr, load: Load, run: u64) -> io::Result<Took> {
    if !address.ip().is_loopback() {
        return Err(io::Error::other("load is put on this machine only"));
    }
    let streams = (0..load.connections)
        .map(|_| connect(address))
        .collect::<io::Result<Vec<_>>>()?;
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let ready = Barrier::new(load.connections);
    let host = address.to_string();
    let results: Vec<io::Result<Share>> = thread::scope(|scope| {
        let threads: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                let (next, failed, ready, host) = (&next, &failed, &ready, &host);
                scope.spawn(move || {
                    ready.wait();
                    let share = take_share(&mut stream, host, run, next, load.requests, failed);
                    if share.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    share
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a thread of the load ended early")))
            })
            .collect()
    });
    let shares = results.into_iter().collect::<io::Result<Vec<_>>>()?;
    let begun = shares.iter().map(|share| share.begun).min();
    let ended = shares.iter().map(|share| share.ended).max();
    let total = match (begun, ended) {
        (Some(begun), Some(ended)) => ended.duration_since(begun),
        _ => Duration::ZERO,
    };
    Ok(Took {
        total,
        latencies: shares
            .into_iter()
            .flat_map(|share| share.latencies)
            .collect(),
    })
}

/// What one connection did.
struct Share {
    begun: Instant,
    ended: Instant,
    latencies: Vec<f64>,
}

fn take_share(
    stream: &mut TcpStream,
    host: &str,
    run: u64,
    next: &AtomicU64,
    requests: u64,
    failed: &AtomicBool,
) -> io::Result<Share> {
    let begun = Instant::now();
    let mut request = String::new();
    let mut answer = Vec::with_capacity(1024);
    let mut latencies = Vec::new();
    while !failed.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            break;
        }
        if begun.elapsed() > LIMIT {
            return Err(io::ErrorKind::TimedOut.into());
        }
        request::write(&mut request, host, run, number);
        let sent = Instant::now();
        stream.write_all(request.as_bytes())?;
        read_answer(stream, &mut answer)?;
        latencies.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Share {
        begun,
        ended: Instant::now(),
        latencies,
    })
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Reads one whole answer, which must be `201`.
fn read_answer(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    let mut piece = [0; 2048];
    let whole = loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(whole) = length(bytes)? {
            break whole;
        }
    };
    while bytes.len() < whole {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
    if bytes.starts_with(b"HTTP/1.1 201 ") {
        return Ok(());
    }
    let text = String::from_utf8_lossy(bytes);
    Err(io::Error::other(format!(
        "a task was not taken: {}",
        text.lines().next().unwrap_or_default()
    )))
}

/// The length of an answer with its head, once the head is whole.
fn length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_ascii_lowercase();
    head.lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .filter(|body: &usize| *body <= MAX_ANSWER)
        .map(|body| Some(end + 4 + body))
        .ok_or_else(|| io::Error::other("an answer does not say how long it is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives its bytes one at a time.
    struct OneByOne(io::Cursor<Vec<u8>>);

    impl Read for OneByOne {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn read(text: &str) -> io::Result<()> {
        let mut stream = OneByOne(io::Cursor::new(text.as_bytes().to_vec()));
        read_answer(&mut stream, &mut Vec::new())
    }

    #[test]
    fn only_a_whole_201_counts_as_an_answer() {
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
            ("HTTP/1.1 201 Created\r\n\r\n", "how long"),
            ("", "unexpected end"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn load_is_never_put_on_another_machine() {
        let load = Load {
            connections: 1,
            requests: 1,
        };
        let error = post(SocketAddr::from(([192, 0, 2, 1], 80)), load, 0).unwrap_err();
        assert!(error.to_string().contains("this machine only"));
    }
}

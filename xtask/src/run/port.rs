//! Choosing a port, and asking whether a server answers there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long one attempt to reach a program on this machine may take.
const ATTEMPT: Duration = Duration::from_millis(500);

/// The ports to try: the wished one and up to `further` after it. Port 0, any port, stands alone.
pub fn candidates(wished: u16, further: u16) -> RangeInclusive<u16> {
    if wished == 0 {
        0..=0
    } else {
        wished..=wished.saturating_add(further)
    }
}

/// The port itself when nothing listens there on the loopback address; for 0, one that the system
/// chooses; nothing when it is taken.
pub fn free(port: u16) -> Option<u16> {
    // A program that listens on all addresses does not everywhere hinder another from taking the
    // loopback address, so it is also asked whether anybody answers.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if port != 0 && TcpStream::connect_timeout(&address, ATTEMPT).is_ok() {
        return None;
    }
    let listener = TcpListener::bind(address).ok()?;
    Some(listener.local_addr().ok()?.port())
}

/// Whether an HTTP server answers `GET /healthz` there with 200.
pub fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, ATTEMPT)?;
        stream.set_read_timeout(Some(ATTEMPT))?;
        stream.set_write_timeout(Some(ATTEMPT))?;
        write!(
            stream,
            "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(&status_line == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_ports_after_the_wished_one_are_tried_as_far_as_there_are_any() {
        for (wished, expected) in [
            (8080, 8080..=8100),
            (65_530, 65_530..=65_535),
            (65_535, 65_535..=65_535),
            (0, 0..=0),
        ] {
            assert_eq!(candidates(wished, 20), expected);
        }
    }

    #[test]
    fn a_port_where_somebody_listens_is_not_free() {
        for host in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let listener = TcpListener::bind((host, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(free(port), None, "{host}");
        }
    }

    #[test]
    fn any_port_is_a_port_that_the_system_chooses() {
        assert!(free(0).is_some_and(|port| port != 0));
    }

    #[test]
    fn only_an_answer_of_200_counts() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(answers(address), expected, "{answer}");
            server.join().unwrap();
        }
    }
}

//! Choosing a port, and checking whether a server is up.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Timeout for reaching a program on this machine.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The ports to try: the preferred one and up to `further` after it. Port 0 means any port and is
/// the only candidate.
pub fn candidates(preferred: u16, further: u16) -> RangeInclusive<u16> {
    if preferred == 0 {
        0..=0
    } else {
        preferred..=preferred.saturating_add(further)
    }
}

/// The port, if nothing listens there on the loopback address, else `None`. For port 0, a free
/// port that the system chooses.
pub fn free(port: u16) -> Option<u16> {
    // On some systems the loopback address can be bound while another program listens on all
    // addresses, so first try to connect.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if port != 0 && TcpStream::connect_timeout(&address, TIMEOUT).is_ok() {
        return None;
    }
    let listener = TcpListener::bind(address).ok()?;
    Some(listener.local_addr().ok()?.port())
}

/// Whether an HTTP server at `address` responds to `GET /healthz` with status 200.
pub fn is_healthy(address: SocketAddr) -> bool {
    let check = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        // One write: a server may close the connection while pieces of the request still arrive.
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(&status_line == b"HTTP/1.1 200")
    };
    check().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn candidates_end_at_the_last_port() {
        for (preferred, expected) in [
            (8080, 8080..=8100),
            (65_530, 65_530..=65_535),
            (65_535, 65_535..=65_535),
            (0, 0..=0),
        ] {
            assert_eq!(candidates(preferred, 20), expected);
        }
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        for host in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let listener = TcpListener::bind((host, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(free(port), None, "{host}");
        }
    }

    #[test]
    fn port_0_becomes_a_port_that_the_system_chooses() {
        assert!(free(0).is_some_and(|port| port != 0));
    }

    #[test]
    fn only_status_200_is_healthy() {
        for (response, expected) in [
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
                stream.write_all(response.as_bytes()).unwrap();
            });
            assert_eq!(is_healthy(address), expected, "{response}");
            server.join().unwrap();
        }
    }
}

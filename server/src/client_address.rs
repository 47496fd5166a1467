//! Which client a request comes from: the peer of its connection or, behind a trusted proxy, the
//! address that the proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The network bits of an IPv6 address: one subscriber usually has a whole /64.
const IPV6_NETWORK: u128 = !(u64::MAX as u128);

/// A client, as far as limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client at an address. An IPv4-mapped IPv6 address is the IPv4 address; all other IPv6
    /// addresses of one /64 are one client.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
            address => address,
        })
    }
}

/// The proxies whose `X-Forwarded-For` and `Forwarded` headers are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// The proxies at these addresses.
    #[must_use]
    pub fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// Whether this is the address of a trusted proxy.
    #[must_use]
    pub fn include(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The client of a request whose connection comes from `peer`.
    ///
    /// Behind a trusted proxy, this is the last address in `X-Forwarded-For` that is not itself a
    /// trusted proxy; everything before it was sent by the client and may be made up. `Forwarded` (RFC
    /// 7239) is read only if there is no `X-Forwarded-For`, because most proxies set the latter and
    /// pass the former on. If the header names no such address, the client is the peer.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let named = if self.include(peer) {
            self.forwarded(headers)
        } else {
            None
        };
        ClientAddress::of(named.unwrap_or(peer))
    }

    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let (name, is_pair) = if headers.contains_key(X_FORWARDED_FOR) {
            (X_FORWARDED_FOR, false)
        } else {
            (FORWARDED, true)
        };
        headers
            .get_all(name)
            .iter()
            .rev()
            .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
            .map(|hop| parse_address(if is_pair { for_parameter(hop) } else { hop }))
            // An address that cannot be read hides all that come before it.
            .take_while(Option::is_some)
            .flatten()
            .find(|address| !self.include(*address))
    }
}

/// The `for` parameter of an element of `Forwarded`, without quotes; empty if there is none.
fn for_parameter(element: &str) -> &str {
    element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map_or("", |(_, value)| value.trim().trim_matches('"'))
}

/// Parses an address with or without a port, and an IPv6 address with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let without_brackets = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    without_brackets
        .parse()
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client_of(peer: &str, headers: &[(&'static str, &'static str)]) -> ClientAddress {
        let proxies = TrustedProxies::new(&[address("127.0.0.1"), address("10.0.0.1")]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        proxies.client(address(peer), &map)
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        for (headers, client) in [
            (&[("x-forwarded-for", "203.0.113.7")] as &[_], "203.0.113.7"),
            (&[("x-forwarded-for", "203.0.113.7:5000")], "203.0.113.7"),
            (
                &[("x-forwarded-for", "made-up, 203.0.113.7")],
                "203.0.113.7",
            ),
            (
                &[("x-forwarded-for", "203.0.113.7, 10.0.0.1")],
                "203.0.113.7",
            ),
            (
                &[
                    ("x-forwarded-for", "192.0.2.1"),
                    ("x-forwarded-for", "203.0.113.7"),
                ],
                "203.0.113.7",
            ),
            (
                &[("forwarded", "for=203.0.113.7;proto=https")],
                "203.0.113.7",
            ),
            (
                &[("forwarded", "for=192.0.2.1, For=\"[2001:db8::7]:4711\"")],
                "2001:db8::7",
            ),
            // A client can send `Forwarded` through a proxy that knows only the other header.
            (
                &[
                    ("forwarded", "for=192.0.2.1"),
                    ("x-forwarded-for", "203.0.113.7"),
                ],
                "203.0.113.7",
            ),
            (&[("x-forwarded-for", "203.0.113.7, unknown")], "127.0.0.1"),
            (&[("forwarded", "for=_hidden")], "127.0.0.1"),
            (&[("x-forwarded-for", "10.0.0.1")], "127.0.0.1"),
            (&[("x-forwarded-for", "")], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(
                client_of("127.0.0.1", headers),
                ClientAddress::of(address(client)),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn what_any_other_peer_says_about_its_address_is_ignored() {
        let client = client_of("192.0.2.9", &[("x-forwarded-for", "203.0.113.7")]);
        assert_eq!(client, ClientAddress::of(address("192.0.2.9")));
    }

    #[test]
    fn the_addresses_of_one_subscriber_are_one_client() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let client = |text| ClientAddress::of(address(text));
            assert_eq!(client(one) == client(other), same, "{one} {other}");
        }
    }
}

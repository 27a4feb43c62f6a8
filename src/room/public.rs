//! Tells public addresses from private ones. A URL that a client has set must not lead into the server's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::outbound::is_localhost;

/// Returns whether the host of a URL may be public. A name may still resolve to a private address, so the caller checks the
/// addresses too ([`is_public`]).
pub(super) fn is_public_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        Some(Host::Domain(name)) => !is_localhost(name),
        None => false,
    }
}

/// Returns whether an address is neither of this machine nor of a private, link-local or reserved network.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The networks of IPv4 that are not public, each with the length of its prefix (IANA's registry of special-purpose addresses).
const INSIDE: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Shared addresses of carriers (RFC 6598).
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local, with the metadata services of clouds.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    // Documentation and benchmarks.
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast and reserved.
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, length): &([u8; 4], u32)| {
        let mask = u32::MAX << (u32::BITS - length);
        address.to_bits() & mask == u32::from_be_bytes(*network)
    };
    !INSIDE.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Embedded IPv4: mapped, translated (NAT64) and tunnelled (6to4).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            v4(high, low)
        }
        // Documentation and protocols.
        [0x2001, 0xdb8 | 0..0x200, ..] | [0x3fff, 0..0x1000, ..] => false,
        // Only 2000::/3 is assigned. The rest is loopback, local, multicast or reserved.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_reserved_addresses_are_not_public() {
        for inside in [
            "http://127.0.0.1",
            "http://127.1/x",
            "http://2130706433",
            "http://0x7f.1",
            "http://0",
            "http://10.1.2.3",
            "http://172.31.255.255",
            "http://192.168.0.1",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1",
            "http://224.0.0.1",
            "http://255.255.255.255",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:10.0.0.1]",
            "http://[64:ff9b::a9fe:a9fe]",
            "http://[2002:7f00:1::]",
            "http://[fe80::1]",
            "http://[fd00:ec2::254]",
            "http://[2001:db8::1]",
            "http://localhost:9000",
            "http://a.LOCALHOST.",
        ] {
            assert!(!is_public_host(&Url::parse(inside).unwrap()), "{inside}");
        }
        for outside in [
            "http://app.example/x",
            "http://172.32.0.1",
            "http://192.0.1.1",
            "http://1.1.1.1",
            "http://[2606:4700::1111]",
            "http://[64:ff9b::101:101]",
            "http://localhost.example",
        ] {
            assert!(is_public_host(&Url::parse(outside).unwrap()), "{outside}");
        }
    }
}

//! What stands in `sourceIPAddress`: an address, a service's host name, `AWS Internal`, or anything else.
//!
//! Never resolves a name, and never claims that an address is AWS's or a person's.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Every kind with what it means.
pub const KINDS: &[(&str, &str)] = &[
    ("public", "any address that is not one of the private or shared ones"),
    ("private", "RFC 1918 and IPv6 unique local addresses, loopback and link-local ones"),
    ("cgnat", "100.64.0.0/10, shared by carriers and used inside clouds"),
    ("aws_internal", "AWS Internal, as written by AWS"),
    ("service_host", "an AWS service's host name"),
    ("absent", "nothing there"),
    ("other", "any other text"),
];

/// The network that an address probably shares with its neighbours: its /24, or its /48 of IPv6.
pub fn neighbourhood(text: &str) -> Option<IpNet> {
    let address = parse(text)?;
    let length = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, length).ok().map(|network| network.trunc())
}

const CGNAT: (u32, u32) = (0x6440_0000, 0xffc0_0000);

/// Reads an address. Anonymised logs write octets with leading zeros (`255.18.064.253`): they are read as decimal.
/// An IPv4 address in IPv6 clothes is the IPv4 address.
pub fn parse(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical()).or_else(|| padded(text).map(IpAddr::V4))
}

fn padded(text: &str) -> Option<Ipv4Addr> {
    let mut octets = text.split('.').map(|octet| {
        let digits = (1..=3).contains(&octet.len()) && octet.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| octet.parse::<u8>().ok())?
    });
    let address = Ipv4Addr::new(octets.next()??, octets.next()??, octets.next()??, octets.next()??);
    octets.next().is_none().then_some(address)
}

/// The kind of a source address: one of [`KINDS`].
pub fn ip_kind(text: &str) -> &'static str {
    match parse(text) {
        Some(IpAddr::V4(address)) => v4_kind(address),
        Some(IpAddr::V6(address)) => v6_kind(address),
        None if text.is_empty() => "absent",
        None if text == "AWS Internal" || text.starts_with("AWS Internal/") => "aws_internal",
        None if is_service_host(text) => "service_host",
        None => "other",
    }
}

fn v4_kind(address: Ipv4Addr) -> &'static str {
    if address.is_private() || address.is_loopback() || address.is_link_local() {
        "private"
    } else if address.to_bits() & CGNAT.1 == CGNAT.0 {
        "cgnat"
    } else if address.is_unspecified() {
        "other"
    } else {
        "public"
    }
}

fn v6_kind(address: Ipv6Addr) -> &'static str {
    if address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local() {
        "private"
    } else if address.is_unspecified() {
        "other"
    } else {
        "public"
    }
}

/// `ec2.amazonaws.com`, and the same in other partitions (`.amazonaws.com.cn`).
fn is_service_host(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    plain && text.find(".amazonaws.").is_some_and(|at| at > 0)
}

/// Reads a network: `10.0.0.0/8`, `2001:db8::/32`, or one address.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether an address lies in a network; `None` where the text is no address or the network is none.
pub fn ip_in(text: &str, cidr: &str) -> Option<bool> {
    let network = network(cidr)?;
    Some(network.contains(&parse(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods() {
        for (text, expected) in [
            ("198.51.100.77", Some("198.51.100.0/24")),
            ("2001:db8:40:1::7", Some("2001:db8:40::/48")),
            ("::ffff:198.51.100.77", Some("198.51.100.0/24")),
            ("AWS Internal", None),
        ] {
            assert_eq!(neighbourhood(text).map(|network| network.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn kinds() {
        for (text, expected) in [
            ("198.51.100.7", "public"),
            ("2001:db8::7", "public"),
            ("10.1.2.3", "private"),
            ("172.31.0.1", "private"),
            ("172.32.0.1", "public"),
            ("192.168.0.1", "private"),
            ("127.0.0.1", "private"),
            ("169.254.169.254", "private"),
            ("::1", "private"),
            ("fd00::1", "private"),
            ("fe80::1", "private"),
            ("::ffff:10.0.0.1", "private"),
            ("100.64.0.1", "cgnat"),
            ("100.127.255.255", "cgnat"),
            ("100.128.0.0", "public"),
            ("255.18.064.253", "public"),
            ("AWS Internal", "aws_internal"),
            ("AWS Internal/3", "aws_internal"),
            ("ec2.amazonaws.com", "service_host"),
            ("sts.amazonaws.com.cn", "service_host"),
            ("", "absent"),
            ("-", "other"),
            ("...", "other"),
            ("30.*.0.210", "other"),
            ("256.1.1.1", "other"),
            ("1.2.3.4.5", "other"),
            ("198.51.100.7:443", "other"),
            ("aws.internal", "other"),
            (".amazonaws.com", "other"),
            ("<Attacker source IP>", "other"),
            ("0.0.0.0", "other"),
        ] {
            assert_eq!(ip_kind(text), expected, "{text}");
        }
    }

    #[test]
    fn networks() {
        for (address, cidr, expected) in [
            ("10.1.2.3", "10.0.0.0/8", Some(true)),
            ("11.1.2.3", "10.0.0.0/8", Some(false)),
            ("10.1.2.3", "10.9.9.9/8", Some(true)),
            ("::ffff:10.1.2.3", "10.0.0.0/8", Some(true)),
            ("2001:db8::7", "2001:db8::/32", Some(true)),
            ("2001:db8::7", "0.0.0.0/0", Some(false)),
            ("198.51.100.7", "198.51.100.7", Some(true)),
            ("AWS Internal", "0.0.0.0/0", None),
            ("10.1.2.3", "10.0.0.0/33", None),
            ("10.1.2.3", "ten", None),
        ] {
            assert_eq!(ip_in(address, cidr), expected, "{address} {cidr}");
        }
    }
}

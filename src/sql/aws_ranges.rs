//! AWS's published address ranges: which service and region an address belongs to.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html>

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};

/// The service under which AWS lists every one of its ranges once more.
const EVERY: &str = "AMAZON";

/// A range's owner.
#[derive(Debug, Clone)]
pub struct Range {
    /// EC2, S3, CLOUDFRONT, ...; AMAZON where no other is named.
    pub service: String,
    /// A region, or GLOBAL.
    pub region: String,
}

/// The ranges by length of prefix, the longest last.
#[derive(Debug, Default)]
pub struct AwsRanges {
    by_length: BTreeMap<u8, HashMap<IpNet, Range>>,
}

#[derive(serde::Deserialize)]
struct File {
    prefixes: Vec<Prefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<Prefix>,
}

#[derive(serde::Deserialize)]
struct Prefix {
    #[serde(alias = "ipv6_prefix", deserialize_with = "network")]
    ip_prefix: IpNet,
    region: String,
    service: String,
}

fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl AwsRanges {
    /// Reads `ip-ranges.json`.
    ///
    /// # Errors
    /// The file cannot be read or is another.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let file: File = serde_json::from_str(&text).map_err(|e| format!("it is no ip-ranges.json: {e}"))?;
        let mut ranges = Self::default();
        for Prefix { ip_prefix, region, service } in file.prefixes.into_iter().chain(file.ipv6_prefixes) {
            let of_length = ranges.by_length.entry(ip_prefix.prefix_len()).or_default();
            let known = of_length.entry(ip_prefix.trunc());
            // One range can be listed for several services: the first that is named counts, and the collective name last.
            known
                .and_modify(|known| {
                    if known.service == EVERY {
                        *known = Range { service: service.clone(), region: region.clone() };
                    }
                })
                .or_insert(Range { service, region });
        }
        Ok(ranges)
    }

    /// The smallest range around an address that names a service, else the smallest that AWS owns.
    pub fn find(&self, address: IpAddr) -> Option<&Range> {
        let mut owned = None;
        for (length, ranges) in self.by_length.iter().rev() {
            let Ok(network) = IpNet::new(address, *length) else { continue };
            match ranges.get(&network.trunc()) {
                Some(range) if range.service != EVERY => return Some(range),
                Some(range) => owned = owned.or(Some(range)),
                None => {}
            }
        }
        owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_range_that_names_a_service() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ip-ranges.json");
        let text = r#"{"syncToken":"1","createDate":"x","prefixes":[
            {"ip_prefix":"192.0.2.0/24","region":"eu-north-1","service":"AMAZON","network_border_group":"eu-north-1"},
            {"ip_prefix":"192.0.2.0/24","region":"eu-north-1","service":"EC2","network_border_group":"eu-north-1"},
            {"ip_prefix":"192.0.2.128/25","region":"eu-north-1","service":"AMAZON","network_border_group":"eu-north-1"},
            {"ip_prefix":"198.51.100.0/24","region":"GLOBAL","service":"AMAZON","network_border_group":"GLOBAL"}],
            "ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/32","region":"us-east-1","service":"S3","network_border_group":"x"}]}"#;
        std::fs::write(&path, text).unwrap();
        let ranges = AwsRanges::read(&path).unwrap();
        let find = |ip: &str| ranges.find(ip.parse().unwrap()).map(|r| format!("{} {}", r.service, r.region));
        assert_eq!(find("192.0.2.7").as_deref(), Some("EC2 eu-north-1"));
        assert_eq!(find("192.0.2.200").as_deref(), Some("EC2 eu-north-1"));
        assert_eq!(find("198.51.100.1").as_deref(), Some("AMAZON GLOBAL"));
        assert_eq!(find("2001:db8::1").as_deref(), Some("S3 us-east-1"));
        assert_eq!(find("203.0.113.1"), None);
        std::fs::write(&path, "[]").unwrap();
        assert!(AwsRanges::read(&path).unwrap_err().contains("no ip-ranges.json"));
    }
}

//! What an access key's or principal's unique id tells: its kind, and for newer ids the account that owns it.
//!
//! The prefixes are AWS's (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>). That the account
//! can be read from an id is a finding of researchers, not documented by AWS: good for a report line, never a reason to
//! refuse a record.

/// What the first four letters of an id stand for.
pub fn kind(id: &str) -> Option<&'static str> {
    Some(match id.get(..4)? {
        "ABIA" => "bearer_token",
        "ACCA" => "context_credential",
        "AGPA" => "group",
        "AIDA" => "user",
        "AIPA" => "instance_profile",
        "AKIA" => "access_key",
        "ANPA" => "managed_policy",
        "ANVA" => "policy_version",
        "APKA" => "public_key",
        "AROA" => "role",
        "ASCA" => "certificate",
        "ASIA" => "temporary_key",
        _ => return None,
    })
}

/// The account that an id of the newer generation belongs to, 12 digits; `None` for older ids (such as AWS's
/// documentation examples) and for text that is no id. A session's principal id (`AROA...:name`) is read up to its colon.
pub fn account(id: &str) -> Option<String> {
    kind(id)?;
    let id = id.split(':').next()?;
    let digits = id.as_bytes().get(4..20)?;
    let bits = digits.iter().try_fold(0u128, |bits, letter| {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        Some(bits << 5 | u128::from(value))
    })?;
    let newer = bits >> 79 & 1 == 1;
    let account = bits >> 39 & 0xff_ffff_ffff;
    (newer && account <= 999_999_999_999).then(|| format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_published_and_computed_ids() {
        for (id, expected) in [
            ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
            ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
            ("ASIAZQNB3KHGNXWXBSJS", Some("653711331788")),
            ("AROA52GPOBQCC7XDYTFFH", Some("949622803460")),
            ("AROA52GPOBQCC7XDYTFFH:dana", Some("949622803460")),
            ("ASIA52RQV423TWB3UWEE", Some("950363612855")),
            ("ASIAQHAFIVV6B7Q4CRGS", Some("015043439996")),
            ("AROAJBP4A5WSXVNY72RLE", None),
            ("ASIARZPUZDIKKUJDIVTY", Some("123456789012")),
            ("ASIAQAAAAAAA2UJDIVTY", Some("000000000001")),
            ("ASIA6RVFFB772UJDIVTY", Some("999999999999")),
            ("ASIARTX3GSDS2UJDIVTY", Some("111122223333")),
            ("ASIABZPUZDIKKUJDIVTY", None),
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("ASIAQNZGKIQY56JQ7WM0", None),
            ("ASIA", None),
            ("ASIARZPUZDIK", None),
            ("XXXXRZPUZDIKKUJDIVTY", None),
            ("ééé", None),
            ("", None),
        ] {
            assert_eq!(account(id).as_deref(), expected, "{id}");
        }
    }

    #[test]
    fn prefixes_tell_the_kind() {
        assert_eq!(kind("AROAJBP4A5WSXVNY72RLE"), Some("role"));
        assert_eq!(kind("AKIAIOSFODNN7EXAMPLE"), Some("access_key"));
        assert_eq!(kind("123456789012"), None);
    }
}

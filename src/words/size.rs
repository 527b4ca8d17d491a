//! Sizes in bytes as people type them: `512 MiB`, `2GB`, `1048576`.

/// What to write, for messages.
pub const FORMS: &str = "write a number and B, KB, MB, GB, KiB, MiB or GiB: 512 MiB, 2 GB";

/// Reads a size in bytes.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("512 MiB", 512 << 20), ("2GB", 2_000_000_000), ("1048576", 1 << 20), (" 3 kb ", 3_000), ("0", 0)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "1.5 GB", "-1", "1 TB", "99999999999999999999", "99999999999 GiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

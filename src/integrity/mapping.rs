//! Where objects lay when CloudTrail delivered them: the name by which digests and objects find each other.
//!
//! Pure. Names come from digests and from strangers' folders; they are only compared, and never become a path.

use crate::source::layout::AWS_LOGS;

/// How places in a source and places in a bucket belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// What lies below `from` in the source was delivered to the same place below `to` in `bucket`.
    Exact {
        /// The bucket.
        bucket: String,
        /// The source's own path or prefix.
        from: String,
        /// The prefix in the bucket.
        to: String,
    },
    /// A copy whose origin nobody told: what follows `AWSLogs` counts, or the file's name where there is no such folder.
    Copy {
        /// What follows `AWSLogs` in the source's own path.
        below: Option<String>,
    },
}

impl Mapping {
    /// The bucket itself.
    pub fn bucket(bucket: &str) -> Self {
        Self::Exact { bucket: bucket.to_owned(), from: String::new(), to: String::new() }
    }

    /// A source at `from` that is a copy of `bucket` below `to`.
    pub fn copy_of(bucket: &str, to: &str, from: &str) -> Self {
        let trimmed = |text: &str| text.trim_end_matches('/').to_owned();
        Self::Exact { bucket: bucket.to_owned(), from: trimmed(from), to: trimmed(to) }
    }

    /// A source at `from` that is a copy of nobody knows what.
    pub fn copy(from: &str) -> Self {
        Self::Copy { below: after_aws_logs(&format!("{from}/")).map(|below| below.trim_end_matches('/').to_owned()) }
    }

    /// The name of what lies at `path` in the source.
    pub fn name_of(&self, path: &str) -> String {
        match self {
            Self::Exact { from, to, .. } => {
                let rest = path.strip_prefix(from.as_str()).unwrap_or(path).trim_start_matches('/');
                if to.is_empty() { rest.to_owned() } else { format!("{to}/{rest}") }
            }
            Self::Copy { .. } => after_aws_logs(path).unwrap_or_else(|| file_name(path)).to_owned(),
        }
    }

    /// The names that an object of a bucket can have here, the likeliest first; none where the bucket is another.
    pub fn names_in(&self, bucket: &str, key: &str) -> Vec<String> {
        let mut names = match self {
            Self::Exact { bucket: ours, .. } if ours != bucket => return Vec::new(),
            Self::Exact { .. } => vec![key.to_owned()],
            Self::Copy { .. } => {
                let names = [after_aws_logs(key), Some(file_name(key))];
                names.into_iter().flatten().map(str::to_owned).collect()
            }
        };
        // Copies are often unpacked.
        let unpacked: Vec<_> = names.iter().filter_map(|name| name.strip_suffix(".gz").map(str::to_owned)).collect();
        names.extend(unpacked);
        names
    }

    /// Whether an object of the bucket would lie in the source, if it were there.
    pub fn is_inside(&self, key: &str) -> bool {
        let below = |prefix: &str, name: &str| {
            prefix.is_empty() || name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self {
            Self::Exact { to, .. } => below(to, key),
            Self::Copy { below: None } => true,
            Self::Copy { below: Some(prefix) } => after_aws_logs(key).is_none_or(|name| below(prefix, name)),
        }
    }

    /// The key in the source's own bucket of what has this key in the bucket that it is a copy of.
    pub fn key_in_source(&self, key: &str) -> Option<String> {
        let Self::Exact { from, to, .. } = self else { return None };
        if from == to {
            return Some(key.to_owned());
        }
        let rest = key.strip_prefix(to.as_str())?.trim_start_matches('/');
        Some(if from.is_empty() { rest.to_owned() } else { format!("{from}/{rest}") })
    }
}

/// What follows the last folder `AWSLogs`.
fn after_aws_logs(path: &str) -> Option<&str> {
    let folder = format!("{AWS_LOGS}/");
    let at = path.rmatch_indices(folder.as_str()).map(|(at, _)| at).find(|&at| at == 0 || path[..at].ends_with('/'))?;
    path.get(at + folder.len()..)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "p/AWSLogs/1/CloudTrail/us-east-1/2026/11/23/x.json.gz";

    #[test]
    fn a_bucket_and_its_copies_have_the_same_names() {
        let bucket = Mapping::bucket("b");
        assert_eq!(bucket.name_of(KEY), KEY);
        assert_eq!(bucket.names_in("b", KEY)[0], KEY);
        assert!(bucket.names_in("other", KEY).is_empty());
        assert_eq!(bucket.key_in_source(KEY).unwrap(), KEY);

        let folder = Mapping::copy_of("b", "p/", "/home/me/copy");
        assert_eq!(folder.name_of("/home/me/copy/AWSLogs/1/x.json.gz"), "p/AWSLogs/1/x.json.gz");
        assert!(folder.is_inside(KEY) && !folder.is_inside("pq/x"));
        let replica = Mapping::copy_of("b", "p", "q");
        assert_eq!(replica.name_of("q/AWSLogs/1/x"), "p/AWSLogs/1/x");
        assert_eq!(replica.key_in_source("p/AWSLogs/1/x").unwrap(), "q/AWSLogs/1/x");
    }

    #[test]
    fn a_copy_of_unknown_origin_is_told_by_what_follows_aws_logs() {
        let copy = Mapping::copy("/home/me/AWSLogs/old");
        assert_eq!(copy, Mapping::Copy { below: Some("old".into()) });
        let copy = Mapping::copy("/home/me/case/AWSLogs/1");
        assert_eq!(copy.name_of(&format!("/home/me/case/{}", &KEY[2..])), KEY[10..]);
        assert_eq!(copy.names_in("any", KEY)[0], KEY[10..]);
        assert!(copy.is_inside(KEY) && !copy.is_inside("AWSLogs/2/x") && !copy.is_inside("AWSLogs/11/x"));
        let flat = Mapping::copy("/home/me/flat");
        assert_eq!(flat.name_of("/home/me/flat/x.json"), "x.json");
        assert!(flat.names_in("any", KEY).contains(&"x.json".to_owned()));
        assert!(flat.is_inside(KEY));
    }
}

//! Bytes that can be read only once: standard input, or a named pipe given as a file.
//!
//! They are kept after the first reading, so that a second one answers the same.

use std::path::PathBuf;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::sync::OnceCell;

use super::{Object, Place, layout};
use crate::error::{Error, Result};

/// A stream that is one object.
#[derive(Debug)]
pub(super) struct Stream {
    uri: String,
    path: Option<PathBuf>,
    bytes: OnceCell<Bytes>,
}

impl Stream {
    /// Standard input, whose address is `-`.
    pub(super) fn standard_input() -> Self {
        Self { uri: "-".to_owned(), path: None, bytes: OnceCell::new() }
    }

    /// A pipe in the file system, such as the one a shell makes of `<(command)`.
    pub(super) fn pipe(spec: &str, path: PathBuf) -> Self {
        Self { uri: spec.to_owned(), path: Some(path), bytes: OnceCell::new() }
    }

    pub(super) fn object(&self) -> Object {
        Object {
            uri: self.uri.clone(),
            size: None,
            etag: None,
            last_modified: None,
            layout: layout::parse(&self.uri),
            place: Place::Stream,
        }
    }

    pub(super) async fn read(&self) -> Result<Bytes> {
        let read = || async {
            let mut bytes = Vec::new();
            let result = match &self.path {
                None => tokio::io::stdin().read_to_end(&mut bytes).await,
                Some(path) => match tokio::fs::File::open(path).await {
                    Ok(mut file) => file.read_to_end(&mut bytes).await,
                    Err(error) => Err(error),
                },
            };
            match result {
                Ok(_) => Ok(Bytes::from(bytes)),
                Err(error) => Err(Error::input(format!("cannot read {}", self.describe()))
                    .context("object", &self.uri)
                    .source(error)),
            }
        };
        self.bytes.get_or_try_init(read).await.cloned()
    }

    pub(super) fn describe(&self) -> String {
        if self.path.is_none() { "standard input".to_owned() } else { self.uri.clone() }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::{Filters, Found, S3Options, Source};
    use super::*;

    #[tokio::test]
    async fn a_pipe_is_read_once_and_answers_twice() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|s| s.success()) {
            return;
        }
        let source = Source::open(path.to_str().unwrap(), &S3Options::default()).await.unwrap();
        let writer = tokio::task::spawn_blocking(move || std::fs::write(path, "{}"));
        let found: Vec<_> = futures::StreamExt::collect(source.list(&Filters::default())).await;
        let [Found::Object(object)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(source.read(object).await.unwrap(), "{}");
        writer.await.unwrap().unwrap();
        assert_eq!(source.read(object).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn standard_input_is_one_object() {
        let source = Source::open("-", &S3Options::default()).await.unwrap();
        assert_eq!(
            (source.describe().as_str(), Stream::standard_input().object().uri.as_str()),
            ("standard input", "-")
        );
    }
}

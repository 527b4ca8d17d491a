//! The header of a query file: a file that is read is one that says what it must, and every mistake names its line.

use super::rolecall::sql::query_file::{Query, has_header};

/// Query files.
pub fn query_header(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    has_header(&text);
    match Query::parse("name", "name.sql", &text) {
        Ok(query) => {
            assert!(!query.title.is_empty() && !query.description.is_empty(), "{text:?}");
            assert_eq!(query.sql, text);
            assert!(query.bind(&[]).is_ok() || !query.params.is_empty(), "{text:?}");
        }
        Err(error) => assert!(error.to_string().starts_with("name.sql:"), "{text:?}: {error}"),
    }
}

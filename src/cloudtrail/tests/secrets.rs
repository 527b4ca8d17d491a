//! No session token leaves the decoder, however its record is written.

use super::*;

const MARK: &str = "S3cr3tMaterial";

/// A token as STS writes them: a known beginning, base64, long.
fn token(start: &str) -> String {
    format!("{start}{MARK}{}", "aB3/+x".repeat(40))
}

/// Decodes a record with these fields and gives everything in the event.
fn debug_of(fields: &str) -> String {
    let text = record("a").replacen("\"responseElements\":null", fields, 1);
    let (book, seen) = decode(text.as_bytes());
    assert_eq!((book.events, book.fault_count), (1, 0), "{fields} {book:?}");
    seen[0].debug.clone()
}

fn assert_gone(fields: &str) {
    let debug = debug_of(fields);
    assert!(!debug.contains(MARK), "{fields}\n{debug}");
    assert!(debug.contains("[removed]"), "{fields}\n{debug}");
}

#[test]
fn tokens_are_removed_by_name() {
    for key in [
        "sessionToken",
        "SessionToken",
        "SESSIONTOKEN",
        "session_token",
        "session-token",
        "session\\u0054oken",
        "\\u0073essionToken",
        "sessionToken ",
        "sessionToken1",
        "awsSessionToken",
        "secretAccessKey",
        "SecretAccessKey",
        "secret_access_key",
        "signinToken",
        "SigninToken",
        "securityToken",
        "X-Amz-Security-Token",
        "x-amz-security-token",
        "refreshToken",
        "session\tToken",
    ] {
        assert_gone(&format!(
            r#""responseElements":{{"credentials":{{"accessKeyId":"ASIAX","{key}":"{MARK}","expiration":"Nov 7, 2026"}}}}"#
        ));
        assert_gone(&format!(
            r#""responseElements":{{"credentials":{{"{key}" : ["{MARK}",{{"a":"{MARK}"}}] , "b":1}}}}"#
        ));
        assert_gone(&format!(r#""requestParameters":{{"a":[{{"{key}":"{MARK}"}}]}}"#));
        assert_gone(&format!(r#""additionalEventData":{{"{key}":"{MARK}"}}"#));
        assert_gone(&format!(r#""serviceEventDetails":{{"x":{{"{key}":"{MARK}"}}}}"#));
        assert_gone(&format!(r#""{key}":"{MARK}""#));
        assert_gone(&format!(r#""resources":[{{"ARN":"arn:x","{key}":"{MARK}"}}]"#));
        assert_gone(&format!(r#""userIdentity":{{"type":"IAMUser","sessionContext":{{"{key}":"{MARK}"}}}}"#));
    }
}

#[test]
fn the_rest_of_the_credentials_stays_and_the_text_stays_json() {
    let debug = debug_of(
        r#""responseElements":{"credentials":{"accessKeyId":"ASIAX","sessionToken":"abc","expiration":"Nov 7, 2026, 3:08:00 PM"},"packedPolicySize":3}"#,
    );
    assert!(debug.contains("ASIAX") && debug.contains("Nov 7, 2026, 3:08:00 PM"));
    let mut text = String::new();
    let fields = format!(
        r#""responseElements":{{"a":"q\"","credentials":{{"sessionToken":"{}","x":[]}}}}"#,
        token("IQoJb3JpZ2luX2Vj")
    );
    let text_of = record("a").replace("\"responseElements\":null", &fields);
    decode_object("x", text_of.as_bytes(), &Limits::default(), &Wanted::default(), &mut |_, event| {
        text = event.response_elements.clone().unwrap().into_owned();
    });
    assert_eq!(text, r#"{"a":"q\"","credentials":{"sessionToken":"[removed]","x":[]}}"#);
}

#[test]
fn tokens_are_removed_by_their_look() {
    for start in
        ["IQoJb3JpZ2luX2Vj", "FwoGZXIvYXdzE", "FQoGZXIvYXdzE", "AQoDYXdzE", "AgoJb3JpZ2luX2Vj", "IQoXYZ", "FQoDYXdzE"]
    {
        let token = token(start);
        assert_gone(&format!(r#""responseElements":{{"innocent":"{token}"}}"#));
        assert_gone(&format!(r#""responseElements":{{"{token}":1}}"#));
        assert_gone(&format!(r#""requestParameters":"{token}""#));
        assert_gone(&format!(r#""requestParameters":["x","see {token} here"]"#));
        assert_gone(&format!(r#""errorMessage":"The token {token} is expired""#));
        assert_gone(&format!(r#""userAgent":"curl/{token}""#));
        assert_gone(&format!(r#""userAgent":["{token}"]"#));
        assert_gone(&format!(r#""unknown":"{token}""#));
        assert_gone(&format!(r#""{token}":"{token}""#));
        assert_gone(&format!(r#""sourceIPAddress":"{token}""#));
        assert_gone(&format!(r#""tlsDetails":{{"clientProvidedHostHeader":"{token}","x":"{token}"}}"#));
        assert_gone(&format!(r#""responseElements":{{"a":"\u0049{}"}}"#, &token[1..]));
        assert_gone(&format!(r#""resources":[{{"ARN":"{token}"}}]"#));
    }
}

#[test]
fn tokens_in_json_in_texts_are_removed() {
    let inner = format!(r#"{{"credentials":{{"sessionToken":"{MARK}","accessKeyId":"ASIAX"}}}}"#);
    let once = serde_json::to_string(&inner).unwrap();
    let twice = serde_json::to_string(&once).unwrap();
    let hidden = once.replace("sessionToken", r"session\\u0054oken");
    for text in [&once, &twice, &hidden] {
        assert_gone(&format!(r#""responseElements":{text}"#));
        assert_gone(&format!(r#""responseElements":{{"body":{text}}}"#));
        assert_gone(&format!(r#""errorMessage":{text}"#));
        assert_gone(&format!(r#""unknown":{text}"#));
    }
    // Cut short, so no JSON any more.
    let cut = serde_json::to_string(&inner[..inner.len() - 20]).unwrap();
    assert_gone(&format!(r#""responseElements":{cut}"#));
    assert_gone(&format!(r#""errorMessage":{cut}"#));
}

#[test]
fn tokens_in_urls_are_removed() {
    for query in [
        format!("X-Amz-Security-Token={MARK}&X-Amz-Date=1"),
        format!("x-amz-security-token={MARK}"),
        format!("Action=login&SigninToken={MARK}"),
        format!("Action=login%26SigninToken%3D{}", token("IQoJb3JpZ2luX2Vj")),
        format!("X-Amz-Security-Token={}&b=1", token("IQoJb3JpZ2luX2Vj")),
        format!("t={}", token("FwoGZXIvYXdzE").replace('/', "%2F").replace('+', "%2B")),
    ] {
        let url = format!("https://example.com/?a=1&{query}");
        assert_gone(&format!(r#""requestParameters":{{"url":"{url}"}}"#));
        assert_gone(&format!(r#""additionalEventData":{{"LoginTo":"{url}"}}"#));
        assert_gone(&format!(r#""errorMessage":"cannot open {url}""#));
        assert_gone(&format!(r#""unknown":"{url}""#));
    }
}

#[test]
fn what_is_no_secret_stays() {
    for field in [
        r#""responseElements":{"nextToken":"keep-me","clientToken":"keep-me","ClientRequestToken":"keep-me"}"#.to_owned(),
        r#""requestParameters":{"serialNumber":"keep-me","tokenCode":"123456","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#.to_owned(),
        r#""requestParameters":{"sAMLAssertionID":"keep-me"}"#.to_owned(),
        r#""requestParameters":{"sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#.to_owned(),
        r#""errorMessage":"The security token included in the request is invalid""#.to_owned(),
        r#""errorMessage":"sessionToken: must not be null""#.to_owned(),
        format!(r#""requestParameters":{{"policy":"{}"}}"#, "{\\\"Version\\\":\\\"2012-10-17\\\"}"),
        format!(r#""requestParameters":{{"digest":"{}"}}"#, "0123456789abcdef".repeat(20)),
        r#""responseElements":{"sessionToken":null,"passwordReset":false}"#.to_owned(),
    ] {
        assert!(!debug_of(&field).contains("[removed]"), "{field}\n{}", debug_of(&field));
    }
}

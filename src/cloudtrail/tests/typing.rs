//! Every field's type, and what becomes of values that do not fit.

use super::*;
use proptest::prelude::*;

/// Decodes one record and looks at its event.
fn with(record: &str, look: impl FnOnce(&Event<'_>)) {
    let mut look = Some(look);
    let book = decode_object("x", record.as_bytes(), &Limits::default(), &Wanted::default(), &mut |_, event| {
        look.take().unwrap()(event)
    });
    assert_eq!((book.events, book.fault_count), (1, 0), "{book:?}");
}

/// The four fields that every record needs, and these.
fn fields(more: &str) -> String {
    format!(r#"{{"eventID":"e","eventTime":"2026-11-07T03:36:00Z","eventSource":"s","eventName":"n",{more}}}"#)
}

fn extra_of(more: &str) -> serde_json::Value {
    let mut extra = serde_json::Value::Null;
    with(&fields(more), |event| {
        if let Some(text) = &event.extra {
            extra = serde_json::from_str(text).unwrap();
        }
    });
    extra
}

#[test]
fn every_column_finds_its_field() {
    let text = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAX:dana","arn":"arn:aws:sts::123456789012:assumed-role/Hub/dana",
        "accountId":"123456789012","accessKeyId":"ASIAX","userName":"HIDDEN_DUE_TO_SECURITY_REASONS","invokedBy":"s3.amazonaws.com","identityProvider":"idp",
        "credentialId":"cred","signInSessionArn":"arn:s","onBehalfOf":{"userId":"u","identityStoreArn":"arn:store"},
        "inScopeOf":{"credentialsIssuedTo":"arn:fn","sourceArn":"arn:src","sourceAccount":"1","issuerType":"AWS::Lambda::Function"},
        "invokedByDelegate":{"accountId":"999988887777"},
        "sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAX","arn":"arn:aws:iam::123456789012:role/path/Hub","accountId":"123456789012","userName":"Hub"},
        "webIdFederationData":{"federatedProvider":"prov","attributes":{"www.amazon.com:app_id":"1"}},"attributes":{"creationDate":"20261107T030000Z","mfaAuthenticated":"true"},
        "sourceIdentity":"dana","ec2RoleDelivery":"2.0","assumedRoot":"true"}},
        "eventTime":"2026-11-07T03:36:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2",
        "errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"a":1},"responseElements":{"b":2},
        "additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-north-1"}},"requestID":"r","eventID":"e","readOnly":true,
        "resources":[{"accountId":"1","type":"AWS::IAM::Role","ARN":"arn:b"},{"arn":"arn:a"},7],"eventType":"AwsApiCall","apiVersion":"2012","managementEvent":"True",
        "recipientAccountId":"015043439996","sharedEventID":"sh","eventCategory":"Management","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"2",
        "sessionCredentialFromConsole":"true","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"C","clientProvidedHostHeader":"h"},"addendum":{"reason":"DELIVERY_DELAY"},"empty":{},"none":null,"list":[]}"#;
    with(text, |e| {
        let i = &e.identity;
        assert_eq!(e.event_time, 1_794_022_560_000_000);
        let texts = [
            (&e.shared_event_id, "sh"),
            (&e.request_id, "r"),
            (&e.event_version, "1.11"),
            (&e.event_type, "AwsApiCall"),
            (&e.event_category, "Management"),
            (&e.aws_region, "us-east-1"),
            (&e.serving_region, "eu-north-1"),
            (&e.recipient_account_id, "015043439996"),
            (&e.error_code, "AccessDenied"),
            (&e.error_message, "no"),
            (&e.source_ip_address, "198.51.100.7"),
            (&e.user_agent, "aws-cli/2"),
            (&e.vpc_endpoint_id, "vpce-1"),
            (&e.vpc_endpoint_account_id, "2"),
            (&e.request_parameters, r#"{"a":1}"#),
            (&e.response_elements, r#"{"b":2}"#),
            (&e.tls_version, "TLSv1.3"),
            (&e.tls_host, "h"),
            (&i.kind, "AssumedRole"),
            (&i.arn, "arn:aws:sts::123456789012:assumed-role/Hub/dana"),
            (&i.account_id, "123456789012"),
            (&i.principal_id, "AROAX:dana"),
            (&i.access_key_id, "ASIAX"),
            (&i.invoked_by, "s3.amazonaws.com"),
            (&i.issuer_arn, "arn:aws:iam::123456789012:role/path/Hub"),
            (&i.issuer_id, "AROAX"),
            (&i.source_identity, "dana"),
            (&i.identity_provider, "idp"),
            (&i.on_behalf_of_user_id, "u"),
            (&i.in_scope_of_arn, "arn:fn"),
            (&i.ec2_role_delivery, "2.0"),
            (&i.credential_id, "cred"),
            (&i.sign_in_session_arn, "arn:s"),
        ];
        for (text, expected) in texts {
            assert_eq!(text.as_deref(), Some(expected));
            assert!(matches!(text, Some(std::borrow::Cow::Borrowed(_))), "{expected} is copied");
        }
        assert_eq!(i.user_name, None);
        assert_eq!(i.created_at, Some(1_794_020_400_000_000));
        assert_eq!(
            (i.mfa, e.read_only, e.management_event, e.from_console),
            (Some(true), Some(true), Some(true), Some(true))
        );
        assert_eq!(e.resource_arns, ["arn:b", "arn:a"]);
        assert_eq!(e.session_name(), Some("dana"));
        let extra: serde_json::Value = serde_json::from_str(e.extra.as_deref().unwrap()).unwrap();
        assert_eq!(
            extra,
            serde_json::json!({
                "apiVersion": "2012", "addendum": {"reason": "DELIVERY_DELAY"}, "tlsDetails": {"cipherSuite": "C"},
                "userIdentity": {
                    "userName": "HIDDEN_DUE_TO_SECURITY_REASONS",
                    "invokedByDelegate": {"accountId": "999988887777"},
                    "onBehalfOf": {"identityStoreArn": "arn:store"},
                    "inScopeOf": {"sourceArn": "arn:src", "sourceAccount": "1", "issuerType": "AWS::Lambda::Function"},
                    "sessionContext": {
                        "assumedRoot": "true",
                        "webIdFederationData": {"federatedProvider": "prov", "attributes": {"www.amazon.com:app_id": "1"}},
                    },
                },
            })
        );
    });
}

#[test]
fn wrong_types_fail_no_record() {
    let text = r#"{"eventID":17,"eventTime":"2026-11-07 03:36:00.123456789","eventSource":["a"],"eventName":true,"userIdentity":"root","awsRegion":{"x":1},
        "userAgent":["a","b"],"requestParameters":"text","responseElements":3,"additionalEventData":[],"resources":{"ARN":"x"},"readOnly":"maybe","managementEvent":1,
        "tlsDetails":null,"sessionCredentialFromConsole":false,"errorCode":""}"#;
    with(text, |e| {
        assert_eq!((e.event_id.as_ref(), e.event_source.as_ref(), e.event_name.as_ref()), ("17", "[\"a\"]", "true"));
        assert_eq!(e.aws_region.as_deref(), Some(r#"{"x":1}"#));
        assert_eq!(e.user_agent.as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(e.request_parameters.as_deref(), Some("\"text\""));
        assert_eq!(e.response_elements.as_deref(), Some("3"));
        assert_eq!(e.resources.as_deref(), Some(r#"{"ARN":"x"}"#));
        assert_eq!((e.read_only, e.management_event, e.from_console), (None, None, Some(false)));
        assert_eq!(e.error_code, None);
        assert!(e.resource_arns.is_empty());
        let extra: serde_json::Value = serde_json::from_str(e.extra.as_deref().unwrap()).unwrap();
        assert_eq!(extra, serde_json::json!({"userIdentity": "root", "readOnly": "maybe", "managementEvent": 1}));
    });
}

#[test]
fn spellings_places_and_escapes_are_tolerated() {
    let text = r#"{"event\u0054ime":"2026-11-07T03:36:00+00:00","eventId":"e","eventSource":"s","eventName":"n\u00e9\n","requestId":"r","sharedEventId":"s",
        "userIdentity":{"accessKeyId":"","sessionContext":{"sessionIssuer":{},"webIdFederationData":{"federatedProvider":"p"},"signInSessionArn":"arn:s",
        "attributes":{"sourceIdentity":"me","creationDate":"soon","mfaAuthenticated":"False"}},"inScopeOf":{"sourceArn":"arn:src"}}}"#;
    with(text, |e| {
        assert_eq!((e.event_id.as_ref(), e.event_name.as_ref()), ("e", "né\n"));
        assert_eq!((e.request_id.as_deref(), e.shared_event_id.as_deref()), (Some("r"), Some("s")));
        let i = &e.identity;
        assert_eq!((i.access_key_id.as_deref(), i.source_identity.as_deref(), i.mfa), (None, Some("me"), Some(false)));
        assert_eq!((i.identity_provider.as_deref(), i.sign_in_session_arn.as_deref()), (Some("p"), Some("arn:s")));
        assert_eq!((i.in_scope_of_arn.as_deref(), i.created_at), (Some("arn:src"), None));
        assert_eq!(
            e.extra.as_deref(),
            Some(r#"{"userIdentity":{"sessionContext":{"attributes":{"creationDate":"soon"}}}}"#)
        );
    });
}

#[test]
fn the_last_of_two_equal_keys_wins() {
    let more = r#""eventName":"second","userIdentity":{"type":"A","arn":"gone","x":1,"sessionContext":{"y":1}},"userIdentity":{"type":"B","z":1},
        "w":1,"\u0077":2,"v":1,"v":null,"readOnly":true,"readOnly":null"#;
    with(&fields(more), |e| {
        assert_eq!(
            (e.event_name.as_ref(), e.identity.kind.as_deref(), e.identity.arn.as_deref()),
            ("second", Some("B"), None)
        );
        assert_eq!(e.read_only, None);
        assert_eq!(e.extra.as_deref(), Some(r#"{"\u0077":2,"userIdentity":{"z":1}}"#));
    });
    let many: Vec<String> = (0..2000).map(|i| format!("\"k{}\":{i}", i % 50)).collect();
    let extra = extra_of(&many.join(","));
    assert_eq!((extra.as_object().unwrap().len(), &extra["k49"]), (50, &serde_json::json!(1999)));
    with(&fields(r#""userIdentity":{"type":"A"},"userIdentity":null"#), |e| assert_eq!(e.identity.kind, None));
}

#[test]
fn extra_keeps_what_an_issuer_says_beyond_its_arn() {
    let issuer = |kind: &str, account: &str| {
        extra_of(&format!(
            r#""userIdentity":{{"sessionContext":{{"sessionIssuer":{{"type":"{kind}","arn":"arn:aws:iam::1:role/p/R","accountId":"{account}","userName":"R"}}}}}}"#
        ))
    };
    assert_eq!(issuer("Role", "1"), serde_json::Value::Null);
    let kept = issuer("Role", "2");
    assert_eq!(kept["userIdentity"]["sessionContext"]["sessionIssuer"]["accountId"], "2");
    assert_eq!(issuer("Root", "1")["userIdentity"]["sessionContext"]["sessionIssuer"]["type"], "Root");
}

#[test]
fn odd_escapes_leave_readable_json_behind() {
    with(&fields(r#""requestParameters":{"a":"\x41","b":"\ud800","c":"fine\n"},"odd\q":"\q""#), |e| {
        let value: serde_json::Value = serde_json::from_str(e.request_parameters.as_deref().unwrap()).unwrap();
        assert_eq!(value, serde_json::json!({"a": "\\x41", "b": "\u{fffd}", "c": "fine\n"}));
        let extra: serde_json::Value = serde_json::from_str(e.extra.as_deref().unwrap()).unwrap();
        assert_eq!(extra["odd\\q"], "\\q");
    });
}

/// Any JSON value.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(|n| serde_json::json!(n)),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            proptest::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn raw_slices_parse_to_what_was_written(value in json(), pretty in any::<bool>()) {
        let record = serde_json::json!({
            "eventID": "e", "eventTime": "2026-11-07T03:36:00Z", "eventSource": "s", "eventName": "n",
            "requestParameters": value, "unknown": value, "userIdentity": {"unknown": value},
        });
        let text = if pretty { serde_json::to_string_pretty(&record) } else { serde_json::to_string(&record) }.unwrap();
        // Through serde_json once more, because it reads some long floats a bit off.
        let value: serde_json::Value = serde_json::from_str(&value.to_string()).unwrap();
        with(&text, |event| {
            let parameters = event.request_parameters.as_deref().map_or(serde_json::Value::Null, |t| serde_json::from_str(t).unwrap());
            assert_eq!(parameters, value);
            let bare = value.is_null() || value == serde_json::json!({}) || value == serde_json::json!([]);
            let extra = event.extra.as_deref().map_or(serde_json::Value::Null, |t| serde_json::from_str(t).unwrap());
            let expected = if bare { serde_json::Value::Null } else { value.clone() };
            assert_eq!(&extra["unknown"], &expected);
            assert_eq!(&extra["userIdentity"]["unknown"], &expected);
        });
    }

    #[test]
    fn the_scanner_and_serde_agree_on_what_is_json(text in "[\\[\\]{}\",:a0-2eE+.\\\\tn -]{0,12}") {
        let bytes = format!("[{text}]");
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&bytes).is_ok();
        let ours = super::super::scan::value(bytes.as_bytes(), 0, &mut 0) == Ok(bytes.len());
        // Bad escapes are the one thing that the scanner lets pass.
        prop_assert!(ours == theirs || ours && text.contains('\\'), "{} {} {}", bytes, ours, theirs);
    }
}

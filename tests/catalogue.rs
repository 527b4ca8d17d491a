//! The question catalogue: which columns each question's answer has, under the names that scripts rely on.

#![allow(clippy::unwrap_used)]

use rolecall::source::{Filters, S3Options, Source};
use rolecall::sql::library::Library;
use rolecall::sql::session::Engine;

/// Id and columns. Further columns are free.
const CATALOGUE: [(&str, &str); 72] = [
    ("A1", "session_name caller sessions first last ips"),
    ("A2", "account role access_key first last events"),
    ("A3", "role session_name class sessions callers"),
    ("A4", "session_name callers roles sessions"),
    ("A5", "caller role distinct_names examples"),
    ("A6", "caller session_name expected role count"),
    ("A7", "pattern role caller sessions"),
    ("A8", "name look_alike_of role caller first"),
    ("A9", "session_name caller ip time"),
    ("A10", "ip asn country phase events first last"),
    ("A11", "identity account key events apis first last"),
    ("A12", "session issue_ip use_ips gap uas"),
    ("A13", "session networks overlap_seconds"),
    ("A14", "role session ip first_public"),
    ("A15", "vpce owner identity api count"),
    ("A16", "identity asn tag events"),
    ("A17", "ip principals roles days"),
    ("A18", "ext_account label role sessions first last ext_id_used"),
    ("A19", "from to roles sessions callers"),
    ("A20", "step time from to key ip mfa source_identity join_method"),
    ("A21", "root path depth accounts span"),
    ("A22", "root cycle times first last"),
    ("A23", "role account min_hops last_seen"),
    ("A24", "root hops sessions last"),
    ("A25", "ext_account principal_id role count"),
    ("A26", "caller role first_seen count"),
    ("A27", "caller role last_seen usual_rate"),
    ("A28", "role p50_requested p95_requested p50_granted p95_granted max"),
    ("A29", "caller role hours count"),
    ("A30", "role median_use_ratio unused_share"),
    ("A31", "session caller role expires last_use"),
    ("A32", "session expiry late_seconds code"),
    ("A33", "caller role period_median mad n"),
    ("A34", "caller role start end hours sessions"),
    ("A35", "provider issuer subject role count"),
    ("A36", "assertion times ips roles"),
    ("A37", "provider subject audience role first last"),
    ("A38", "provider method count"),
    ("A39", "user account role sessions uas"),
    ("A40", "ip token_time nearest_signin user"),
    ("A41", "pool identity role count ips"),
    ("A42", "anchor cert_subject serial role ips"),
    ("A43", "identity method ip ua followed_by_console_login"),
    ("A44", "caller target denials later_success ips"),
    ("A45", "caller distinct_roles accounts window successes"),
    ("A46", "reason caller role count"),
    ("A47", "code identity ip count"),
    ("A48", "caller role code requested"),
    ("A49", "caller per_min_peak ua"),
    ("A50", "region caller count"),
    ("A51", "caller role failures success_time ip"),
    ("A52", "account vendor role count"),
    ("A53", "ext_id_hash roles accounts entropy_class"),
    ("A54", "caller role count ips"),
    ("A55", "caller role with without policy_hash"),
    ("A56", "caller role key value transitive"),
    ("A57", "role pct_set callers_missing"),
    ("A58", "time account role api resource"),
    ("A59", "caller ua_family global regional"),
    ("A60", "role region first events"),
    ("A61", "caller tls host count"),
    ("A62", "instance role ips v1_events v2_events"),
    ("A63", "role key inside outside ips uas"),
    ("A64", "service role first count"),
    ("A65", "role service_callers human_callers"),
    ("A66", "role caller_session explicit count"),
    ("A67", "role revoked_at by pre_sessions post_events post_success post_denied new_sessions_within_1h"),
    ("A68", "role edited_by at first_new_caller delay"),
    ("A69", "role account created last_assumed"),
    ("A70", "role callers sessions accounts"),
    ("A71", "user key assumes other"),
    ("A72", "account region hour files events lag_p95 readonly_share"),
];

/// The order by which a question's last ORDER BY sorts is not checked here: the golden answers are asked of two engines that
/// hand rows over in different orders.
#[tokio::test]
async fn answers_have_the_catalogues_columns() {
    let source = Source::open("sample-logs/AWSLogs/040000000008", &S3Options::default()).await.unwrap();
    let engine = Engine::open_logs(vec![source], &Filters::default()).await.unwrap();
    let library = Library::builtin().unwrap();
    for (id, columns) in CATALOGUE {
        let query = library.list().find(|query| query.id.as_deref() == Some(id)).unwrap();
        let given: Vec<_> = query
            .params
            .iter()
            .filter(|param| param.default == rolecall::sql::parameter::Default::Required)
            .map(|param| (param.name.clone(), "x".to_owned()))
            .collect();
        let frame = engine.plan(&query.sql, query.bind(&given).unwrap()).await.unwrap();
        let names: Vec<_> = frame.schema().fields().iter().map(|field| field.name().as_str()).collect();
        let missing: Vec<_> = columns.split(' ').filter(|column| !names.contains(column)).collect();
        assert!(missing.is_empty(), "{id} {}: no column {}", query.name, missing.join(", "));
    }
}

/// People come first: what AWS services do for themselves is shown where it is asked for.
#[test]
fn services_stand_behind_an_option() {
    let library = Library::builtin().unwrap();
    for query in library.list() {
        if let Some(param) = query.params.iter().find(|param| param.name == "include_services") {
            assert_eq!(param.default, rolecall::sql::parameter::Default::Text("false".to_owned()), "{}", query.name);
        }
    }
}

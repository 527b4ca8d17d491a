//! Every function that a statement can call, with what it does: rolecall's own and DataFusion's.

use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

/// A function as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, in small letters.
    pub name: String,
    /// How it is called: `ip_in(text, cidr)`.
    pub call: String,
    /// What it gives, in one line; empty where nobody says.
    pub meaning: String,
    /// Whether rolecall adds it to DataFusion's.
    pub own: bool,
}

/// Call and meaning of the functions that DataFusion does not bring.
const OWN: [(&str, &str); 29] = [
    ("access_key_account(id)", "The account that an access key or unique id belongs to; null for ids of the old form."),
    ("arn_account(arn)", "The account in an ARN."),
    ("arn_name(arn)", "The name in an ARN: of a role without its path, of an assumed role without the session name."),
    (
        "arn_short(arn)",
        "account/name; for a role session account/role/session name, for a federated caller the subject.",
    ),
    (
        "aws_range_region(ip)",
        "The region of AWS's published range around an address; needs aws_ranges in [enrichment].",
    ),
    (
        "aws_range_service(ip)",
        "The service of AWS's published range around an address; needs aws_ranges in [enrichment].",
    ),
    ("geo_asn(ip)", "The number of an address's autonomous system; needs asn in [enrichment]."),
    ("geo_country(ip)", "The two letters of an address's country; needs country or city in [enrichment]."),
    ("geo_distance_km(ip, ip)", "Kilometres between the places of two addresses; needs city in [enrichment]."),
    ("geo_org(ip)", "Who runs an address's network; needs asn or organization in [enrichment]."),
    ("ip_in(text, cidr)", "Whether an address lies in a network; null where the text is no address."),
    ("ip_kind(text)", "What a source address is: public, private, cgnat, aws_internal, service_host, absent, other."),
    ("ip_neighbourhood(text)", "The address's /24, or its /48 of IPv6."),
    ("json_as_text(json, key...)", "What stands there as text: a text without its quotes, everything else as JSON."),
    ("json_contains(json, key...)", "Whether something stands there; the operator ? is the same."),
    ("json_get(json, key...)", "What stands there, whatever its type; the operator -> is the same."),
    ("json_get_array(json, key...)", "The list that stands there."),
    ("json_get_bool(json, key...)", "The truth value that stands there."),
    ("json_get_float(json, key...)", "The number that stands there."),
    ("json_get_int(json, key...)", "The whole number that stands there."),
    ("json_get_json(json, key...)", "What stands there, as JSON."),
    ("json_get_str(json, key...)", "The text that stands there; null where it is none."),
    ("json_length(json, key...)", "How many elements or members stand there."),
    ("json_object_keys(json, key...)", "The names of the members that stand there."),
    ("session_name_class(name)", "Who probably stands behind such a name: human, ci, workload, service, unknown."),
    ("session_name_kind(name)", "What a role session name looks like."),
    ("session_name_origin(name)", "What usually makes such names; null where the form tells nothing."),
    ("session_name_pattern(name)", "The name with a placeholder for what changes from session to session."),
    ("text_hash(text)", "The first 16 hex digits of the SHA-256: tells equal texts without showing them."),
];

fn name(call: &str) -> &str {
    call.split('(').next().unwrap_or(call)
}

/// The functions of a session, by name.
pub fn known(context: &SessionContext) -> Vec<Function> {
    let state = context.state();
    let scalars = state.scalar_functions().iter().map(|(name, f)| (name.clone(), f.documentation().cloned()));
    let aggregates = state.aggregate_functions().iter().map(|(name, f)| (name.clone(), f.documentation().cloned()));
    let windows = state.window_functions().iter().map(|(name, f)| (name.clone(), f.documentation().cloned()));
    let mut all: Vec<Function> =
        scalars.chain(aggregates).chain(windows).map(|(name, doc)| function(name, doc.as_ref())).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.dedup_by(|a, b| a.name == b.name);
    all
}

fn function(known_as: String, doc: Option<&Documentation>) -> Function {
    if let Some((call, meaning)) = OWN.iter().find(|(call, _)| name(call) == known_as) {
        return Function { name: known_as, call: (*call).to_owned(), meaning: (*meaning).to_owned(), own: true };
    }
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let call = doc.map_or_else(|| format!("{known_as}(...)"), |doc| line(&doc.syntax_example));
    let meaning = doc.map_or_else(String::new, |doc| line(&doc.description));
    Function { name: known_as, call, meaning, own: false }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_function_of_ours_is_explained_and_there() {
        let plain: Vec<_> = known(&SessionContext::new()).into_iter().map(|function| function.name).collect();
        let context = SessionContext::new();
        super::super::functions::register(&context).unwrap();
        super::super::enrich::register(&context, &Arc::default());
        let all = known(&context);
        // The JSON library brings helpers that the contract does not name.
        let added = all.iter().filter(|f| !plain.contains(&f.name) && (f.own || !f.name.contains("json")));
        let added: Vec<_> = added.map(|function| function.name.as_str()).collect();
        let explained: Vec<_> = OWN.iter().map(|(call, _)| super::name(call)).collect();
        assert_eq!(added, explained);
        assert!(all.iter().any(|function| function.name == "count" && !function.own && !function.meaning.is_empty()));
    }
}

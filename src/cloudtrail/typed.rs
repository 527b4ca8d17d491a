//! From a record's spans to an `Event`: every field's type, and `extra` for what has no column.
//!
//! A wrong type never fails a record: text columns take any value as its JSON text, and what a typed column cannot hold goes to
//! `extra`. Only the four fields without which a record is no event are required.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::book::Reason;
use super::event::{Event, Identity, Text};
use super::extra;
use super::fields::Field;
use super::record::{Kind, Slots, Span};
use super::scan;
use super::text::unescape;
use super::wanted::{Part, Parts};
use super::{redact, time};

/// What ends the names that stand before a token in a URL or a text.
static NAMED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"oken="));

/// A record with its spans.
#[derive(Clone, Copy)]
pub(super) struct Record<'a, 's> {
    pub text: &'a str,
    pub slots: &'s Slots,
    /// Whether a short secret may stand in any text of it.
    pub suspect: bool,
}

impl<'a, 's> Record<'a, 's> {
    pub(super) fn new(text: &'a str, slots: &'s Slots) -> Self {
        // Long tokens are seen by their length; a short one is known only by the name before it, as in a signed URL.
        let suspect = NAMED.find(text.as_bytes()).is_some();
        Record { text, slots, suspect }
    }

    /// The field as text: a string unescaped, anything else as its JSON text; empty is none.
    #[inline]
    pub(super) fn text(&self, field: Field) -> Text<'a> {
        self.span_text(self.slots.get(field))
    }

    #[inline]
    fn span_text(&self, span: Span) -> Text<'a> {
        let raw = span.text(self.text);
        match span.kind {
            Kind::Nothing => None,
            Kind::Literal => Some(Cow::Borrowed(raw)),
            Kind::Nested => Some(self.json_text(span)),
            Kind::String if raw.is_empty() => None,
            Kind::String => Some(self.string(raw, span.flags)),
        }
    }

    /// A string's text without secrets.
    #[inline]
    fn string<'t>(&self, raw: &'t str, flags: u8) -> Cow<'t, str> {
        let plain = flags == 0 && !self.suspect && !redact::long_run(raw.as_bytes());
        if plain { Cow::Borrowed(raw) } else { redact::text(unescape(raw).0) }
    }

    /// The field as JSON text, secrets removed.
    fn json(&self, field: Field) -> Text<'a> {
        let span = self.slots.get(field);
        (span.kind != Kind::Nothing).then(|| self.json_text(span))
    }

    fn json_text(&self, span: Span) -> Cow<'a, str> {
        let raw = span.raw(self.text);
        let long = || span.kind == Kind::String && redact::long_run(raw.as_bytes());
        if span.flags != 0 || self.suspect || long() { redact::json(raw) } else { Cow::Borrowed(raw) }
    }

    /// The field as a boolean; the texts "true" and "false" in any case count.
    pub(super) fn boolean(&self, field: Field) -> Option<bool> {
        let text = self.slots.get(field).text(self.text);
        match text {
            "true" => Some(true),
            "false" => Some(false),
            _ if text.eq_ignore_ascii_case("true") => Some(true),
            _ if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The field as a time in microseconds.
    pub(super) fn time(&self, field: Field) -> Option<i64> {
        let span = self.slots.get(field);
        match span.kind {
            Kind::String if span.flags == 0 => time::micros(span.text(self.text)),
            Kind::String => time::micros(&unescape(span.text(self.text)).0),
            _ => None,
        }
    }

    /// The event, or why it is none.
    pub(super) fn event(&self, parts: Parts) -> Result<Event<'a>, (Reason, String)> {
        use Field::*;
        let missing = |reason: Reason, name: &str| {
            let length = self.text.len();
            (reason, format!("the record of {length} bytes has no {name}, or an empty one"))
        };
        let id = self.text(EventId).or_else(|| self.text(LowEventId));
        let event_id = id.ok_or_else(|| missing(Reason::MissingEventId, "eventID"))?;
        let event_time = self.time(EventTime).ok_or_else(|| match self.slots.get(EventTime) {
            Span { kind: Kind::Nothing, .. } => missing(Reason::MissingEventTime, "eventTime"),
            span => {
                let kind = match span.kind {
                    Kind::String => "a text",
                    Kind::Literal => "a number or boolean",
                    _ => "an object or array",
                };
                let length = span.text(self.text).len();
                (Reason::UnreadableEventTime, format!("eventTime is {kind} of {length} bytes that is no ISO 8601 time"))
            }
        })?;
        let event_source = self.text(EventSource).ok_or_else(|| missing(Reason::MissingEventSource, "eventSource"))?;
        let event_name = self.text(EventName).ok_or_else(|| missing(Reason::MissingEventName, "eventName"))?;
        let recipient_account_id = self.text(RecipientAccountId);
        // Without a recipient the caller's account takes its place.
        let identity = parts.has(Part::Identity) || recipient_account_id.is_none();
        let text = |part: Part, field: Field| if parts.has(part) { self.text(field) } else { None };
        let json = |part: Part, field: Field| if parts.has(part) { self.json(field) } else { None };
        Ok(Event {
            event_time,
            event_id,
            shared_event_id: text(Part::Labels, SharedEventId).or_else(|| text(Part::Labels, LowSharedEventId)),
            request_id: text(Part::Labels, RequestId).or_else(|| text(Part::Labels, LowRequestId)),
            event_version: text(Part::Labels, EventVersion),
            event_type: text(Part::Labels, EventType),
            event_category: text(Part::Labels, EventCategory),
            event_source,
            event_name,
            aws_region: self.text(AwsRegion),
            serving_region: if parts.has(Part::ServingRegion) { self.serving_region() } else { None },
            recipient_account_id,
            read_only: self.boolean(ReadOnly),
            management_event: self.boolean(ManagementEvent),
            error_code: text(Part::Error, ErrorCode),
            error_message: text(Part::Error, ErrorMessage),
            source_ip_address: text(Part::Client, SourceIp),
            user_agent: text(Part::Client, UserAgent),
            vpc_endpoint_id: text(Part::Client, VpcEndpointId),
            vpc_endpoint_account_id: text(Part::Client, VpcEndpointAccountId),
            identity: if identity { self.identity() } else { Identity::default() },
            from_console: self.boolean(FromConsole),
            resource_arns: if parts.has(Part::ResourceArns) { self.resource_arns() } else { Vec::new() },
            request_parameters: json(Part::Request, RequestParameters),
            response_elements: json(Part::Response, ResponseElements),
            additional_event_data: json(Part::AdditionalData, AdditionalEventData),
            resources: json(Part::Resources, Resources),
            tls_version: text(Part::Client, TlsVersion),
            tls_host: text(Part::Client, TlsHost),
            extra: if parts.has(Part::Extra) { extra::extra(self) } else { None },
        })
    }

    fn identity(&self) -> Identity<'a> {
        use Field::*;
        Identity {
            kind: self.text(Type),
            arn: self.text(Arn),
            account_id: self.text(AccountId),
            principal_id: self.text(PrincipalId),
            user_name: self.text(UserName).filter(|name| name != redact::HIDDEN),
            access_key_id: self.text(AccessKeyId),
            invoked_by: self.text(InvokedBy),
            issuer_arn: self.text(IssuerArn),
            issuer_id: self.text(IssuerPrincipalId),
            created_at: self.time(CreationDate),
            mfa: self.boolean(Mfa),
            source_identity: self.text(SourceIdentity).or_else(|| self.text(AttributesSourceIdentity)),
            identity_provider: self.text(IdentityProvider).or_else(|| self.text(FederatedProvider)),
            on_behalf_of_user_id: self.text(OnBehalfOfUserId),
            in_scope_of_arn: self.text(IssuedTo).or_else(|| self.text(ScopeSourceArn)),
            ec2_role_delivery: self.text(Ec2RoleDelivery),
            credential_id: self.text(CredentialId),
            sign_in_session_arn: self.text(SignInSessionArn).or_else(|| self.text(ContextSignInSessionArn)),
        }
    }

    /// additionalEventData.RequestDetails.awsServingRegion.
    fn serving_region(&self) -> Text<'a> {
        let data = self.slots.get(Field::AdditionalEventData);
        if data.kind != Kind::Nested {
            return None;
        }
        let raw = data.text(self.text);
        memchr::memmem::find(raw.as_bytes(), b"RequestDetails")?;
        let details = member(raw, "RequestDetails")?;
        let details = details.text(raw);
        let region = member(details, "awsServingRegion")?;
        (region.kind == Kind::String && region.start < region.end).then(|| unescape(region.text(details)).0)
    }

    /// The ARNs of resources[]; odd shapes have none.
    fn resource_arns(&self) -> Vec<Cow<'a, str>> {
        let span = self.slots.get(Field::Resources);
        let raw = span.text(self.text);
        let mut arns = Vec::new();
        if span.kind != Kind::Nested || !raw.starts_with('[') {
            return arns;
        }
        let b = raw.as_bytes();
        // The scanner has passed this text: it cannot stop again.
        let _ = scan::elements(b, 0, |at| {
            if b[at] != b'{' {
                return scan::value(b, at, &mut 0);
            }
            scan::members(b, at, |key, at| {
                let (value, end) = super::record::span(b, at)?;
                let arn = matches!(&b[key.start..key.end], b"ARN" | b"arn") && value.kind == Kind::String;
                if arn && value.start < value.end {
                    arns.push(self.string(value.text(raw), value.flags));
                }
                Ok(end)
            })
        });
        arns
    }
}

/// The last member of that name of an object that the scanner has passed.
fn member(raw: &str, name: &str) -> Option<Span> {
    let b = raw.as_bytes();
    if b.first() != Some(&b'{') {
        return None;
    }
    let mut found = None;
    scan::members(b, 0, |key, at| {
        let (value, end) = super::record::span(b, at)?;
        if &b[key.start..key.end] == name.as_bytes() {
            found = Some(value);
        }
        Ok(end)
    })
    .ok()?;
    found
}

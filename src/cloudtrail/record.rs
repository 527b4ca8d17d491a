//! One pass over a record's bytes: where every field stands. Nothing is built here; `typed` does that afterwards.
//!
//! Duplicate keys: the last wins. Keys may be written with escapes.

use super::scan::{self, Key, Scan, Stop};
use super::text::unescape;

/// How a field's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// The field is absent or null.
    #[default]
    Nothing,
    /// A string; the span leaves the quotes out.
    String,
    /// A number or boolean.
    Literal,
    /// An object or array.
    Nested,
}

/// Where a value stands in its record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
    pub kind: Kind,
    pub flags: u8,
}

impl Span {
    pub(super) fn new(start: usize, end: usize, kind: Kind, flags: u8) -> Span {
        // The walk hands over no record of 4 GiB.
        Span { start: start as u32, end: end as u32, kind, flags }
    }

    /// The value's bytes, a string's without quotes.
    #[inline]
    pub(super) fn text(self, record: &str) -> &str {
        record.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The value as JSON, a string's quotes included.
    #[inline]
    pub(super) fn raw(self, record: &str) -> &str {
        let quote = usize::from(self.kind == Kind::String);
        record.get(self.start as usize - quote..self.end as usize + quote).unwrap_or_default()
    }
}

macro_rules! fields {
    ($($name:ident)*) => {
        /// The fields that get a span of their own; those of one object and of the objects in it stand together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub(super) enum Field { $($name),* }

        const FIELDS: usize = [$(Field::$name),*].len();
    };
}

// `Low...` are the spellings `eventId`, `requestId`, `sharedEventId` of exports; `Context...` and `Attributes...` are tolerated
// places of fields that belong one level up.
fields! {
    EventVersion EventTime EventSource EventName AwsRegion SourceIp UserAgent ErrorCode ErrorMessage RequestParameters
    ResponseElements AdditionalEventData RequestId EventId ReadOnly Resources EventType ManagementEvent
    RecipientAccountId SharedEventId EventCategory VpcEndpointId VpcEndpointAccountId FromConsole
    LowEventId LowRequestId LowSharedEventId
    Detail DetailType CloudTrailEvent Digest NotificationSource
    Type PrincipalId Arn AccountId AccessKeyId UserName InvokedBy IdentityProvider CredentialId SignInSessionArn
    OnBehalfOfUserId
    IssuedTo ScopeSourceArn
    SourceIdentity Ec2RoleDelivery ContextSignInSessionArn
    IssuerType IssuerPrincipalId IssuerArn IssuerAccountId IssuerUserName
    CreationDate Mfa AttributesSourceIdentity
    FederatedProvider
    TlsVersion TlsHost
}

/// The object that a field stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Within {
    Record,
    Identity,
    Context,
    Issuer,
    Attributes,
    WebIdentity,
    OnBehalfOf,
    InScopeOf,
    Tls,
}

impl Within {
    /// The last object inside this one, in the order of the variants.
    pub(super) fn last(self) -> Within {
        match self {
            Within::Record => Within::Tls,
            Within::Identity => Within::InScopeOf,
            Within::Context => Within::WebIdentity,
            leaf => leaf,
        }
    }

    /// The first and the last field in this object and the objects in it.
    fn fields(self) -> (Field, Field) {
        match self {
            Within::Record => (Field::EventVersion, Field::TlsHost),
            Within::Identity => (Field::Type, Field::FederatedProvider),
            Within::Context => (Field::SourceIdentity, Field::FederatedProvider),
            Within::Issuer => (Field::IssuerType, Field::IssuerUserName),
            Within::Attributes => (Field::CreationDate, Field::AttributesSourceIdentity),
            Within::WebIdentity => (Field::FederatedProvider, Field::FederatedProvider),
            Within::OnBehalfOf => (Field::OnBehalfOfUserId, Field::OnBehalfOfUserId),
            Within::InScopeOf => (Field::IssuedTo, Field::ScopeSourceArn),
            Within::Tls => (Field::TlsVersion, Field::TlsHost),
        }
    }
}

/// What becomes of a member.
enum Target {
    /// It has a span of its own.
    Field(Field),
    /// It has one that only tells what kind of record this is; as an event's field it is unknown.
    Mark(Field),
    /// It is an object whose members are looked at.
    Inside(Within),
    /// It has no column.
    Other,
}

/// What becomes of the member `name` of the object `within`.
#[inline]
fn target(within: Within, name: &[u8]) -> Target {
    use Field::*;
    use Target::{Field as To, Inside, Mark, Other};
    match within {
        Within::Record => match name {
            b"eventVersion" => To(EventVersion),
            b"userIdentity" => Inside(Within::Identity),
            b"eventTime" => To(EventTime),
            b"eventSource" => To(EventSource),
            b"eventName" => To(EventName),
            b"awsRegion" => To(AwsRegion),
            b"sourceIPAddress" => To(SourceIp),
            b"userAgent" => To(UserAgent),
            b"errorCode" => To(ErrorCode),
            b"errorMessage" => To(ErrorMessage),
            b"requestParameters" => To(RequestParameters),
            b"responseElements" => To(ResponseElements),
            b"additionalEventData" => To(AdditionalEventData),
            b"requestID" => To(RequestId),
            b"eventID" => To(EventId),
            b"readOnly" => To(ReadOnly),
            b"resources" => To(Resources),
            b"eventType" => To(EventType),
            b"managementEvent" => To(ManagementEvent),
            b"recipientAccountId" => To(RecipientAccountId),
            b"sharedEventID" => To(SharedEventId),
            b"eventCategory" => To(EventCategory),
            b"vpcEndpointId" => To(VpcEndpointId),
            b"vpcEndpointAccountId" => To(VpcEndpointAccountId),
            b"sessionCredentialFromConsole" => To(FromConsole),
            b"tlsDetails" => Inside(Within::Tls),
            b"eventId" => To(LowEventId),
            b"requestId" => To(LowRequestId),
            b"sharedEventId" => To(LowSharedEventId),
            b"detail" => Mark(Detail),
            b"detail-type" => Mark(DetailType),
            b"CloudTrailEvent" => Mark(CloudTrailEvent),
            b"digestS3Object" => Mark(Digest),
            b"EventSource" => Mark(NotificationSource),
            _ => Other,
        },
        Within::Identity => match name {
            b"type" => To(Type),
            b"principalId" => To(PrincipalId),
            b"arn" => To(Arn),
            b"accountId" => To(AccountId),
            b"accessKeyId" => To(AccessKeyId),
            b"userName" => To(UserName),
            b"sessionContext" => Inside(Within::Context),
            b"invokedBy" => To(InvokedBy),
            b"identityProvider" => To(IdentityProvider),
            b"credentialId" => To(CredentialId),
            b"signInSessionArn" => To(SignInSessionArn),
            b"onBehalfOf" => Inside(Within::OnBehalfOf),
            b"inScopeOf" => Inside(Within::InScopeOf),
            _ => Other,
        },
        Within::Context => match name {
            b"sessionIssuer" => Inside(Within::Issuer),
            b"attributes" => Inside(Within::Attributes),
            b"webIdFederationData" => Inside(Within::WebIdentity),
            b"sourceIdentity" => To(SourceIdentity),
            b"ec2RoleDelivery" => To(Ec2RoleDelivery),
            b"signInSessionArn" => To(ContextSignInSessionArn),
            _ => Other,
        },
        Within::Issuer => match name {
            b"type" => To(IssuerType),
            b"principalId" => To(IssuerPrincipalId),
            b"arn" => To(IssuerArn),
            b"accountId" => To(IssuerAccountId),
            b"userName" => To(IssuerUserName),
            _ => Other,
        },
        Within::Attributes => match name {
            b"creationDate" => To(CreationDate),
            b"mfaAuthenticated" => To(Mfa),
            b"sourceIdentity" => To(AttributesSourceIdentity),
            _ => Other,
        },
        Within::WebIdentity => match name {
            b"federatedProvider" => To(FederatedProvider),
            _ => Other,
        },
        Within::OnBehalfOf => match name {
            b"userId" => To(OnBehalfOfUserId),
            _ => Other,
        },
        Within::InScopeOf => match name {
            b"credentialsIssuedTo" => To(IssuedTo),
            b"sourceArn" => To(ScopeSourceArn),
            _ => Other,
        },
        Within::Tls => match name {
            b"tlsVersion" => To(TlsVersion),
            b"clientProvidedHostHeader" => To(TlsHost),
            _ => Other,
        },
    }
}

/// A field without a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other {
    pub within: Within,
    pub key: Span,
    pub value: Span,
}

/// What a scanned object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// An object that ends before this place.
    Object(usize),
    /// An envelope: an array of records begins at this place.
    Envelope(usize),
}

/// Where everything in one record stands. Kept and cleared from record to record.
#[derive(Debug)]
pub(super) struct Slots {
    spans: [Span; FIELDS],
    seen: u16,
    /// Fields without a column, in the record's order.
    pub others: Vec<Other>,
}

impl Default for Slots {
    fn default() -> Self {
        Slots { spans: [Span::default(); FIELDS], seen: 0, others: Vec::new() }
    }
}

impl Slots {
    /// The field's span.
    #[inline]
    pub(super) fn get(&self, field: Field) -> Span {
        self.spans[field as usize]
    }

    /// Whether the field is there and not null.
    #[inline]
    pub(super) fn has(&self, field: Field) -> bool {
        self.get(field).kind != Kind::Nothing
    }

    /// Whether the record has a userIdentity that is an object.
    pub(super) fn has_identity(&self) -> bool {
        self.seen & 1 << Within::Identity as u16 != 0
    }

    /// Scans the object that `b` begins with. With `top`, an array under `Records` or `Events` ends the scan there.
    pub(super) fn scan(&mut self, b: &[u8], top: bool) -> Scan<Found> {
        self.spans = [Span::default(); FIELDS];
        self.seen = 0;
        self.others.clear();
        let mut envelope = None;
        let end = self.object(b, 0, Within::Record, &mut |name, at| {
            let opens = top && matches!(name, b"Records" | b"Events") && b[at] == b'[';
            if opens {
                envelope = Some(at);
            }
            opens
        });
        match envelope {
            Some(at) => Ok(Found::Envelope(at)),
            None => end.map(Found::Object),
        }
    }

    /// Scans one object; calls itself for the objects of `Within` only, so four levels deep at most.
    fn object(
        &mut self,
        b: &[u8],
        at: usize,
        within: Within,
        opens: &mut dyn FnMut(&[u8], usize) -> bool,
    ) -> Scan<usize> {
        scan::members(b, at, |key, at| {
            if key.flags == 0 {
                return self.member(b, within, key, &b[key.start..key.end], at, opens);
            }
            let written = String::from_utf8_lossy(&b[key.start..key.end]);
            self.member(b, within, key, unescape(&written).0.as_bytes(), at, opens)
        })
    }

    #[inline]
    fn member(
        &mut self,
        b: &[u8],
        within: Within,
        key: Key,
        name: &[u8],
        at: usize,
        opens: &mut dyn FnMut(&[u8], usize) -> bool,
    ) -> Scan<usize> {
        let target = target(within, name);
        if let Target::Inside(inner) = target {
            self.enter(inner);
            if b[at] == b'{' {
                return self.object(b, at, inner, opens);
            }
        }
        if let (Target::Other, Within::Record) = (&target, within)
            && opens(name, at)
        {
            return Err(Stop::More);
        }
        let (value, end) = span(b, at)?;
        match target {
            Target::Field(field) => self.spans[field as usize] = value,
            Target::Mark(field) => {
                self.spans[field as usize] = value;
                self.other(b, within, key, value);
            }
            Target::Inside(_) | Target::Other => self.other(b, within, key, value),
        }
        Ok(end)
    }

    /// Forgets an earlier copy of the same object.
    #[inline]
    fn enter(&mut self, inner: Within) {
        let bit = 1 << inner as u16;
        if self.seen & bit != 0 {
            let (first, last) = inner.fields();
            self.spans[first as usize..=last as usize].fill(Span::default());
            self.others.retain(|o| o.within < inner || o.within > inner.last());
        }
        self.seen |= bit;
    }

    #[inline]
    fn other(&mut self, b: &[u8], within: Within, key: Key, value: Span) {
        let mut flags = key.flags;
        if super::redact::secret_key(&b[key.start..key.end]) {
            flags |= scan::SUSPECT;
        }
        let key = Span::new(key.start, key.end, Kind::String, flags);
        self.others.push(Other { within, key, value });
    }
}

/// The span of the value at `at`, and its end.
#[inline]
pub(super) fn span(b: &[u8], at: usize) -> Scan<(Span, usize)> {
    let mut flags = 0;
    Ok(match b.get(at) {
        Some(b'"') => {
            let (end, flags) = scan::string(b, at + 1)?;
            (Span::new(at + 1, end, Kind::String, flags), end + 1)
        }
        Some(b'{' | b'[') => {
            let end = scan::value(b, at, &mut flags)?;
            (Span::new(at, end, Kind::Nested, flags), end)
        }
        first => {
            let end = scan::value(b, at, &mut flags)?;
            let kind = if first == Some(&b'n') { Kind::Nothing } else { Kind::Literal };
            (Span::new(at, end, kind, 0), end)
        }
    })
}

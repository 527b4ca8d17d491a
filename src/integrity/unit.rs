//! Verifies what belongs together: the digest chains of one account and region, and the log files there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use super::HOUR;
use super::chain::{Content, Examined, Judged, Links, Trust, judge};
use super::digest::{Metadata, micros};
use super::logs::{Lister, Said, Whereabouts, take_in};
use super::name::{Chain, DigestName};
use super::run::Run;
use super::shelf::{Item, SIDECAR, Unit};
use super::verdict::{Kind, Row, Verdict, Why};
use crate::error::Result;

impl Run<'_> {
    /// Verifies a unit.
    ///
    /// # Errors
    /// A row cannot be taken. Objects that cannot be read are verdicts.
    pub async fn unit(&mut self, unit: Unit) -> Result<()> {
        let Unit { account, region, digests, sidecars, logs } = unit;
        let sidecars: HashMap<&str, &Item> =
            sidecars.iter().filter_map(|item| Some((item.path.strip_suffix(SIDECAR)?, item))).collect();
        let mut chains: BTreeMap<Chain, Vec<(DigestName, Item)>> = BTreeMap::new();
        for (name, item) in digests {
            if self.window.wants_digest(name.end) {
                chains.entry(name.chain.clone()).or_default().push((name, item));
            }
        }
        let mut said = Said::default();
        for (chain, mut digests) in chains {
            digests.sort_by(|(a, x), (b, y)| b.end.cmp(&a.end).then_with(|| x.path.cmp(&y.path)));
            self.chain(&chain, digests, &sidecars, &mut said).await?;
        }
        let matched = self.listed_logs(&account, &region, &logs, &said).await?;
        self.unlisted_logs(&account, &region, &logs, &matched, &said).await
    }

    /// Judges one chain's digests, the newest first, and adds what they say.
    async fn chain(
        &mut self,
        chain: &Chain,
        digests: Vec<(DigestName, Item)>,
        sidecars: &HashMap<&str, &Item>,
        said: &mut Said,
    ) -> Result<()> {
        let mut examined = Vec::with_capacity(digests.len());
        let reader = self.reader.clone();
        let reader = &reader;
        let mut contents = stream::iter(&digests)
            .map(|(_, item)| async move {
                if item.archived { Ok(Content::Unread(Why::Archived)) } else { reader.digest(item).await }
            })
            .buffered(reader.at_once);
        let mut failures = Vec::new();
        while let Some(content) = contents.next().await {
            let Some((name, item)) = digests.get(examined.len()) else { break };
            let content = content.unwrap_or_else(|error| {
                failures.push(format!("{}: {error}", item.object.uri));
                Content::Unread(Why::Unreadable)
            });
            let in_place = match &content {
                Content::Whole(digest, _) => {
                    let names = self.mapping.names_in(&digest.digest_s3_bucket, &digest.digest_s3_object);
                    names.contains(&self.mapping.name_of(&item.path))
                }
                _ => true,
            };
            examined.push(Examined { name: name.clone(), content, metadata: None, in_place });
        }
        drop(contents);
        for failure in failures {
            self.failed(failure);
        }

        let places: HashMap<String, usize> =
            digests.iter().enumerate().map(|(place, (_, item))| (self.mapping.name_of(&item.path), place)).collect();
        let mapping = self.mapping.clone();
        let find = move |bucket: &str, key: &str| {
            mapping.names_in(bucket, key).iter().find_map(|name| places.get(name).copied())
        };
        // The links borrow the digests, which then get their metadata: so the links are made of a copy without log files.
        let bare: Vec<Examined> = examined.iter().map(without_logs).collect();
        let links = Links::of(&bare, &find);
        for place in 0..examined.len() {
            if links.is_head(place) || chain.backfill {
                self.metadata(&mut examined, &digests, place, sidecars).await;
            }
        }
        self.keys_for(chain, &examined).await;
        let mut judged = judge(&examined, &links, &self.keys);
        let lacking: Vec<usize> =
            (0..examined.len()).filter(|place| lacks_signature(&examined, &judged, *place)).collect();
        if !lacking.is_empty() {
            for place in lacking {
                self.metadata(&mut examined, &digests, place, sidecars).await;
            }
            judged = judge(&examined, &links, &self.keys);
        }
        self.keys.needed(examined.iter().filter_map(|e| Some(e.digest()?.digest_public_key_fingerprint.clone())));

        let missing = self.missing_digests(chain, &links, &judged, &digests, &bare).await;
        for (place, (digest, verdict)) in examined.into_iter().zip(&judged).enumerate() {
            let Some((name, item)) = digests.get(place) else { continue };
            let lister = Arc::new(Lister {
                uri: item.object.uri.clone(),
                chain: chain.clone(),
                judged: *verdict,
                witness: self.window.is_witness(name.end),
            });
            if !lister.witness {
                self.row(digest_row(&digest, name, &lister)).await?;
                let starts = digest.digest().is_some_and(|digest| digest.previous().is_none());
                if starts && verdict.trust != Trust::Invalid && place + 1 < digests.len() {
                    let gap = Row {
                        kind: Kind::Gap,
                        verdict: Verdict::Gap,
                        why: Some(Why::Restarted),
                        proof: None,
                        found_sha256: None,
                        ..digest_row(&digest, name, &lister)
                    };
                    self.row(gap).await?;
                }
            }
            take_in(digest, &lister, said);
        }
        for row in missing {
            self.row(row).await?;
        }
        Ok(())
    }

    /// Finds the metadata of a digest: beside it, in the keys' file, or in S3.
    async fn metadata(
        &mut self,
        examined: &mut [Examined],
        digests: &[(DigestName, Item)],
        place: usize,
        sidecars: &HashMap<&str, &Item>,
    ) {
        let (Some(examined), Some((_, item))) = (examined.get_mut(place), digests.get(place)) else { return };
        let Some(digest) = examined.digest() else { return };
        let (bucket, key) = (digest.digest_s3_bucket.clone(), digest.digest_s3_object.clone());
        if examined.metadata.is_some() {
            return;
        }
        if let Some(sidecar) = sidecars.get(item.path.as_str()) {
            match self.reader.bytes(sidecar).await.map(|bytes| Metadata::parse(&bytes)) {
                Ok(Some(metadata)) => examined.metadata = Some(metadata),
                Ok(None) => {
                    self.failed(format!("{}: expected is what `aws s3api head-object` prints", sidecar.object.uri))
                }
                Err(error) => self.failed(format!("{}: {error}", sidecar.object.uri)),
            }
        } else if let Some(metadata) = self.keys.metadata(&bucket, &key) {
            examined.metadata = Some(metadata.clone());
        } else {
            match self.reader.source().metadata(&item.object).await {
                Ok(all) => examined.metadata = all.map(|all| Metadata::of(&all)),
                Err(error) => self.failed(format!("{}: {error}", item.object.uri)),
            }
        }
        if let Some(metadata) = &examined.metadata {
            self.keys.keep(&bucket, &key, metadata);
        }
    }

    /// Asks CloudTrail for the keys of a chain, where they are not at hand.
    async fn keys_for(&mut self, chain: &Chain, examined: &[Examined]) {
        let covers = examined.iter().filter(|place| self.lacks_key(place)).filter_map(|place| place.digest()?.covers());
        let (starts, ends): (Vec<_>, Vec<_>) = covers.unzip();
        if let Some((from, to)) = starts.into_iter().min().zip(ends.into_iter().max()) {
            self.fetch_keys(&chain.region, from - HOUR, to + HOUR).await;
        }
        // A backfill digest is signed with the key of the time when it was made.
        for place in examined {
            let generated = place.metadata.as_ref().and_then(|metadata| micros(metadata.generated.as_deref()?));
            if let (Some(at), true) = (generated, self.lacks_key(place)) {
                self.fetch_keys(&chain.region, at - HOUR, at + HOUR).await;
            }
        }
    }

    fn lacks_key(&self, examined: &Examined) -> bool {
        examined.digest().is_some_and(|digest| self.keys.get(&digest.digest_public_key_fingerprint).is_none())
    }

    /// Rows for digests that are named and not here.
    async fn missing_digests(
        &self,
        chain: &Chain,
        links: &Links<'_>,
        judged: &[Judged],
        digests: &[(DigestName, Item)],
        bare: &[Examined],
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for (newer, bucket, key) in &links.elsewhere {
            let (Some(verdict), Some((name, item))) = (judged.get(*newer), digests.get(*newer)) else { continue };
            let end = DigestName::parse(key).map(|name| name.end);
            if verdict.trust == Trust::Invalid
                || self.window.is_witness(name.end) && end.is_none_or(|end| self.window.is_witness(end))
                || end.is_some_and(|end| self.window.is_before(end))
            {
                continue;
            }
            let row = Row {
                kind: Kind::Digest,
                object: format!("s3://{bucket}/{key}"),
                verdict: Verdict::DigestMissing,
                why: Some(Why::NotFound),
                proof: None,
                account: chain.account.clone(),
                region: chain.region.clone(),
                trail: Some(chain.trail.clone()),
                chain: Some(chain.kind()),
                digest: Some(item.object.uri.clone()),
                delivered_at: end,
                expected_sha256: bare.get(*newer).and_then(|newer| newer.digest()?.previous_digest_hash_value.clone()),
                found_sha256: None,
            };
            if self.mapping.names_in(bucket, key).is_empty() {
                rows.push(Row {
                    kind: Kind::Gap,
                    object: item.object.uri.clone(),
                    verdict: Verdict::Gap,
                    why: Some(Why::OtherBucket),
                    ..row
                });
            } else if matches!(self.look(bucket, key, None).await, Whereabouts::Nowhere) {
                rows.push(row);
            }
        }
        rows
    }
}

/// The same digest without what is not needed to link it.
fn without_logs(examined: &Examined) -> Examined {
    let mut bare = examined.clone();
    if let Content::Whole(digest, _) = &mut bare.content {
        digest.log_files = Vec::new();
    }
    bare
}

/// Whether a digest's own metadata may prove what its successor does not.
fn lacks_signature(examined: &[Examined], judged: &[Judged], place: usize) -> bool {
    let unasked = examined.get(place).is_some_and(|digest| digest.metadata.is_none());
    unasked
        && judged.get(place).is_some_and(|judged| {
            matches!(judged.why, Some(Why::SuccessorNotValid | Why::NoSignature | Why::SignatureDiffers))
        })
}

fn digest_row(digest: &Examined, name: &DigestName, lister: &Lister) -> Row {
    Row {
        kind: Kind::Digest,
        object: lister.uri.clone(),
        verdict: lister.judged.verdict,
        why: lister.judged.why,
        proof: lister.judged.proof,
        account: lister.chain.account.clone(),
        region: lister.chain.region.clone(),
        trail: Some(lister.chain.trail.clone()),
        chain: Some(lister.chain.kind()),
        digest: None,
        delivered_at: Some(name.end),
        expected_sha256: None,
        found_sha256: digest.hash().map(str::to_owned),
    }
}

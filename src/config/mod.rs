//! `rolecall.toml`: where things are, and what the organisation knows about itself. Everything works without it.
//!
//! One schema; a key that it does not have is refused with its place and the nearest key that it has, because a setting
//! that is passed over in silence is worse than none. No secrets are in it. It reads two kinds of files, itself and the
//! list of accounts that it names, and decides nothing about logs.

mod accounts;
pub mod allow;
mod mistake;
pub mod notify;
mod schema;
mod values;

use std::path::{Path, PathBuf};

pub use schema::{
    Account, Ci, CiKind, Config, DetectionSettings, Enrichment, Lake, Network, NetworkKind, Organization, Own, Person,
    Planned, Reading, Report, Role, Source, Vendor, VpcEndpoint,
};

use crate::error::{Error, Result};

/// Where a configuration is looked for when nobody names one, in this order.
const PLACES: [&str; 2] = ["rolecall.toml", "/etc/rolecall/rolecall.toml"];

/// The variable that names one.
const VARIABLE: &str = "ROLECALL_CONFIG";

impl Config {
    /// Reads the configuration: the file given, else `$ROLECALL_CONFIG`, else `./rolecall.toml`, else
    /// `/etc/rolecall/rolecall.toml`; an empty one where there is none.
    ///
    /// # Errors
    /// A file that is named does not exist, a file cannot be read, or it holds what the schema does not have.
    pub fn load(given: Option<&Path>) -> Result<Self> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let found = || PLACES.iter().map(PathBuf::from).find(|place| place.is_file());
        match given.map(Path::to_path_buf).or(named).or_else(found) {
            Some(file) => Self::read(&file),
            None => Ok(Self::default()),
        }
    }

    fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::usage("the configuration cannot be read").context("file", file.display().to_string()).source(e)
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, file)?.settled(file, folder)
    }

    /// Reads the text of a file; paths in it stay as they are written.
    fn parse(text: &str, file: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|e| mistake::explain(&e, text, file))
    }

    /// Puts paths below the file's folder, takes in the list of accounts, and looks at what fits together.
    fn settled(mut self, file: &Path, folder: &Path) -> Result<Self> {
        if let Some(location) = &mut self.lake.location {
            *location = placed(location, folder);
        }
        for source in &mut self.sources {
            source.location = placed(&source.location, folder);
            if source.external_id.is_some() && source.role_arn.is_none() {
                return Err(Error::usage(format!("the source '{}' has an external_id and no role_arn", source.name))
                    .context("file", file.display().to_string()));
            }
        }
        let enrichment = [&mut self.enrichment.country, &mut self.enrichment.asn, &mut self.enrichment.organization];
        let own = [&mut self.report.allow_file, &mut self.report.sigma];
        let others = [&mut self.enrichment.aws_ranges, &mut self.reading.spill_dir].into_iter().chain(own);
        for path in enrichment.into_iter().chain(others).flatten() {
            *path = folder.join(&*path);
        }
        if let Some(list) = self.organization.as_ref().and_then(|o| o.accounts_file.as_ref()) {
            let listed = accounts::read(&folder.join(list))?;
            self.take_in(listed);
        }
        Ok(self)
    }

    /// Adds accounts that are listed elsewhere; what is written in the configuration itself wins.
    fn take_in(&mut self, listed: Vec<Account>) {
        for account in listed {
            match self.accounts.iter_mut().find(|known| known.id == account.id) {
                Some(known) => known.name = known.name.take().or(account.name),
                None => self.accounts.push(account),
            }
        }
    }
}

/// A location below the folder of the configuration, where it is a relative path.
fn placed(location: &str, folder: &Path) -> String {
    if location.contains("://") || location == "-" || folder.as_os_str().is_empty() {
        return location.to_owned();
    }
    folder.join(location).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("x/rolecall.toml"))
    }

    fn told(text: &str) -> String {
        let error = parse(text).unwrap_err();
        let place = error.contexts().iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
        format!("{error} | {place} | {}", error.hints().join(", "))
    }

    #[test]
    fn nothing_is_needed_but_the_version() {
        let config = parse("version = 1").unwrap();
        assert!(config.sources.is_empty() && config.lake.location.is_none() && config.organization.is_none());
        assert_eq!(told(""), "the configuration has no version | x/rolecall.toml:1 | write `version = 1`");
        assert!(told("version = 2").starts_with("this version of rolecall reads version 1"), "{}", told("version = 2"));
    }

    #[test]
    fn what_the_schema_does_not_have_is_refused_with_its_place() {
        assert_eq!(
            told("version = 1\n\n[lake]\nloction = 'x'\n"),
            "there is no key 'loction' in [lake] | x/rolecall.toml:4 | did you mean location?"
        );
        assert_eq!(
            told("version = 1\n[[sorce]]\nname = 'x'\n"),
            "there is no section 'sorce' | x/rolecall.toml:2 | did you mean source?"
        );
        assert_eq!(
            told("version = 1\n[[network]]\nname = 'x'\ncidrs = ['10.0.0.0/8']\nkind = 'ofice'\n"),
            "there is no 'ofice' here, in [[network]] | x/rolecall.toml:5 | did you mean office?"
        );
        assert_eq!(
            told("version = 1\n[[source]]\nname = 'x'\n"),
            "[[source]] has no location | x/rolecall.toml:2 | write `location = ...`"
        );
        for (text, words) in [
            ("[[account]]\nid = '12'", "an account id has twelve digits"),
            ("[[account]]\nid = 123456789012", "expected a string"),
            ("[[network]]\nname = 'x'\nkind = 'vpn'\ncidrs = ['10.0.0.0/33']", "'10.0.0.0/33' is no network"),
            ("[reading]\nmax_memory = '1 parsec'", "write a number and B, KB"),
            ("[reading]\nlate_files = 'soon'", "write a number and s, m, h, d or w"),
            ("[[source]]\nname='x'\nlocation='y'\nsince = 'yesterday'", "write 2026-11-07T03:36:00Z"),
            ("[[source]]\nname='x'\nlocation='y'\nsqs = 'z'", "this version of rolecall does not use this key yet"),
            ("[keep]\nwrites = '1y'", "this version of rolecall does not use this section yet"),
            ("[lake]\nprofile = 'x'", "AWS_PROFILE"),
            ("[lake\nprofile = 'x'", "unclosed table"),
        ] {
            let text = format!("version = 1\n{text}\n");
            assert!(told(&text).contains(words), "{text}: {}", told(&text));
        }
    }

    #[test]
    fn paths_are_below_the_files_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rolecall.toml");
        let text = "version = 1\n[lake]\nlocation = 'lake'\n[enrichment]\nasn = 'asn.mmdb'\n\
                    [organization]\naccounts_file = 'accounts.json'\n[[account]]\nid = '111122223333'\nowner = 'us'\n\
                    [[source]]\nname = 'a'\nlocation = 's3://bucket'\n[[source]]\nname = 'b'\nlocation = 'logs'\n";
        std::fs::write(&file, text).unwrap();
        let accounts = r#"{"Accounts":[{"Id":"111122223333","Name":"prod"},{"Id":"444455556666","Name":"test"}]}"#;
        std::fs::write(folder.path().join("accounts.json"), accounts).unwrap();
        let config = Config::load(Some(&file)).unwrap();
        let below = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        assert_eq!(config.lake.location, Some(below("lake")));
        assert_eq!(config.enrichment.asn, Some(below("asn.mmdb").into()));
        assert_eq!([&config.sources[0].location, &config.sources[1].location], ["s3://bucket", &below("logs")]);
        let names: Vec<_> = config.accounts.iter().map(|a| (a.id.as_str(), a.name.as_deref().unwrap())).collect();
        assert_eq!(names, [("111122223333", "prod"), ("444455556666", "test")]);
        assert!(Config::load(Some(&folder.path().join("none.toml"))).is_err());
    }
}

//! What is asked about.

use std::collections::BTreeSet;

/// What is asked about. Adding to it is cheap: what is there already stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// All there is: nothing is chosen.
    pub everything: bool,
    /// Sessions by id, with all that came of them.
    pub sessions: BTreeSet<String>,
    /// Whoever or whatever is called so (a person, a user's ARN or name, a subject, a role's ARN or name, a provider, a service, an
    /// account from outside), with all that came of their sessions.
    pub names: BTreeSet<String>,
    /// The same without what came of them; addresses too.
    pub places: BTreeSet<String>,
    /// Sessions of a role under a session name, with all that came of them: the role's ARN, the name.
    pub roles: BTreeSet<(String, String)>,
    /// Sessions of a role that can be valid at a moment (microseconds): the role's ARN, the moment.
    pub valid: BTreeSet<(String, i64)>,
    /// Programs, as far as few sessions used them.
    pub programs: BTreeSet<String>,
}

impl Asked {
    /// Adds what another asks; whether that was anything new.
    pub fn add(&mut self, other: Asked) -> bool {
        let size = |asked: &Asked| {
            asked.sessions.len()
                + asked.names.len()
                + asked.places.len()
                + asked.roles.len()
                + asked.valid.len()
                + asked.programs.len()
                + usize::from(asked.everything)
        };
        let before = size(self);
        self.everything |= other.everything;
        self.sessions.extend(other.sessions);
        self.names.extend(other.names);
        self.places.extend(other.places);
        self.roles.extend(other.roles);
        self.valid.extend(other.valid);
        self.programs.extend(other.programs);
        size(self) > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_counts() {
        let one = Asked { names: ["dana".to_owned()].into(), ..Asked::default() };
        let mut all = Asked::default();
        assert!(all.add(one.clone()) && !all.add(one));
        assert!(all.add(Asked { everything: true, ..Asked::default() }));
    }
}

//! What roles' ARNs say, read once a role.

use hashbrown::HashMap;

use super::super::arn;
use super::super::names::{Name, Names};

/// What a role's ARN says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Role {
    /// The ARN itself.
    pub arn: Name,
    /// The role's name, without its path.
    pub name: Name,
    /// Its account.
    pub account: Name,
    /// Identity Center's permission set.
    pub permission_set: Name,
}

impl Role {
    /// Reads it.
    pub fn of(names: &mut Names, role_arn: Name) -> Role {
        let text = names.text(role_arn).to_owned();
        Role {
            arn: role_arn,
            name: names.add(arn::name(&text)),
            account: names.add(arn::account(&text)),
            permission_set: names.add(arn::permission_set(arn::name(&text).unwrap_or_default())),
        }
    }
}

/// What is known of roles: many sessions show the same one.
#[derive(Debug, Default)]
pub struct Roles(HashMap<Name, Role>);

impl Roles {
    /// The role of an ARN.
    pub fn of(&mut self, names: &mut Names, role_arn: Name) -> Role {
        *self.0.entry(role_arn).or_insert_with(|| Role::of(names, role_arn))
    }
}

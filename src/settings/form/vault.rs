//! The fields of the Vault that the secrets are read from.

use super::lines::write_pairs;
use super::{ConnectionForm, FormField, Problems, text_of};
use crate::settings::{Address, KvVersion, SettingsError, VaultMethod, VaultSource};
use crate::text::sentences;

/// The fields that have a value only with a Vault.
const FIELDS: [FormField; 11] = [
    FormField::VaultPath,
    FormField::VaultMount,
    FormField::VaultNamespace,
    FormField::VaultKvVersion,
    FormField::VaultVersion,
    FormField::VaultSignIn,
    FormField::VaultSignInMount,
    FormField::VaultUserName,
    FormField::VaultApiKeyField,
    FormField::VaultAgentTokenField,
    FormField::VaultHeaderFields,
];

impl ConnectionForm {
    pub(super) fn show_vault(&mut self, vault: &VaultSource) {
        let sign_in = match vault.sign_in {
            VaultMethod::Token => "",
            method => method.name(),
        };
        for (field, text) in [
            (FormField::VaultAddress, vault.address.to_string()),
            (FormField::VaultPath, vault.secrets_path.clone()),
            (FormField::VaultMount, text_of(vault.mount.as_ref())),
            (FormField::VaultNamespace, text_of(vault.namespace.as_ref())),
            (
                FormField::VaultKvVersion,
                text_of(vault.kv_version.map(u8::from)),
            ),
            (FormField::VaultVersion, text_of(vault.version)),
            (FormField::VaultSignIn, sign_in.to_owned()),
            (
                FormField::VaultSignInMount,
                text_of(vault.sign_in_mount.as_ref()),
            ),
            (FormField::VaultUserName, text_of(vault.user_name.as_ref())),
            (
                FormField::VaultApiKeyField,
                text_of(vault.api_key_field.as_ref()),
            ),
            (
                FormField::VaultAgentTokenField,
                text_of(vault.agent_token_field.as_ref()),
            ),
            (
                FormField::VaultHeaderFields,
                write_pairs(&vault.header_fields, ": "),
            ),
        ] {
            self.set(field, text);
        }
    }

    pub(super) fn read_vault(&self, problems: &mut Problems) -> Option<VaultSource> {
        if self.trimmed(FormField::VaultAddress).is_empty() {
            if FIELDS.iter().any(|field| !self.trimmed(*field).is_empty()) {
                problems.add(
                    FormField::VaultAddress,
                    "The address of the Vault is missing. Enter it, or clear the other fields of the Vault.",
                );
            }
            return None;
        }
        let address = Address::parse(self.text(FormField::VaultAddress))
            .map_err(|error| {
                problems.add(
                    FormField::VaultAddress,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()?;
        let kv_version = match self.trimmed(FormField::VaultKvVersion) {
            "" => None,
            "1" => Some(KvVersion::One),
            "2" => Some(KvVersion::Two),
            _ => {
                problems.add(
                    FormField::VaultKvVersion,
                    "Enter 1 or 2, or leave the field empty to ask the Vault.",
                );
                None
            }
        };
        let version = match self.trimmed(FormField::VaultVersion) {
            "" => None,
            text => {
                let version = text.parse().ok();
                if version.is_none() {
                    problems.add(
                        FormField::VaultVersion,
                        "Enter the number of a version, or leave the field empty for the latest.",
                    );
                }
                version
            }
        };
        let sign_in = match self.trimmed(FormField::VaultSignIn) {
            "" => VaultMethod::Token,
            name => VaultMethod::named(&name.to_ascii_lowercase()).unwrap_or_else(|| {
                problems.add(
                    FormField::VaultSignIn,
                    "Enter token, userpass or ldap, or leave the field empty for token.",
                );
                VaultMethod::Token
            }),
        };
        let source = VaultSource {
            address,
            secrets_path: self.trimmed(FormField::VaultPath).to_owned(),
            mount: self.optional(FormField::VaultMount),
            namespace: self.optional(FormField::VaultNamespace),
            kv_version,
            version,
            sign_in,
            sign_in_mount: self.optional(FormField::VaultSignInMount),
            user_name: self.optional(FormField::VaultUserName),
            api_key_field: self.optional(FormField::VaultApiKeyField),
            agent_token_field: self.optional(FormField::VaultAgentTokenField),
            header_fields: self.read_pairs(FormField::VaultHeaderFields, ':', problems),
        };
        match source.check() {
            Ok(()) => Some(source),
            Err(error) => {
                problems.add(
                    field_of(&error),
                    sentences(&error.to_string(), error.hint()),
                );
                None
            }
        }
    }
}

/// The field that an error is about.
fn field_of(error: &SettingsError) -> FormField {
    let SettingsError::Vault { member, .. } = error else {
        return FormField::VaultAddress;
    };
    match *member {
        "secrets_path" => FormField::VaultPath,
        "mount" => FormField::VaultMount,
        "namespace" => FormField::VaultNamespace,
        "sign_in_mount" => FormField::VaultSignInMount,
        "version" => FormField::VaultVersion,
        "user_name" => FormField::VaultUserName,
        "api_key_field" => FormField::VaultApiKeyField,
        "agent_token_field" => FormField::VaultAgentTokenField,
        _ => FormField::VaultHeaderFields,
    }
}

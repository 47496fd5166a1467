//! The sign-in to the Vault that holds the secrets of a connection.

use leptos::html;
use leptos::prelude::*;

use super::modal::Modal;
use super::secret_entry::{SecretBox, SecretEntry, SecretNotice};
use crate::secrets::{Secret, SecretError, SecretUse};
use crate::settings::{Address, VaultMethod};
use crate::text::{listed, sentences};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::FieldError;
use crate::ui::page::VaultPrompt;
use crate::ui::screen::Screen;
use crate::vault::VaultCredential;

/// The name of the dialog.
const DIALOG: &str = "vault";

/// The id of the sentence that says that the Vault is being asked.
const BUSY: &str = "vault-busy";

/// What the operator signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignInKind {
    Method(VaultMethod),
    Wrapped,
}

impl SignInKind {
    const ALL: [SignInKind; 4] = [
        SignInKind::Method(VaultMethod::Token),
        SignInKind::Method(VaultMethod::Userpass),
        SignInKind::Method(VaultMethod::Ldap),
        SignInKind::Wrapped,
    ];

    fn label(self) -> &'static str {
        match self {
            SignInKind::Method(VaultMethod::Token) => "Token",
            SignInKind::Method(VaultMethod::Userpass) => "User name",
            SignInKind::Method(VaultMethod::Ldap) => "LDAP",
            SignInKind::Wrapped => "Wrapped",
        }
    }

    fn has_user_name(self) -> bool {
        matches!(
            self,
            SignInKind::Method(VaultMethod::Userpass | VaultMethod::Ldap)
        )
    }

    /// The label of the field of the secret.
    fn secret_label(self) -> &'static str {
        match self {
            SignInKind::Method(VaultMethod::Token) => "Vault token",
            SignInKind::Method(_) => "Password",
            SignInKind::Wrapped => "Wrapping token",
        }
    }

    fn usage(self) -> SecretUse {
        match self {
            SignInKind::Method(VaultMethod::Userpass | VaultMethod::Ldap) => SecretUse::Body,
            SignInKind::Method(VaultMethod::Token) | SignInKind::Wrapped => SecretUse::Header {
                keeps_scheme: false,
            },
        }
    }

    fn hint(self) -> &'static str {
        match self {
            SignInKind::Method(VaultMethod::Token) => {
                "Kept in memory until you reload or close the tab, and never revoked by this page."
            }
            SignInKind::Method(_) => {
                "Sent once, to this Vault only, and then forgotten. The token that the Vault returns is kept in memory until you reload or close the tab."
            }
            SignInKind::Wrapped => {
                "Unwrapped once. The token inside is kept in memory until you reload or close the tab."
            }
        }
    }

    fn credential(
        self,
        secret: &str,
        user_name: String,
        vault: &Address,
    ) -> Result<VaultCredential, SecretError> {
        Ok(match self {
            SignInKind::Method(VaultMethod::Token) => {
                VaultCredential::Token(Secret::new(secret, vault)?)
            }
            SignInKind::Wrapped => VaultCredential::Wrapped(Secret::new(secret, vault)?),
            SignInKind::Method(method) => VaultCredential::Password {
                method,
                user_name,
                password: Secret::for_body(secret, vault)?,
            },
        })
    }
}

/// What is read from the Vault, and which servers get it.
fn purpose(prompt: &VaultPrompt) -> String {
    let (mount, path) = prompt.source.mount_and_path();
    let uses: Vec<String> = prompt
        .wanted
        .iter()
        .map(|wanted| {
            let host = wanted.address.host_and_port();
            format!("the {} for {host}", wanted.slot.label())
        })
        .collect();
    if uses.is_empty() {
        return format!(
            "Nothing is read from {mount}/{path} yet: the connection has no endpoints."
        );
    }
    let uses = listed(&uses);
    format!("The page reads these from {mount}/{path} when it needs them: {uses}.")
}

/// The dialog. What is typed is only in its fields until it is submitted; no signal holds it.
#[component]
pub fn VaultSignInDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let first = page.vaults.get_untracked().prompt;
    let source = first.as_ref().map(|prompt| prompt.source.clone());
    let host = source
        .as_ref()
        .map(|source| source.address.host_and_port())
        .unwrap_or_default();
    let method = source.as_ref().map(|it| it.sign_in).unwrap_or_default();
    let known_name = source.and_then(|source| source.user_name);
    let purpose = first.as_ref().map(purpose);
    let needs_secret = first.is_some_and(|prompt| prompt.needs_secret);
    let kind = RwSignal::new(SignInKind::Method(method));
    let invalid = RwSignal::new(None::<String>);
    let user_name = NodeRef::<html::Input>::new();
    let entry = SecretEntry::new(Signal::derive(move || kind.get().usage()));
    let is_busy = Memo::new(move |_| {
        page.vaults
            .with(|vaults| vaults.prompt.as_ref().is_some_and(|prompt| prompt.is_busy))
    });
    let refusal = Memo::new(move |_| {
        page.vaults.with(|vaults| {
            vaults
                .prompt
                .as_ref()
                .and_then(|prompt| prompt.refusal.clone())
        })
    });
    let error = Signal::derive(move || invalid.get().or_else(|| refusal.get()));
    let has_error = Signal::derive(move || error.with(Option::is_some));
    let submit = Callback::new(move |()| {
        let prompt = page.vaults.get_untracked().prompt;
        let Some(prompt) = prompt.filter(|prompt| !prompt.is_busy) else {
            return;
        };
        invalid.set(None);
        if !entry.may_use() {
            return;
        }
        let kind = kind.get_untracked();
        let name = user_name.get_untracked().map(|field| field.value());
        let name = name.unwrap_or_default().trim().to_owned();
        if kind.has_user_name() && name.is_empty() {
            return invalid.set(Some("The user name is missing. Enter it.".to_owned()));
        }
        match kind.credential(&entry.text(), name, &prompt.source.address) {
            Ok(credential) => {
                entry.clear();
                screen.command(move |commands| commands.sign_in_to_vault(credential));
            }
            Err(error) => {
                let what = format!("This is not a valid {}: {error}", kind.secret_label());
                invalid.set(Some(sentences(&what, error.hint())));
            }
        }
    });
    let dismiss = move |enters_secret: bool| {
        screen.command(move |commands| commands.dismiss_vault_sign_in(enters_secret));
    };
    let choices = SignInKind::ALL.map(|choice| {
        view! {
            <label>
                <input
                    type="radio"
                    name="vault-kind"
                    prop:checked=move || kind.get() == choice
                    on:change=move |_| {
                        invalid.set(None);
                        kind.set(choice);
                        entry.look_again();
                    }
                />
                {choice.label()}
            </label>
        }
    });
    let known_name = StoredValue::new(known_name.unwrap_or_default());
    view! {
        <Modal
            name=DIALOG
            title=Signal::stored(format!("Sign in to Vault at {host}"))
            on_close=Callback::new(move |()| dismiss(false))
            on_submit=submit
        >
            <div class="dialog-body">
                <p>{purpose}</p>
                <fieldset class="segment">
                    <legend>"Sign in with"</legend>
                    <div class="choices">{choices}</div>
                </fieldset>
                <Show when=move || kind.get().has_user_name()>
                    <div class="field">
                        <label for="vault-user">"User name"</label>
                        <input
                            class="input mono"
                            id="vault-user"
                            autocomplete="off"
                            autocapitalize="off"
                            spellcheck="false"
                            value=known_name.get_value()
                            node_ref=user_name
                        />
                    </div>
                </Show>
                <div class="field">
                    <label for="vault-secret">{move || kind.get().secret_label()}</label>
                    <SecretBox id="vault-secret" entry autofocus=true has_error/>
                    <p class="hint" id="vault-secret-hint">{move || kind.get().hint()}</p>
                    <FieldError id="vault-secret" text=error/>
                    <SecretNotice id="vault-secret" entry/>
                </div>
                <p class="hint" id=BUSY role="status">
                    {move || if is_busy.get() { "Signing in…" } else { "" }}
                </p>
                {needs_secret
                    .then(|| {
                        view! {
                            <div class="button-row">
                                <Button
                                    icon="key"
                                    label="Enter the secret itself"
                                    on_press=move || dismiss(true)
                                />
                            </div>
                        }
                    })}
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || dismiss(false)/>
                <Button
                    kind=ButtonKind::Main
                    label="Sign in"
                    disabled_by=Signal::derive(move || is_busy.get().then_some(BUSY))
                />
            </div>
        </Modal>
    }
}

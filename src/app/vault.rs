//! Vault as the source of secrets: reading one that is needed, signing in, and caring for the token.
//!
//! A secret is read only when an action needs it, and a dry run needs none. So a dry run never contacts
//! a Vault; a token is renewed only while a live run is generated or posted, or when a secret is read.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update, WithUntracked};
use wasm_bindgen_futures::spawn_local;

use super::application::{Application, Next, problem, refusal_problem, settings_problem};
use super::guard::Refusal;
use crate::browser::clock::PageClock;
use crate::pieces::vault::{VaultAccess, access};
use crate::ports::Clock;
use crate::run::{Mode, Run};
use crate::secrets::{Secret, SecretSlot};
use crate::settings::{Address, Connection, VaultSource};
use crate::text::sentences;
use crate::ui::lazy;
use crate::ui::page::{HeldVaultToken, Problem, VaultPrompt};
use crate::vault::{
    SignedIn, TokenLife, VaultCredential, VaultError, VaultSecrets, WantedSecret, wanted_secrets,
};

/// Shortest time between two looks at the life of a token, in milliseconds.
const MIN_LOOK_MILLISECONDS: u64 = 1_000;
/// Longest time between two looks at the life of a token, in milliseconds.
const MAX_LOOK_MILLISECONDS: u64 = 60_000;

/// A secret that an action needs.
pub(super) struct Need {
    /// Its slot.
    pub slot: SecretSlot,
    /// The endpoint that uses it.
    pub address: Address,
    /// The one that the endpoint rejected.
    pub rejected: Option<Secret>,
    /// What to tell the operator about that.
    pub refusal: Option<String>,
}

impl Need {
    /// A secret that was not rejected before.
    pub fn of(slot: SecretSlot, address: Address) -> Need {
        Need {
            slot,
            address,
            rejected: None,
            refusal: None,
        }
    }
}

/// A secret that is needed, and the connection with the Vault to read it from.
struct Reading {
    need: Need,
    connection: Connection,
}

/// What the page knows about Vaults.
#[derive(Default)]
pub(super) struct Vaults {
    /// The lives of the tokens in the keyring and where they were obtained, by origin.
    tokens: RefCell<BTreeMap<String, (VaultSource, TokenLife)>>,
    /// What the operator signed in for: which secret of which Vault goes to which endpoint. Nothing else is
    /// read, because a connection that was imported may name a known Vault and an unknown endpoint.
    agreed: RefCell<Vec<(VaultSource, WantedSecret)>>,
    /// The secret that is being read.
    reading: RefCell<Option<Reading>>,
    /// The secrets to get after the one that is being read or asked for, each with its action: a model
    /// endpoint and a task server may reject theirs at the same moment.
    queue: RefCell<VecDeque<(Need, Option<Next>)>>,
    /// Counts readings and sign-ins, so that a late response of an abandoned one changes nothing.
    turn: Cell<u64>,
}

impl Vaults {
    /// Begins something whose result replaces that of everything before.
    fn begin(&self) -> u64 {
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }

    /// Of the secrets of a connection, those that the operator signed in for.
    fn agreed(&self, source: &VaultSource, wanted: Vec<WantedSecret>) -> Vec<WantedSecret> {
        let agreed = self.agreed.borrow();
        let is_agreed = |wanted: &WantedSecret| {
            let mut agreed = agreed.iter();
            agreed.any(|(of, secret)| of == source && secret == wanted)
        };
        wanted.into_iter().filter(is_agreed).collect()
    }
}

impl Application {
    /// Gets a secret that an action needs, and continues with `next`: from the connection's Vault if it
    /// has one, or else from the operator.
    pub(super) fn supply(self: &Rc<Self>, need: Need, next: Option<Next>) {
        if self.gets_another_secret(&need.slot) {
            let mut queue = self.vaults.queue.borrow_mut();
            queue.retain(|(queued, _)| queued.slot != need.slot);
            return queue.push_back((need, next));
        }
        self.wait_with(next);
        let Some(connection) = self.connection_with(&need) else {
            return self.prompt_for(need.slot, need.address, need.refusal);
        };
        *self.vaults.reading.borrow_mut() = Some(Reading { need, connection });
        self.read_from_vault();
    }

    /// Whether another secret is being read or asked for.
    fn gets_another_secret(&self, slot: &SecretSlot) -> bool {
        let reading = self.vaults.reading.borrow();
        let is_read = reading.as_ref().map(|reading| reading.need.slot != *slot);
        let is_asked = self
            .page
            .secret_prompt
            .with_untracked(|prompt| prompt.as_ref().map(|prompt| prompt.slot != *slot));
        is_read.or(is_asked).unwrap_or_default()
    }

    /// Gets the next secret that waits for its turn.
    pub(super) fn supply_next(self: &Rc<Self>) {
        let is_busy = self.vaults.reading.borrow().is_some()
            || self.page.secret_prompt.with_untracked(Option::is_some);
        if is_busy {
            return;
        }
        let next = self.vaults.queue.borrow_mut().pop_front();
        if let Some((need, next)) = next {
            self.supply(need, next);
        }
    }

    /// The connection whose Vault has a secret: that of the run on the page, or the one for new runs.
    pub(super) fn connection_with(&self, need: &Need) -> Option<Connection> {
        let of_run = self.controller.with_run(|run| run.connection().clone());
        let of_page = Some(self.page.connection.get_untracked());
        let candidates = match need.slot == SecretSlot::API_KEY {
            true => [of_page, of_run],
            false => [of_run, of_page],
        };
        let wants_it = |connection: &Connection| {
            let wanted = wanted_secrets(connection);
            let mut wanted = wanted.iter();
            wanted.any(|wanted| {
                wanted.slot == need.slot && wanted.address.origin() == need.address.origin()
            })
        };
        candidates.into_iter().flatten().find(wants_it)
    }

    /// The calls of a Vault. Waits until their piece is loaded.
    pub(super) async fn vault_access(&self) -> Rc<dyn VaultAccess> {
        lazy::load(self.page, access).await
    }

    /// Whether requests may go to a Vault.
    fn check_vault(&self, source: &VaultSource) -> Result<(), Problem> {
        if !self.setup.config_is_read.get() {
            return Err(refusal_problem(&Refusal::ConfigUnread));
        }
        source
            .check()
            .and_then(|()| self.setup.hosts.borrow().check(&source.address))
            .map_err(|error| settings_problem(&error))
    }

    /// The Vault token for the origin of a Vault, if one is held that has not ended.
    fn vault_token(&self, source: &VaultSource) -> Option<Secret> {
        let tokens = self.vaults.tokens.borrow();
        let (_, life) = tokens.get(&source.address.origin())?;
        if life.is_over(PageClock.now()) {
            return None;
        }
        let secrets = self.secrets.borrow();
        let token = secrets.get(&SecretSlot::VAULT_TOKEN, &source.address)?;
        token.copy_for(&source.address).ok()
    }

    /// Reads the secret that is needed, after a sign-in if there is no token.
    fn read_from_vault(self: &Rc<Self>) {
        let (source, wanted, slot) = {
            let reading = self.vaults.reading.borrow();
            let Some(Reading { need, connection }) = reading.as_ref() else {
                return;
            };
            let Some(source) = connection.vault.clone() else {
                return;
            };
            let wanted = self.vaults.agreed(&source, wanted_secrets(connection));
            (source, wanted, need.slot.clone())
        };
        if let Err(problem) = self.check_vault(&source) {
            return self.enter_by_hand(Some(sentences(&problem.what, &problem.hint)));
        }
        let is_agreed = wanted.iter().any(|wanted| wanted.slot == slot);
        let token = self.vault_token(&source).filter(|_| is_agreed);
        let Some(token) = token else {
            return self.ask_to_sign_in(*source, None);
        };
        let turn = self.vaults.begin();
        let app = Rc::clone(self);
        spawn_local(async move {
            app.renew_if_due(&source).await;
            let access = app.vault_access().await;
            let read = access.read(*source.clone(), token, wanted).await;
            if app.vaults.turn.get() == turn {
                app.finish_reading(&*access, &source, read);
            }
        });
    }

    fn finish_reading(
        self: &Rc<Self>,
        access: &dyn VaultAccess,
        source: &VaultSource,
        read: Result<VaultSecrets, VaultError>,
    ) {
        let read = match read {
            Ok(read) => read,
            Err(error) if error.is_about_token() => {
                if error.ends_token() {
                    self.forget_vault_token(&source.address);
                }
                return self.ask_to_sign_in(source.clone(), Some(access.message(&error)));
            }
            Err(error) => return self.enter_by_hand(Some(access.message(&error))),
        };
        let Some(Reading { need, connection }) = self.vaults.reading.take() else {
            return;
        };
        let missing = read.missing.iter().find(|(slot, _)| *slot == need.slot);
        let refusal = missing.map(|(_, error)| access.message(error));
        let wanted = wanted_secrets(&connection);
        let mut secrets = self.secrets.borrow_mut();
        let taken = read.take(&need.slot, need.rejected.as_ref(), &wanted, &secrets);
        secrets.add_for(&connection.id, taken.secrets);
        drop(secrets);
        self.setup.show_held_secrets();
        self.controller.recheck_for_secrets();
        if taken.is_enough {
            self.run_next();
            return self.supply_next();
        }
        let refusal = refusal.or_else(|| {
            need.refusal
                .map(|refusal| format!("{refusal} The Vault still has the same one."))
        });
        self.prompt_for(need.slot, need.address, refusal);
    }

    /// Asks the operator for the secret itself, because it was not read.
    fn enter_by_hand(&self, refusal: Option<String>) {
        self.vaults.begin();
        self.set_vault_prompt(None);
        if let Some(Reading { need, .. }) = self.vaults.reading.take() {
            self.prompt_for(need.slot, need.address, refusal.or(need.refusal));
        }
    }

    fn set_vault_prompt(&self, prompt: Option<VaultPrompt>) {
        let has_prompt = prompt.is_some();
        self.page.vaults.update(|vaults| vaults.prompt = prompt);
        self.page.has_vault_prompt.set(has_prompt);
    }

    fn ask_to_sign_in(&self, source: VaultSource, refusal: Option<String>) {
        let reading = self.vaults.reading.borrow();
        let wanted = match reading.as_ref() {
            Some(reading) => wanted_secrets(&reading.connection),
            None => wanted_secrets(&self.page.connection.get_untracked()),
        };
        self.set_vault_prompt(Some(VaultPrompt {
            source: Box::new(source),
            wanted,
            needs_secret: reading.is_some(),
            refusal,
            is_busy: false,
        }));
    }

    /// Lets the operator sign in to the Vault of the connection for new runs.
    pub(super) fn open_vault_sign_in(&self) {
        if let Some(source) = self.page.connection.get_untracked().vault {
            self.vaults.reading.take();
            self.ask_to_sign_in(*source, None);
        }
    }

    pub(super) fn dismiss_vault_sign_in(self: &Rc<Self>, enters_secret: bool) {
        if enters_secret {
            return self.enter_by_hand(None);
        }
        self.vaults.begin();
        self.vaults.reading.take();
        self.wait_with(None);
        self.set_vault_prompt(None);
        self.supply_next();
    }

    /// Signs in, and reads the secret that is needed.
    pub(super) fn sign_in_to_vault(self: &Rc<Self>, credential: VaultCredential) {
        let Some(prompt) = self.page.vaults.get_untracked().prompt else {
            return;
        };
        let refuse = |refusal: String| {
            self.set_vault_prompt(Some(VaultPrompt {
                refusal: Some(refusal),
                is_busy: false,
                ..prompt.clone()
            }));
        };
        if let Err(problem) = self.check_vault(&prompt.source) {
            return refuse(sentences(&problem.what, &problem.hint));
        }
        self.set_vault_prompt(Some(VaultPrompt {
            is_busy: true,
            refusal: None,
            ..prompt.clone()
        }));
        let turn = self.vaults.begin();
        let app = Rc::clone(self);
        spawn_local(async move {
            let access = app.vault_access().await;
            let signed_in = access.sign_in(*prompt.source.clone(), credential).await;
            if app.vaults.turn.get() != turn {
                return;
            }
            match signed_in {
                Ok(signed_in) => {
                    let source = &*prompt.source;
                    let wanted = prompt.wanted.into_iter();
                    let mut agreed = app.vaults.agreed.borrow_mut();
                    agreed.extend(wanted.map(|wanted| (source.clone(), wanted)));
                    drop(agreed);
                    app.keep_vault_token(*prompt.source, signed_in);
                    app.set_vault_prompt(None);
                    app.read_from_vault();
                }
                Err(error) => app.set_vault_prompt(Some(VaultPrompt {
                    refusal: Some(
                        app.secrets
                            .borrow()
                            .redactor()
                            .redact(&access.message(&error)),
                    ),
                    is_busy: false,
                    ..prompt
                })),
            }
        });
    }

    fn keep_vault_token(self: &Rc<Self>, source: VaultSource, signed_in: SignedIn) {
        let SignedIn { token, life } = signed_in;
        let origin = source.address.origin();
        let is_ending = life.ends_at.is_some();
        let mut secrets = self.secrets.borrow_mut();
        secrets.add(vec![(SecretSlot::VAULT_TOKEN, token)]);
        drop(secrets);
        let mut tokens = self.vaults.tokens.borrow_mut();
        let before = tokens.insert(origin.clone(), (source, life));
        let is_watched = before.is_some_and(|(_, life)| life.ends_at.is_some());
        drop(tokens);
        self.setup.show_held_secrets();
        self.show_vault_tokens();
        self.controller.recheck_for_secrets();
        if is_ending && !is_watched {
            self.watch_vault_token(origin);
        }
    }

    /// Renews the token for this origin before it ends, while a live run uses the endpoints. Ends with
    /// the token.
    fn watch_vault_token(self: &Rc<Self>, origin: String) {
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            loop {
                let Some(app) = weak.upgrade() else { return };
                let known = app.vaults.tokens.borrow().get(&origin).cloned();
                let Some((source, life)) = known else { return };
                if life.is_over(PageClock.now()) {
                    return app.forget_vault_token(&source.address);
                }
                if app.uses_endpoints() {
                    app.renew_if_due(&source).await;
                }
                drop(app);
                let look = (life.granted / 12).clamp(MIN_LOOK_MILLISECONDS, MAX_LOOK_MILLISECONDS);
                PageClock
                    .sleep(u32::try_from(look).unwrap_or(u32::MAX))
                    .await;
            }
        });
    }

    /// Whether a live run is being generated or posted.
    fn uses_endpoints(&self) -> bool {
        let is_active = |run: &Run| {
            run.mode() == Mode::Live
                && (run.is_generating() || run.is_posting() || run.is_sending())
        };
        self.controller.with_run(is_active) == Some(true)
    }

    /// Renews the token of a Vault if its end is near. A failure is not reported: the token is used while
    /// it lives, and then the operator signs in again.
    async fn renew_if_due(&self, source: &VaultSource) {
        let origin = source.address.origin();
        let life = {
            let tokens = self.vaults.tokens.borrow();
            tokens.get(&origin).map(|(_, life)| life.clone())
        };
        let Some(life) = life.filter(|life| life.is_due(PageClock.now())) else {
            return;
        };
        let Some(token) = self.vault_token(source) else {
            return;
        };
        let access = self.vault_access().await;
        if let Ok(renewed) = access.renew(source.clone(), token, life).await {
            if let Some((_, life)) = self.vaults.tokens.borrow_mut().get_mut(&origin) {
                *life = renewed;
            }
            self.show_vault_tokens();
        }
    }

    /// Revokes a token that the page obtained by a sign-in, and forgets it.
    pub(super) fn revoke_vault_token(self: &Rc<Self>, origin: String) {
        let known = self.vaults.tokens.borrow().get(&origin).cloned();
        let Some((source, _)) = known.filter(|(_, life)| life.is_own) else {
            return;
        };
        let Some(token) = self.vault_token(&source) else {
            return self.forget_vault_token(&source.address);
        };
        let app = Rc::clone(self);
        spawn_local(async move {
            let access = app.vault_access().await;
            let address = source.address.clone();
            match access.revoke(source, token).await {
                Ok(()) => app.forget_vault_token(&address),
                Err(error) => {
                    let redactor = app.secrets.borrow().redactor();
                    let what = redactor.redact(&access.message(&error));
                    let hint = "The Vault token was not revoked. Try again, or let it end.";
                    app.add_problem(problem(error.code(), what, hint));
                }
            }
        });
    }

    fn forget_vault_token(&self, vault: &Address) {
        self.secrets
            .borrow_mut()
            .forget(&SecretSlot::VAULT_TOKEN, vault);
        self.setup.show_held_secrets();
        self.show_vault_tokens();
    }

    /// Shows the Vault tokens that are held, and forgets what is known about others.
    pub(super) fn show_vault_tokens(&self) {
        let held = self.secrets.borrow().held();
        let is_held = |origin: &String| {
            held.iter()
                .any(|(slot, of)| *slot == SecretSlot::VAULT_TOKEN && of == origin)
        };
        let mut tokens = self.vaults.tokens.borrow_mut();
        tokens.retain(|origin, _| is_held(origin));
        let shown = tokens.iter().map(|(origin, (_, life))| HeldVaultToken {
            origin: origin.clone(),
            life: life.clone(),
        });
        let shown: Vec<HeldVaultToken> = shown.collect();
        self.page.vaults.update(|vaults| vaults.tokens = shown);
    }
}
